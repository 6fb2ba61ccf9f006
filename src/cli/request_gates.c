/* `airlock request gates|check`: what the security gates found, or would find in a draft. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/api.h"
#include "cli/request.h"
#include "cli/table.h"

#define CHECK_FIRST_MS 100
#define CHECK_MAX_MS 2000
#define CHECK_TIMEOUT_S 600
#define CHECK_TIMEOUT_MAX_S 86400
#define PICTURE_MAX ((size_t)64 * 1024 * 1024)

static void append_place(struct str *place, const json_t *finding)
{
    const char *member = json_text(finding, "member"), *column = json_text(finding, "column");
    int64_t row = json_int(finding, "row"), count = json_int(finding, "count");

    if (*member)
        str_append(place, member);
    if (row > 0)
        str_printf(place, "%srow %lld", place->len > 0 ? ", " : "", (long long)row);
    if (*column)
        str_printf(place, "%scolumn %s", place->len > 0 ? ", " : "", column);
    if (count > 1)
        str_printf(place, "%s%lld times", place->len > 0 ? ", " : "", (long long)count);
}

static void add_finding(struct table *table, const char *file, const json_t *finding)
{
    AUTO_STR struct str place = STR_INIT(8192);

    append_place(&place, finding);
    table_text(table, file);
    table_text(table, json_text(finding, "verdict"));
    table_text(table, json_text(finding, "code"));
    table_text(table, str_text(&place));
    table_text(table, json_text(finding, "detail"));
}

/* One gate's files; returns how many findings are counted only. */
static int64_t add_files(struct table *table, const json_t *gate)
{
    int64_t omitted = 0;
    size_t i, k;
    json_t *file, *finding;

    json_array_foreach(json_object_get(gate, "files"), i, file)
    {
        omitted += json_int(file, "omitted");
        json_array_foreach(json_object_get(file, "findings"), k, finding)
        {
            add_finding(table, json_text(file, "name"), finding);
        }
    }
    return omitted;
}

static void append_gates(struct str *out, const json_t *gates)
{
    static const char *const HEADINGS[] = {"GATE", "VERDICT", "NOTE", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t i;
    json_t *gate;

    json_array_foreach((json_t *)gates, i, gate)
    {
        const json_t *engine = json_object_get(gate, "engine");
        AUTO_FREE char *note =
            engine ? xasprintf("%s %s, base %s of %s", json_text(engine, "name"), json_text(engine, "version"),
                               json_text(engine, "base"), json_text(engine, "baseDate"))
                   : xstrdup(json_text(gate, "detail"));
        table_text(table, json_text(gate, "gate"));
        table_text(table, json_text(gate, "verdict"));
        table_text(table, note);
    }
    table_render(table, 0, out);
}

static void append_findings(struct str *out, const json_t *gates)
{
    static const char *const HEADINGS[] = {"~FILE", "VERDICT", "FINDING", "~WHERE", "~DETAIL", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_STR struct str rows = STR_INIT(PICTURE_MAX);
    int64_t omitted = 0;
    size_t i, empty;
    json_t *gate;

    table_render(table, 0, &rows);
    empty = rows.len;
    json_array_foreach((json_t *)gates, i, gate)
    {
        omitted += add_files(table, gate);
    }
    str_reset(&rows);
    table_render(table, 0, &rows);
    if (rows.len > empty)
        str_printf(out, "\n%s", str_text(&rows));
    if (omitted > 0)
        str_printf(out, "\n%lld more findings are counted, and not listed.\n", (long long)omitted);
}

/* whole: as the API sent it. */
static int report_print(const struct cli *cli, const json_t *whole, const json_t *report, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(PICTURE_MAX);
    AUTO_FACTS struct facts facts = FACTS_INIT;

    if (cli->json)
        return output_json(whole, err);
    facts_add(&facts, "Verdict", json_text(report, "verdict"));
    facts_add_time(&facts, "Checked", json_object_get(report, "checkedWhen"));
    facts_add_time(&facts, "Finished", json_object_get(report, "finishedWhen"));
    facts_add(&facts, "Manifest digest", json_text(report, "manifestDigest"));
    facts_add(&facts, "Policy digest", json_text(report, "policyDigest"));
    if (json_flag(report, "outdated"))
        facts_add(&facts, "Note", "files were changed since: check again");
    str_append(&out, str_text(&facts.text));
    str_append_char(&out, '\n');
    append_gates(&out, json_object_get(report, "gates"));
    append_findings(&out, json_object_get(report, "gates"));
    return output_write(str_text(&out), err);
}

int request_gates_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *answer = NULL;
    int r = request_locate(cli, args, args->items[0], &workspace, NULL, err);

    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/gates", workspace, args->items[0]);
    struct api_call call = {.method = "GET", .path = path, .workspace = workspace};
    r = api_send_any(cli, &call, &answer, err);
    return r ? r : report_print(cli, answer, json_object_get(answer, "gateReport"), err);
}

static bool is_running(const json_t *answer)
{
    return strcmp(json_text(json_object_get(answer, "check"), "state"), "running") == 0;
}

/* Asks for the check and waits for its end. */
static int check_wait(struct cli *cli, const char *workspace, const char *id, int64_t timeout_s, json_t **ret,
                      struct error *err)
{
    AUTO_FREE char *path = xasprintf("/workspaces/%s/requests/%s/check", workspace, id);
    AUTO_JSON json_t *answer = NULL;
    int64_t deadline = clock_mono_ms() + timeout_s * 1000, pause = CHECK_FIRST_MS;
    int r = api_post(cli, workspace, path, NULL, &answer, err);

    while (!r && is_running(answer)) {
        if (clock_mono_ms() + pause > deadline)
            return error_set(err, E_UNAVAILABLE, "The check is still running; ask again later");
        request_pause(pause);
        pause = pause * 3 / 2 < CHECK_MAX_MS ? pause * 3 / 2 : CHECK_MAX_MS;
        json_decref(TAKE_PTR(answer));
        r = api_get(cli, workspace, path, &answer, err);
    }
    if (!r)
        *ret = TAKE_PTR(answer);
    return r;
}

int request_check_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *answer = NULL;
    uint64_t timeout;
    int r = args_number(args, "timeout", CHECK_TIMEOUT_S, 1, CHECK_TIMEOUT_MAX_S, &timeout, err);

    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, NULL, err);
    if (!r)
        r = check_wait(cli, workspace, args->items[0], (int64_t)timeout, &answer, err);
    if (r)
        return r;
    const json_t *check = json_object_get(answer, "check");
    if (strcmp(json_text(check, "state"), "failed") == 0)
        return error_set(err, E_UNAVAILABLE, "The check could not be done: %s", json_text(check, "detail"));
    r = report_print(cli, answer, check, err);
    if (!r && strcmp(json_text(check, "verdict"), "block") == 0)
        r = error_set(err, E_INVALID, "Submitted as it is, the draft would be blocked");
    return r;
}
