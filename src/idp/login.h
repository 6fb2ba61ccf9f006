/* The end of a login, for who showed who they are on another page of ours. */
#ifndef AIRLOCK_IDP_LOGIN_H
#define AIRLOCK_IDP_LOGIN_H

#include "idp/endpoint.h"

/* Begins a session and sends the browser on with a code. asked as in authorize.h; it is changed. */
void login_finish(struct idp *idp, const struct request *request, json_t *asked, const struct account *account,
                  struct answer *a);

#endif
