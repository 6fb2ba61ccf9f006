/* The page where a person changes the password: by its own address, or because a sign-in with a password for one time
 * led here and goes on afterwards. */
#ifndef AIRLOCK_IDP_CHANGE_H
#define AIRLOCK_IDP_CHANGE_H

#include "idp/endpoint.h"

/* Shows the form. asked: the login that goes on afterwards (see authorize_read), NULL for none. */
void change_show(struct idp *idp, const struct request *request, const json_t *asked, const char *username,
                 struct answer *a);

/* May this person have this password? NULL, or what is wrong with it, in words. Pure. */
const char *change_problem(const struct account *account, const char *before, const char *next, const char *again);

#endif
