/* How a client names itself at the endpoints that programs call (RFC 6749 §2.3.1). */
#ifndef AIRLOCK_IDP_CREDENTIALS_H
#define AIRLOCK_IDP_CREDENTIALS_H

#include "idp/endpoint.h"

struct credentials {
    char id[ACCOUNT_TEXT_MAX + 1];
    char secret[PASSWORD_MAX + 1]; /* wipe it after use */
    bool basic;                    /* in the header */
};

/* Credentials in the header or in the form, never in both; false when they are neither. */
bool credentials_read(const struct request *request, struct credentials *ret);
/* One of our public clients, which have no secret? Else a is the answer. */
bool credentials_are_public(const struct idp *idp, const struct credentials *credentials, struct answer *a);
/* The two for endpoints that take public clients alone. */
bool credentials_read_public(const struct idp *idp, const struct request *request, struct credentials *ret,
                             struct answer *a);

void answer_unnamed_client(struct answer *a);
void answer_invalid_client(const struct credentials *credentials, struct answer *a);

#endif
