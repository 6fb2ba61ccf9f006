/* Authorization requests: what is asked, checked once, and the way back to who asked. */
#ifndef AIRLOCK_IDP_AUTHORIZE_H
#define AIRLOCK_IDP_AUTHORIZE_H

#include "idp/endpoint.h"

/* Checks a request. What is asked, as an object (the caller's): client_id, redirect_uri, fragment, state, nonce, scope,
 * code_challenge, max_age (seconds since the password was given; -1: any). NULL when the request is refused; then a is
 * the answer: a page as long as client and redirect are not known to belong together, a redirect with the error from
 * there on (RFC 6749 §4.1.2.1). */
json_t *authorize_read(const struct idp *idp, const struct request *request, struct answer *a);

/* Sends the browser back: name is "code" or "error". */
void authorize_back(const struct idp *idp, const json_t *asked, const char *name, const char *value,
                    const char *description, struct answer *a);

#endif
