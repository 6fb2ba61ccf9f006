/* Making answers. Pure. Runs in airlock-idp. */
#include "idp/answer.h"

#include "base/error.h"

void answer_init(struct answer *a)
{
    *a = (struct answer){.body = STR_INIT(ANSWER_MAX)};
}

void answer_done(struct answer *a)
{
    if (a->body.p)
        secret_wipe(a->body.p, a->body.cap); /* it may have been a token */
    str_done(&a->body);
    free(a->location);
    free(a->cookie);
}

void answer_json(struct answer *a, int status, json_t *body_stolen)
{
    AUTO_JSON json_t *body = body_stolen;
    a->status = status;
    a->type = "application/json";
    json_append_value(&a->body, body);
}

void answer_oauth_error(struct answer *a, int status, const char *error, const char *description)
{
    answer_json(a, status, json_pack("{s:s, s:s}", "error", error, "error_description", description));
}

/* Our codes in the words of RFC 6749 §4.1.2.1 and §5.2. */
static const struct {
    const char *error;
    int code;
    int status;
} FAILURES[] = {
    {"invalid_scope", E_NOT_FOUND, 400},
    {"invalid_request", E_INVALID, 400},
    {"invalid_request", E_BAD_REQUEST, 400},
    {"invalid_grant", E_STALE, 400},
    {"temporarily_unavailable", E_RATE, 429},
    {"temporarily_unavailable", E_UNAVAILABLE, 503},
    {"temporarily_unavailable", E_UNKNOWN, 503},
    {"temporarily_unavailable", E_IO, 503},
};

const char *oauth_error_for(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(FAILURES); i++)
        if (FAILURES[i].code == code)
            return FAILURES[i].error;
    return "server_error";
}

void answer_failure(struct answer *a, const struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(FAILURES); i++)
        if (FAILURES[i].code == err->code) {
            answer_oauth_error(a, FAILURES[i].status, FAILURES[i].error, err->detail);
            return;
        }
    answer_oauth_error(a, 500, "server_error", "Something went wrong inside airlock");
}
