/* `airlock request review` and `revoke`: what a manager decides, always about the very bytes that were shown. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/api.h"
#include "cli/prompt.h"
#include "cli/request.h"

int request_confirm(const struct args *args, const json_t *envelope, const char *question, struct error *err)
{
    int r = request_explain(envelope, err);

    if (r || args_has(args, "yes") || !prompt_possible())
        return r;
    return prompt_confirm(question) ? 0 : error_set(err, E_USAGE, "Nothing was sent");
}

static int read_decision(const struct args *args, bool *ret_approve, const char **ret_reason, struct error *err)
{
    bool approve = args_has(args, "approve");

    if (approve == args_has(args, "reject"))
        return error_set(err, E_USAGE, "Say either --approve or --reject");
    int r = args_need(args, "reason", ret_reason, err);
    if (!r)
        *ret_approve = approve;
    return r;
}

/* The digest that was shown; the one the person gave, if any, must be the same. */
static int check_digest(const struct args *args, const json_t *envelope, struct error *err)
{
    const char *given = args_get(args, "manifest-digest");

    if (given && strcmp(given, request_digest(envelope)) != 0)
        return error_set(err, E_STALE, "The request's manifest is %s, not the one you named",
                         *request_digest(envelope) ? request_digest(envelope) : "not there");
    return 0;
}

static int send_review(struct cli *cli, const char *workspace, const char *id, bool approve, const char *reason,
                       const char *digest, json_t **ret, struct error *err)
{
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/review", workspace, id);
    AUTO_JSON json_t *body = json_pack("{s:b, s:s}", "approval", approve, "decisionExplanation", reason);

    if (!body)
        return error_set(err, E_USAGE, "The reason must be UTF-8 text");
    if (*digest)
        (void)json_object_set_new(body, "manifestDigest", json_string(digest));
    return api_post(cli, workspace, path, body, ret, err);
}

int request_review_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;
    bool approve = false;
    const char *reason = NULL;

    int r = read_decision(args, &approve, &reason, err);
    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, &before, err);
    if (!r)
        r = check_digest(args, before, err);
    if (!r)
        r = request_confirm(args, before, approve ? "Approve these files?" : "Reject these files?", err);
    if (!r)
        r = send_review(cli, workspace, args->items[0], approve, reason, request_digest(before), &after, err);
    return r ? r : request_print(cli, after, err);
}

int request_revoke_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;
    const char *reason;

    int r = args_need(args, "reason", &reason, err);
    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, &before, err);
    if (!r)
        r = request_confirm(args, before, "Revoke this request's release? Copies that were taken stay.", err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/revoke", workspace, args->items[0]);
    AUTO_JSON json_t *body = json_pack("{s:s}", "reason", reason);
    if (!body)
        return error_set(err, E_USAGE, "The reason must be UTF-8 text");
    r = api_post(cli, workspace, path, body, &after, err);
    return r ? r : request_print(cli, after, err);
}
