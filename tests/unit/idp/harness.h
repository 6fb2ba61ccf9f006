/* The endpoints without a network around them: a provider in a temporary directory, a core that is a function, and a
 * browser that keeps cookies and one form. */
#ifndef AIRLOCK_TESTS_IDP_HARNESS_H
#define AIRLOCK_TESTS_IDP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idp/endpoint.h"

#define ALICE "11111111-1111-4111-8111-111111111111"
#define TENANT "99999999-9999-4999-8999-999999999999"
#define CORE_CLIENT "77777777-7777-4777-8777-777777777777"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define SCOPE "api%3A%2F%2Fspace%2Fuser_impersonation"
#define AUTHORIZE                                                                                                     \
    "client_id=airlock-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code&code_challenge_method=" \
    "S256&code_challenge=" CHALLENGE
#define GOOD AUTHORIZE "&scope=openid+" SCOPE "&state=s%26t&nonce=n-1"
#define REDEEM                                                                                             \
    "grant_type=authorization_code&client_id=airlock-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&" \
    "code_verifier=" VERIFIER

#define PASSWORD "username=alice&password=open%2Bsesame%26"

extern struct idp *idp;
extern int core_says;           /* 0, or the error core answers with */
extern struct str told;         /* what core was told, oldest first: "event method subject" lines */
extern void (*meanwhile)(void); /* called once while core is told anything but a sign-in; NULL: nothing happens */

/* Of the group, and before each test: nobody is under suspicion. */
int begin(void **state);
int end(void **state);
int fresh(void **state);

struct ask {
    const char *params;
    const char *authorization;
    const char *cookie;
    const char *fetch_site;
    const char *address;
    const char *base; /* NULL: the tenant's own */
};
struct answer ask_all(endpoint_fn *endpoint, struct ask ask);
struct answer ask(endpoint_fn *endpoint, const char *params);

/* Takes the answer over; its JSON is the caller's. */
json_t *body_of(struct answer a, int status);
void assert_error(struct answer a, int status, const char *error);
json_t *claims_of(const char *token);
/* What stands behind a text, up to an end; the caller's. */
char *cut(const char *text, const char *before, const char *end);

/* Keeps the cookies it is given and the ticket of the last form. */
struct browser {
    char *cookies;
    char *ticket;
};
void browser_take(struct browser *browser, const struct answer *a);
void browser_done(struct browser *browser);
/* Opens a page and returns its text; the caller's. */
char *browser_visit(struct browser *browser, endpoint_fn *page, const char *params);
char *browser_open(struct browser *browser, const char *params); /* the login page */
/* Sends the last form back. */
struct answer browser_post(const struct browser *browser, endpoint_fn *page, const char *fields);
struct answer browser_send(const struct browser *browser, const char *fields); /* to the login page */
/* Signs in and returns the code; the caller's. */
char *sign_in(struct browser *browser, const char *params);
json_t *redeem(const char *code);

#endif
