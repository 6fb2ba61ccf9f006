/* What people send in request bodies: shape, types, lengths, defaults. Every refusal is E_INVALID naming the field.
 * Texts are borrowed from the JSON, which must outlive the result. Pure; used by core (which decides) only. */
#ifndef AIRLOCK_MODEL_VALIDATE_H
#define AIRLOCK_MODEL_VALIDATE_H

#include "base/json.h"
#include "base/network.h"
#include "model/policy.h"
#include "model/status.h"

#define VALIDATE_TITLE_MAX 200        /* characters */
#define VALIDATE_TEXT_MAX 10000       /* characters of justification, explanation, reason */
#define VALIDATE_DISPLAY_NAME_MAX 200 /* characters */
#define VALIDATE_NETWORKS_MAX 32
#define VALIDATE_CLIENT_ID_MAX 200 /* bytes */

/* An optional text of one line without control characters; NULL when not given. max: characters. */
int validate_line(const json_t *body, const char *field, size_t max, const char **ret, struct error *err) MUST_USE;

/* POST …/requests. Unknown fields are ignored, as AzureTRE does. */
struct request_input {
    enum request_type type;
    const char *title;
    const char *justification;
};
int validate_request(const json_t *body, struct request_input *ret_input, struct error *err) MUST_USE;

/* POST …/review. approval takes true, false and, as AzureTRE's clients send them, "True" and "False". */
struct review_input {
    bool approve;
    const char *explanation;
    const char *manifest_digest; /* 64 lower-case hex digits, or NULL when not given */
};
int validate_review(const json_t *body, struct review_input *ret_input, struct error *err) MUST_USE;

/* POST …/revoke. */
int validate_revoke(const json_t *body, const char **ret_reason, struct error *err) MUST_USE;

/* A workspace's properties on create and patch: display_name, description, enable_airlock, networks (array of CIDR
 * texts), policy (object: see policy.def). A patch changes only what it names. Both refuse fields they do not know, as
 * AzureTRE does for a patch. */
struct workspace_input {
    const json_t *gates; /* NULL: not given; {"import": {…}, "export": {…}}, checked; null there takes a row back */
    const char *display_name; /* NULL: not given (never on create) */
    const char *description;  /* NULL: not given */
    const char *client_id;    /* NULL: not given; audience of the workspace's tokens at the identity provider */
    bool has_enable_airlock;
    bool enable_airlock; /* true when not given */
    bool has_networks;
    size_t network_count;
    struct network networks[VALIDATE_NETWORKS_MAX];
    unsigned policy_given; /* bit 1 << enum policy_row */
    struct policy policy;  /* defaults where not given */
};
int validate_workspace_create(const json_t *body, struct workspace_input *ret_input, struct error *err) MUST_USE;
int validate_workspace_patch(const json_t *body, struct workspace_input *ret_input, struct error *err) MUST_USE;

#endif
