/* `airlock request show`, and the picture of a request that other commands print too. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/request.h"
#include "cli/table.h"
#include "cli/text.h"

#define PICTURE_MAX ((size_t)64 * 1024 * 1024)

const char *request_status(const json_t *envelope)
{
    return json_text(json_object_get(envelope, "airlockRequest"), "status");
}

const char *request_digest(const json_t *envelope)
{
    const json_t *request = json_object_get(envelope, "airlockRequest");
    return json_text(json_object_get(request, "properties"), "manifestDigest");
}

static void append_files(struct str *out, const json_t *request)
{
    static const char *const HEADINGS[] = {"FILE", ">SIZE", "SHA-256", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    const json_t *files = json_object_get(request, "files");
    size_t index;
    json_t *file;

    if (json_array_size(files) == 0)
        return;
    json_array_foreach((json_t *)files, index, file)
    {
        double size = json_number_value(json_object_get(file, "size")); /* AzureTRE sends a float */
        table_text(table, json_text(file, "name"));
        table_size(table, size > 0 ? (uint64_t)size : 0);
        table_text(table, json_text(file, "sha256"));
    }
    str_append_char(out, '\n');
    table_render(table, 0, out);
}

static void append_reviews(struct str *out, const json_t *request)
{
    static const char *const HEADINGS[] = {"DECISION", "BY", "WHEN", "REASON", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    const json_t *reviews = json_object_get(request, "reviews");
    size_t index;
    json_t *review;

    if (json_array_size(reviews) == 0)
        return;
    json_array_foreach((json_t *)reviews, index, review)
    {
        table_text(table, json_text(review, "reviewDecision"));
        table_text(table, json_text(json_object_get(review, "reviewer"), "name"));
        table_time(table, json_object_get(review, "dateCreated"));
        table_text(table, json_text(review, "decisionExplanation"));
    }
    str_append_char(out, '\n');
    table_render(table, 0, out);
}

static void append_actions(struct facts *facts, const json_t *envelope)
{
    AUTO_STR struct str actions = STR_INIT(1024);
    size_t index;
    json_t *action;

    json_array_foreach(json_object_get(envelope, "allowedUserActions"), index, action)
    {
        str_append(&actions, index ? ", " : "");
        str_append(&actions, json_is_string(action) ? json_string_value(action) : "");
    }
    facts_add(facts, "You may", str_text(&actions));
}

/* "warn (disclosure: 3 findings)" and where to see them. */
static void append_report(struct facts *facts, const json_t *report)
{
    AUTO_STR struct str text = STR_INIT(4096);
    size_t index;
    json_t *gate;

    str_append(&text, json_text(report, "verdict"));
    json_array_foreach(json_object_get(report, "gates"), index, gate)
    {
        int64_t count = json_int(gate, "findings");
        if (count > 0)
            str_printf(&text, "; %s: %lld finding%s", json_text(gate, "gate"), (long long)count, count == 1 ? "" : "s");
    }
    facts_add(facts, "Gates", str_text(&text));
}

static void append_picture(struct str *out, const json_t *envelope)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;
    const json_t *request = json_object_get(envelope, "airlockRequest");

    facts_add(&facts, "Request", json_text(request, "id"));
    facts_add(&facts, "Type", json_text(request, "type"));
    facts_add(&facts, "Status", json_text(request, "status"));
    facts_add(&facts, "Message", json_text(request, "statusMessage"));
    facts_add(&facts, "Title", json_text(request, "title"));
    facts_add(&facts, "Justification", json_text(request, "businessJustification"));
    facts_add(&facts, "Workspace", json_text(request, "workspaceId"));
    facts_add(&facts, "Created by", json_text(json_object_get(request, "createdBy"), "name"));
    facts_add_time(&facts, "Created", json_object_get(request, "createdWhen"));
    facts_add_time(&facts, "Updated", json_object_get(request, "updatedWhen"));
    facts_add(&facts, "Manifest digest", request_digest(envelope));
    facts_add(&facts, "Scan", json_text(json_object_get(request, "properties"), "scan"));
    append_report(&facts, json_object_get(json_object_get(request, "properties"), "gateReport"));
    append_actions(&facts, envelope);
    str_append(out, str_text(&facts.text));
    append_files(out, request);
    append_reviews(out, request);
}

int request_print(const struct cli *cli, const json_t *envelope, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(PICTURE_MAX);

    if (cli->json)
        return output_json(envelope, err);
    append_picture(&out, envelope);
    return output_write(str_text(&out), err);
}

int request_explain(const json_t *envelope, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(PICTURE_MAX);

    append_picture(&out, envelope);
    if (fprintf(stderr, "%s\n", str_text(&out)) < 0)
        return error_set_errno(err, E_IO, "Cannot write to standard error");
    return 0;
}

int request_show_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *envelope = NULL;

    int r = request_locate(cli, args, args->items[0], &workspace, &envelope, err);
    return r ? r : request_print(cli, envelope, err);
}
