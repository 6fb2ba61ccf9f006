/* One request as understood: names, parameters, conditions, operation. Lives as the exchange's state. airlock-blob
 * only. The link's parameters are passed on to core as they came: nothing here judges them, logs them or answers them.
 */
#ifndef AIRLOCK_BLOB_REQUEST_H
#define AIRLOCK_BLOB_REQUEST_H

#include "base/uuid.h"
#include "blob/app.h"
#include "blob/location.h"
#include "blob/operation.h"
#include "model/conditional.h"

#define REQUEST_PARAMS_MAX 64

struct request {
    const struct app *app;
    struct http_exchange *x;
    const struct http_head *head;
    char id[UUID_TEXT_SIZE]; /* x-ms-request-id */
    struct http_params params;
    struct location location;
    struct conditional conditional;
    enum operation operation;
    void *work; /* the operation's own state, while it lasts longer than its first function */
    void (*work_free)(void *work);
};

/* Attached to x, freed with it. */
struct request *request_new(const struct app *app, struct http_exchange *x);
/* AZURE_OK, or how the request is refused before anything is asked of core. */
enum azure_code request_parse(struct request *rq, struct error *err) MUST_USE;

/* A header's value; NULL when it is absent or empty. */
const char *request_header(const struct request *rq, const char *name);
const char *request_param(const struct request *rq, const char *name); /* "" when absent */
const char *request_scheme(const struct request *rq);                  /* "http" or "https", as the client speaks it */
/* Parameters of this request or of a copy's source: plain text, each but the link's own once (a link's doubles are
 * core's to refuse). */
enum azure_code request_check_params(const struct http_params *params) MUST_USE;
/* The link's parameters, for `sas` of a question to core. The caller's. */
json_t *request_sas_pairs(const struct http_params *params);
/* The fields of a question to core: the access fields, the blob where the path names one. The caller's. */
json_t *request_fields(const struct request *rq);
/* The same with `cond`, for writes. */
json_t *request_fields_conditional(const struct request *rq);

/* Visible ASCII, space and tab: what may travel in a header in both directions. */
bool request_is_plain(const char *text);
bool request_is_version(const char *text); /* the form of x-ms-version, YYYY-MM-DD */

#endif
