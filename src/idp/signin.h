/* The one place where a password or a client secret is judged. */
#ifndef AIRLOCK_IDP_SIGNIN_H
#define AIRLOCK_IDP_SIGNIN_H

#include "idp/endpoint.h"

enum signin_kind { SIGNIN_PASSWORD, SIGNIN_CLIENT_SECRET };

struct signin {
    enum signin_kind kind;
    const struct accounts *accounts;
    const char *who; /* a login name or mail address, or a client id */
    const char *secret;
    const char *client_id; /* of the program that wants the sign-in, for the audit */
    const char *address;   /* of the client, for the throttle and the log */
};

/* The "username" and the "password" of a page's form, borrowed from it. */
struct signin signin_of_form(const struct request *request, const char *client_id);

/* On record at core before it returns, whichever way it ends; E_UNAVAILABLE or E_UNKNOWN when core cannot be told.
 * E_UNAUTHENTICATED does not tell which part was wrong, neither by text nor by time; E_RATE comes with the seconds to
 * wait, E_UNAVAILABLE when too many are checked just now. Failures are logged, without what was typed. *ret is borrowed
 * from signin->accounts. */
int signin_check(struct idp *idp, const struct signin *signin, const struct account **ret, unsigned *ret_wait_s,
                 struct error *err) MUST_USE;
/* The status of a page that shows its form again after this: 403 for what is wrong, as no browser is to be challenged.
 */
int signin_http_status(int code);

#endif
