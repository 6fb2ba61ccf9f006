/* The claims of tokens, and the answer that hands them out. */
#ifndef AIRLOCK_IDP_TOKEN_H
#define AIRLOCK_IDP_TOKEN_H

#include "idp/answer.h"
#include "idp/idp.h"
#include "idp/scope.h"

/* A token that somebody has earned. Everything is borrowed. */
struct token_order {
    const struct account *account;
    const char *client_id;
    const struct scope *scope;
    bool app;                  /* client credentials: no person is at the keyboard */
    const char *nonce;         /* "" or NULL where there is none */
    const char *session;       /* the browser session's id, "" or NULL where there is none */
    const char *offline_scope; /* a refresh token is to be given for it; NULL: none */
    const char *spends;        /* the refresh token that this is for; its successor is given. NULL: none */
    int64_t auth_time_s;       /* when the password was given; not with client credentials */
};

/* The claims AzureTRE's clients and core expect (iss, aud, oid, roles, …). The caller's. */
json_t *token_access_claims(const struct idp *idp, const struct token_order *order, const json_t *meaning,
                            int64_t now_s);
/* OpenID Connect Core §2. */
json_t *token_id_claims(const struct idp *idp, const struct token_order *order, int64_t now_s);

/* Asks core what the scope means, signs, and as the last step makes or turns the refresh token, durably. The answer's
 * body is the caller's. */
int token_make(struct idp *idp, const struct token_order *order, json_t **ret_body, struct error *err) MUST_USE;
/* The same, and fills a: 200, or an error of RFC 6749 §5.2. */
void token_answer(struct idp *idp, const struct token_order *order, struct answer *a);

#endif
