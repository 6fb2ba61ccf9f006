/* `airlock request new|list|submit|cancel`, and finding a request among the person's workspaces. */
#include "cli/request.h"

#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/uuid.h"
#include "cli/api.h"
#include "cli/table.h"
#include "cli/url.h"
#include "cli/workspace.h"

#define LIMIT_DEFAULT "200"

static const char *const TYPES[] = {"import", "export", NULL};

int request_fetch(struct cli *cli, const char *workspace, const char *id, json_t **ret_envelope, struct error *err)
{
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s", workspace, id);
    struct api_call call = {.method = "GET", .path = path, .workspace = workspace};

    return api_send_any(cli, &call, ret_envelope, err);
}

/* Looks through every workspace; those that do not know the request or the person are passed over. */
static int search_workspaces(struct cli *cli, const char *id, char **ret_workspace, json_t **ret_envelope,
                             struct error *err)
{
    AUTO_JSON json_t *list = NULL;
    size_t index;
    json_t *workspace;

    int r = workspace_list(cli, &list, err);
    if (r)
        return r;
    json_array_foreach(list, index, workspace)
    {
        const char *candidate = json_text(workspace, "id");
        if (!uuid_is_v4(candidate))
            continue;
        r = request_fetch(cli, candidate, id, ret_envelope, err);
        if (!r)
            *ret_workspace = xstrdup(candidate);
        if (!api_is_refusal(r))
            return r;
    }
    return error_set(err, E_NOT_FOUND, "None of your workspaces has the request %s", id);
}

int request_locate(struct cli *cli, const struct args *args, const char *id, char **ret_workspace,
                   json_t **ret_envelope, struct error *err)
{
    AUTO_JSON json_t *envelope = NULL;
    AUTO_FREE char *workspace = NULL;
    const char *option = workspace_option(args);
    int r;

    if (!uuid_is_v4(id))
        return error_set(err, E_USAGE, "\"%.80s\" is not a request's id; see: airlock request list", id);
    if (option) {
        r = workspace_resolve(cli, option, &workspace, err);
        if (!r && ret_envelope)
            r = request_fetch(cli, workspace, id, &envelope, err);
    } else {
        r = search_workspaces(cli, id, &workspace, &envelope, err);
    }
    if (r)
        return r;
    *ret_workspace = TAKE_PTR(workspace);
    if (ret_envelope)
        *ret_envelope = TAKE_PTR(envelope);
    return 0;
}

int request_new_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *envelope = NULL;
    const char *type = NULL;
    const char *title;
    const char *justification;

    int r = args_choice(args, "type", TYPES, &type, err);
    if (!r)
        r = args_need(args, "type", &type, err);
    if (!r)
        r = args_need(args, "title", &title, err);
    if (!r)
        r = args_need(args, "justification", &justification, err);
    if (!r)
        r = workspace_need(cli, args, &workspace, err);
    if (r)
        return r;
    AUTO_JSON json_t *body =
        json_pack("{s:s, s:s, s:s}", "type", type, "title", title, "businessJustification", justification);
    if (!body)
        return error_set(err, E_USAGE, "The title and the justification must be UTF-8 text");
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests", workspace);
    r = api_post(cli, workspace, path, body, &envelope, err);
    return r ? r : request_print(cli, envelope, err);
}

static void append_filters(struct str *path, const struct args *args)
{
    static const char *const FILTERS[] = {"type", "status"};

    url_append_query(path, "order_by", "updatedWhen");
    url_append_query(path, "order_ascending", "false");
    url_append_query(path, "limit", LIMIT_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(FILTERS); i++)
        if (args_get(args, FILTERS[i]))
            url_append_query(path, FILTERS[i], args_get(args, FILTERS[i]));
}

/* Adds the requests of one workspace to list. */
static int list_workspace(struct cli *cli, const struct args *args, const char *workspace, json_t *list,
                          struct error *err)
{
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
    AUTO_JSON json_t *page = NULL;
    AUTO_JSON json_t *me = NULL;
    bool all = args_has(args, "all");

    str_printf(&path, "/workspaces/%s/requests", workspace);
    append_filters(&path, args);
    if (args_has(args, "mine")) {
        int r = api_caller(cli, workspace, &me, err);
        if (r)
            return r;
        url_append_query(&path, "creator_user_id", json_text(me, "id"));
    }
    int r = api_list_any(cli, workspace, str_text(&path), "airlockRequests", all, &page, err);
    if (!r)
        (void)json_array_extend(list, page);
    return r;
}

/* The person's own requests in all workspaces need no workspace's token. */
static int list_own(struct cli *cli, const struct args *args, json_t *list, struct error *err)
{
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
    AUTO_JSON json_t *page = NULL;
    size_t index;
    json_t *request;

    str_append(&path, "/requests");
    append_filters(&path, args);
    int r = api_list(cli, NULL, str_text(&path), "items", args_has(args, "all"), &page, err);
    if (r)
        return r;
    json_array_foreach(page, index, request)
    {
        (void)json_array_append_new(list, json_pack("{s:O}", "airlockRequest", request));
    }
    return 0;
}

static int list_everywhere(struct cli *cli, const struct args *args, json_t *list, struct error *err)
{
    AUTO_JSON json_t *workspaces = NULL;
    size_t index;
    json_t *workspace;

    int r = workspace_list(cli, &workspaces, err);
    if (r)
        return r;
    json_array_foreach(workspaces, index, workspace)
    {
        r = list_workspace(cli, args, json_text(workspace, "id"), list, err);
        if (r && !api_is_refusal(r))
            return r;
    }
    return 0;
}

static int print_list(const struct cli *cli, const json_t *list, struct error *err)
{
    static const char *const HEADINGS[] = {"ID", "TYPE", "STATUS", "~TITLE", "~CREATED BY", "UPDATED", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *envelope;

    if (cli->json) {
        AUTO_JSON json_t *whole = json_pack("{s:O}", "airlockRequests", list);
        return output_json(whole, err);
    }
    json_array_foreach((json_t *)list, index, envelope)
    {
        const json_t *request = json_object_get(envelope, "airlockRequest");
        table_text(table, json_text(request, "id"));
        table_text(table, json_text(request, "type"));
        table_text(table, json_text(request, "status"));
        table_text(table, json_text(request, "title"));
        table_text(table, json_text(json_object_get(request, "createdBy"), "name"));
        table_time(table, json_object_get(request, "updatedWhen"));
    }
    return table_print(table, cli->csv, err);
}

int request_list_run(struct cli *cli, const struct args *args, struct error *err)
{
    json_t *list = json_array();
    AUTO_FREE char *workspace = NULL;
    const char *type;

    int r = args_choice(args, "type", TYPES, &type, err);
    if (!r && workspace_option(args)) {
        r = workspace_need(cli, args, &workspace, err);
        if (!r)
            r = list_workspace(cli, args, workspace, list, err);
    } else if (!r) {
        r = args_has(args, "mine") ? list_own(cli, args, list, err) : list_everywhere(cli, args, list, err);
    }
    if (!r)
        r = print_list(cli, list, err);
    json_decref(list);
    return r;
}

int request_submit_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *envelope = NULL;

    int r = request_locate(cli, args, args->items[0], &workspace, NULL, err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/submit", workspace, args->items[0]);
    r = api_post(cli, workspace, path, NULL, &envelope, err);
    return r ? r : request_print(cli, envelope, err);
}

int request_cancel_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;

    int r = request_locate(cli, args, args->items[0], &workspace, &before, err);
    if (!r)
        r = request_confirm(args, before, "Cancel this request and remove its files?", err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/cancel", workspace, args->items[0]);
    struct api_call call = {.method = "POST", .path = path, .workspace = workspace};
    r = api_send_any(cli, &call, &after, err);
    return r ? r : request_print(cli, after, err);
}

void request_pause(int64_t ms)
{
    struct timespec wait = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
    (void)nanosleep(&wait, NULL); /* a signal cuts it short: fine */
}
