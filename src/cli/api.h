/* The airlock API (AzureTRE's routes) as the commands call it: JSON in, JSON out, the right token, refusals as errors.
 */
#ifndef AIRLOCK_CLI_API_H
#define AIRLOCK_CLI_API_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "cli/cli.h"

#define API_PATH_MAX 8192
#define API_UUID_LEN 36

struct api_call {
    const char *method;
    const char *path;                      /* "/workspaces", below /api; ids in it are UUIDs already checked */
    const char *workspace;                 /* whose token to use; NULL: the core token */
    const json_t *body;                    /* NULL: none */
    const char *etag;                      /* for PATCH; NULL: none */
    const struct api_listening *listening; /* api_listen_any's; NULL */
};

/* How an answer without an end is heard. */
struct api_listening {
    struct web *web; /* for it alone: the listener may call the server meanwhile */
    struct web_listener *listener;
    const char *last_id; /* of an event: go on after it; "": from now on */
};

/* *ret is the caller's: the answer's object (a bare array comes as {"items": array}). *ret_next, if asked for, is the
 * path of the next page or NULL, the caller's. A token that is refused is fetched anew, once. GET is tried again while
 * the server restarts. */
int api_send(struct cli *cli, const struct api_call *call, json_t **ret, char **ret_next, struct error *err) MUST_USE;

int api_get(struct cli *cli, const char *workspace, const char *path, json_t **ret, struct error *err) MUST_USE;
int api_post(struct cli *cli, const char *workspace, const char *path, const json_t *body, json_t **ret,
             struct error *err) MUST_USE;
/* Follows the pages of a list below field ("items" for a bare array) while all is set; *ret is one array, the caller's.
 */
int api_list(struct cli *cli, const char *workspace, const char *path, const char *field, bool all, json_t **ret,
             struct error *err) MUST_USE;

/* The scope of a workspace's own token, or core's where the server has one audience for all; asked for once and kept.
 * *ret is the caller's. */
int api_scope(struct cli *cli, const char *workspace, char **ret, struct error *err) MUST_USE;

/* As a member of the workspace, or else as TRE administrator with a core token. When neither is allowed, the refusal of
 * the member is told. */
int api_send_any(struct cli *cli, const struct api_call *call, json_t **ret, struct error *err) MUST_USE;
int api_list_any(struct cli *cli, const char *workspace, const char *path, const char *field, bool all, json_t **ret,
                 struct error *err) MUST_USE;
/* The same for an answer without an end, which goes to the listener. One try; *ret_retry_s is what a refusal named in
 * Retry-After, else 0. */
int api_listen_any(struct cli *cli, const struct api_call *call, const struct api_listening *listening,
                   uint64_t *ret_retry_s, struct error *err) MUST_USE;
/* Who the person is to the server, and with which roles: {"id","name","email","roles",…}, the caller's. workspace NULL:
 * in the TRE. */
int api_caller(struct cli *cli, const char *workspace, json_t **ret, struct error *err) MUST_USE;
/* Not there, not allowed, or not for this token: another way in may help. */
bool api_is_refusal(int code);

/* "</api/x?cursor=1>; rel=\"next\"": the path below /api with its query, the caller's; NULL when there is none that is
 * a path of this API. */
char *api_next_path(const char *link_header);

#endif
