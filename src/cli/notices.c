/* `airlock notices` and `airlock admin rules test`: which mails one gets, and who would get one. */
#include <string.h>

#include "base/json.h"
#include "base/uuid.h"
#include "cli/api.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/workspace.h"

/* The server knows the choices. */
int notices_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *body = args->count ? json_pack("{s:s}", "choice", args->items[0]) : NULL;

    if (args->count && !body)
        return error_set(err, E_USAGE, "The choice must be UTF-8 text");
    const struct api_call call = {.method = body ? "PUT" : "GET", .path = "/me/notices", .body = body};
    int r = api_send(cli, &call, &answer, NULL, err);
    if (r)
        return r;
    if (cli->json)
        return output_json(answer, err);
    AUTO_FREE char *text = xasprintf("%s\n", json_text(answer, "choice"));
    return output_write(text, err);
}

static void print_row(struct table *table, const json_t *notice)
{
    const json_t *person = json_object_get(notice, "person");
    const char *template = json_text(notice, "template");
    AUTO_FREE char *way = xasprintf("%s%s%s", json_text(notice, "channel"), *template ? "/" : "", template);
    AUTO_FREE char *delay = xasprintf("%lld s", (long long)json_int(notice, "delaySeconds"));

    table_text(table, json_text(notice, "type"));
    table_text(table, json_text(notice, "role"));
    table_text(table, json_text(person, "name"));
    table_text(table, json_text(person, "email"));
    table_text(table, way);
    table_text(table, json_int(notice, "delaySeconds") ? delay : "");
    table_text(table, json_flag(notice, "mandatory") ? "yes" : "no");
    table_text(table, json_text(notice, "outcome"));
    table_text(table, json_text(notice, "detail"));
}

static int print_plan(const struct cli *cli, const json_t *answer, struct error *err)
{
    static const char *const HEADINGS[] = {"TYPE",   "ROLE",      "~PERSON", "~ADDRESS", "CHANNEL",
                                           ">DELAY", "MANDATORY", "OUTCOME", "~DETAIL",  NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *notice;

    json_array_foreach(json_object_get(answer, "notices"), index, notice)
    {
        print_row(table, notice);
    }
    return table_print(table, cli->csv, err);
}

static int plan_body(struct cli *cli, const struct args *args, json_t **ret, struct error *err)
{
    static const char *const TYPES[] = {"import", "export", NULL};
    AUTO_JSON json_t *body = NULL;
    AUTO_FREE char *workspace = NULL;
    const char *status, *type = NULL, *request = args_get(args, "request"), *named = args_get(args, "workspace");
    int r = args_need(args, "status", &status, err);

    if (!r)
        r = args_choice(args, "direction", TYPES, &type, err);
    if (!r && request && !uuid_is_v4(request))
        r = error_set_field(err, E_USAGE, "request", "\"%.80s\" is not a request's id", request);
    if (!r && named)
        r = workspace_resolve(cli, named, &workspace, err);
    if (r)
        return r;
    body = json_pack("{s:s, s:s*, s:s*, s:s*}", "status", status, "type", type, "workspace", workspace, "request", request);
    if (!body)
        return error_set_field(err, E_USAGE, "status", "--status must be UTF-8 text");
    *ret = TAKE_PTR(body);
    return 0;
}

int admin_rules_test_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *body = NULL;
    AUTO_JSON json_t *answer = NULL;
    int r = plan_body(cli, args, &body, err);

    if (!r)
        r = api_post(cli, NULL, "/admin/rules/test", body, &answer, err);
    if (r)
        return r;
    return cli->json ? output_json(answer, err) : print_plan(cli, answer, err);
}
