/* An answer that is not sent yet: what the endpoints make, so that they can be tested without a network. */
#ifndef AIRLOCK_IDP_ANSWER_H
#define AIRLOCK_IDP_ANSWER_H

#include "base/json.h"
#include "base/str.h"
#include "idp/client.h"

#define ANSWER_MAX (128 * 1024)

struct answer {
    int status;       /* 0: nothing answered yet */
    const char *type; /* of the body; NULL where there is none */
    struct str body;
    char *location;                /* of a redirect */
    char *cookie;                  /* a whole Set-Cookie value */
    char form_target[ORIGIN_SIZE]; /* a page's form may lead to this origin too; "" for none */
    bool has_form;
    bool ask_basic; /* WWW-Authenticate: Basic */
    unsigned retry_after_s;
    unsigned cache_s; /* 0: no-store */
};

void answer_init(struct answer *a);
void answer_done(struct answer *a);

void answer_json(struct answer *a, int status, json_t *body_stolen);
/* RFC 6749 §5.2: {"error","error_description"}. */
void answer_oauth_error(struct answer *a, int status, const char *error, const char *description);
/* The OAuth error for what core or a worker reported. */
void answer_failure(struct answer *a, const struct error *err);
const char *oauth_error_for(int code);

#endif
