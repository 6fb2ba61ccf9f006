/* The two cookies of the login pages. Both are for the authorization endpoint alone, hidden from scripts, and never
 * sent by a page of another site. */
#ifndef AIRLOCK_IDP_COOKIE_H
#define AIRLOCK_IDP_COOKIE_H

#include <stdbool.h>

#include "idp/answer.h"
#include "idp/idp.h"

#define AUTHORIZE_PATH "/oauth2/v2.0/authorize" /* below the tenant */
#define FORM_LIFETIME_S 600                     /* a login form, and the cookie it is bound to */
#define SESSION_LIFETIME_S (8 * 3600)
#define BROWSER_SIZE 33 /* 16 random bytes as hex, with the NUL */

/* The random value that ties forms to this browser; "" when it brought none of our form. */
void browser_read(const char *cookies, char out[static BROWSER_SIZE]);
/* The same, drawing one when there is none, and renews the cookie. */
void browser_renew(const struct idp *idp, const char *cookies, char out[static BROWSER_SIZE], struct answer *a);

/* Who signed in here within the last hours, so that a next token takes a click and no password. */
void session_begin(const struct idp *idp, const struct account *account, int64_t auth_time_s, struct answer *a);
void session_end(const struct idp *idp, struct answer *a);
/* The account (borrowed) and when its password was given; NULL when there is no session. */
const struct account *session_find(const struct idp *idp, const char *cookies, int64_t now_s, int64_t *ret_auth_time_s);

#endif
