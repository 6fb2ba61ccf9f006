/* The two cookies of the pages. Both are for the pages of one tenant alone, hidden from scripts, and never sent by a
 * page of another site. */
#ifndef AIRLOCK_IDP_COOKIE_H
#define AIRLOCK_IDP_COOKIE_H

#include <stdbool.h>

#include "idp/endpoint.h"

#define FORM_LIFETIME_S 600 /* a form, and the cookie it is bound to */
#define BROWSER_SIZE 33     /* 16 random bytes as hex, with the NUL */

/* The random value that ties forms to this browser; "" when it brought none of our form. */
void browser_read(const char *cookies, char out[static BROWSER_SIZE]);
/* The same, drawing one when there is none, and renews the cookie. */
void browser_renew(const struct idp *idp, const struct request *request, char out[static BROWSER_SIZE],
                   struct answer *a);

/* This browser's session (see session.h). */
void session_begin(struct idp *idp, const struct request *request, const struct account *account, struct session *ret,
                   struct answer *a);
/* Forgets it, here and in the browser. */
void session_end(struct idp *idp, const struct request *request, struct answer *a);
bool session_find(struct idp *idp, const struct request *request, int64_t now_s, struct session *ret);
/* The account of a session, borrowed from the request; NULL when it may not sign in any more. */
const struct account *session_account(const struct request *request, const struct session *session);

#endif
