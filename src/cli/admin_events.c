/* `airlock admin events …`: what is not told yet to systems outside, and what was given up. */
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "cli/api.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/url.h"

static int print_deliveries(const struct cli *cli, const json_t *deliveries, struct error *err)
{
    static const char *const HEADINGS[] = {">ID",       "ENDPOINT", "STATE",    "KIND",   "REQUEST",
                                           ">SEQUENCE", ">TRIES",   "NEXT TRY", "~ERROR", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *each;

    json_array_foreach((json_t *)deliveries, index, each)
    {
        AUTO_FREE char *id = xasprintf("%lld", (long long)json_int(each, "id"));
        AUTO_FREE char *sequence = xasprintf("%lld", (long long)json_int(each, "sequence"));
        AUTO_FREE char *attempts = xasprintf("%lld", (long long)json_int(each, "attempts"));
        table_text(table, id);
        table_text(table, json_text(each, "endpoint"));
        table_text(table, json_flag(each, "leased") ? "sending" : json_text(each, "state"));
        table_text(table, json_text(each, "kind"));
        table_text(table, json_text(each, "request"));
        table_text(table, sequence);
        table_text(table, attempts);
        table_time(table, json_object_get(each, "nextTry"));
        table_text(table, json_text(each, "error"));
    }
    return table_print(table, cli->csv, err);
}

int admin_events_list_run(struct cli *cli, const struct args *args, struct error *err)
{
    static const char *const STATES[] = {"open", "dead", "skipped", NULL};
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
    AUTO_JSON json_t *deliveries = NULL;
    const char *state = NULL, *endpoint = args_get(args, "endpoint");

    int r = args_choice(args, "state", STATES, &state, err);
    if (r)
        return r;
    str_append(&path, "/admin/events");
    if (state)
        url_append_query(&path, "state", state);
    if (endpoint)
        url_append_query(&path, "endpoint", endpoint);
    r = api_list(cli, NULL, str_text(&path), "deliveries", args_has(args, "all"), &deliveries, err);
    if (r)
        return r;
    if (!cli->json)
        return print_deliveries(cli, deliveries, err);
    AUTO_JSON json_t *whole = json_pack("{s:O}", "deliveries", deliveries);
    return output_json(whole, err);
}

/* Exactly one of: an id, --endpoint, --all. */
static int read_selection(const struct args *args, json_t **ret, struct error *err)
{
    const char *endpoint = args_get(args, "endpoint");
    uint64_t id = 0;

    if ((args->count > 0) + (endpoint != NULL) + args_has(args, "all") != 1)
        return error_set(err, E_USAGE, "Say which: an ID from 'airlock admin events list', --endpoint NAME or --all");
    if (args->count > 0 && !num_parse(args->items[0], 1, INT64_MAX, &id))
        return error_set(err, E_USAGE, "\"%.40s\" is no id of 'airlock admin events list'", args->items[0]);
    *ret = id         ? json_pack("{s:I}", "id", (json_int_t)id)
           : endpoint ? json_pack("{s:s}", "endpoint", endpoint)
                      : json_pack("{s:b}", "all", 1);
    return *ret ? 0 : error_set_field(err, E_USAGE, "endpoint", "--endpoint must be UTF-8 text");
}

/* The server changes a piece at a time. */
static int change(struct cli *cli, const struct args *args, const char *path, const char *done, struct error *err)
{
    AUTO_JSON json_t *body = NULL;
    int64_t count = 0;
    bool more = true;
    int r = read_selection(args, &body, err);

    while (r == 0 && more) {
        AUTO_JSON json_t *answer = NULL;
        r = api_post(cli, NULL, path, body, &answer, err);
        count += json_int(answer, "count");
        more = json_flag(answer, "more");
    }
    if (r)
        return r;
    if (cli->json) {
        AUTO_JSON json_t *whole = json_pack("{s:I}", "count", (json_int_t)count);
        return output_json(whole, err);
    }
    AUTO_FREE char *text = xasprintf("%lld %s\n", (long long)count, done);
    return output_write(text, err);
}

int admin_events_replay_run(struct cli *cli, const struct args *args, struct error *err)
{
    return change(cli, args, "/admin/events/replay", "deliveries are tried again.", err);
}

int admin_events_drop_run(struct cli *cli, const struct args *args, struct error *err)
{
    return change(cli, args, "/admin/events/drop", "deliveries were dropped.", err);
}
