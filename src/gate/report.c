/* Collects what the gates of one child find. Runs in the sandboxed child; writes nothing itself. */
#include "gate/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct gate_part {
    bool ran;
    enum verdict verdict;
    json_t *findings;
    int64_t omitted;
    char *detail; /* of UNSURE */
};

struct report {
    const struct gate_policy *policy;
    struct gate_part parts[GATE_COUNT];
    int64_t counts[FINDING_COUNT];
    json_t *members;
    int64_t members_omitted;
    json_t *engine;
    char *type;
};

struct report *report_new(const struct gate_policy *policy)
{
    struct report *report = xcalloc(1, sizeof *report);

    report->policy = policy;
    report->members = json_array();
    for (int i = 0; i < GATE_COUNT; i++)
        report->parts[i].findings = json_array();
    return report;
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (int i = 0; i < GATE_COUNT; i++) {
        json_decref(report->parts[i].findings);
        free(report->parts[i].detail);
    }
    json_decref(report->members);
    json_decref(report->engine);
    free(report->type);
    free(report);
}

void report_ran(struct report *report, enum gate gate)
{
    report->parts[gate].ran = true;
}

/* Names come from the file: cut, and with U+FFFD for what is no UTF-8. */
static json_t *name_json(const char *name)
{
    AUTO_FREE char *cut = xstrndup(name, strnlen(name, REPORT_NAME_MAX));
    AUTO_STR struct str text = STR_INIT(16 * REPORT_NAME_MAX);

    json_append_string(&text, cut);
    json_t *value = json_loads(str_text(&text), JSON_DECODE_ANY, NULL);
    return value ? value : json_string("?");
}

static void finding_place(json_t *finding, const struct spot *spot)
{
    if (spot->member)
        json_object_set_new(finding, "member", name_json(spot->member));
    if (spot->row > 0)
        json_object_set_new(finding, "row", json_integer(spot->row));
    if (spot->column)
        json_object_set_new(finding, "column", name_json(spot->column));
    if (spot->count > 0)
        json_object_set_new(finding, "count", json_integer(spot->count));
}

static void part_raise(struct gate_part *part, enum verdict verdict)
{
    part->ran = true;
    if (verdict > part->verdict)
        part->verdict = verdict;
}

void report_add(struct report *report, enum finding finding, const struct spot *spot, const char *detail, ...)
{
    const struct finding_facts *facts = finding_facts(finding);
    struct gate_part *part = &report->parts[facts->gate];
    enum verdict verdict = finding_verdict(finding, report->policy);
    char text[REPORT_DETAIL_MAX];
    va_list args;

    report->counts[finding]++;
    part_raise(part, verdict);
    if ((int64_t)json_array_size(part->findings) >= report->policy->number[GATE_POLICY_FINDINGS]) {
        part->omitted++;
        return;
    }
    json_t *entry = json_pack("{s:s, s:s}", "code", facts->name, "verdict", verdict_name(verdict));
    if (spot)
        finding_place(entry, spot);
    if (detail) {
        va_start(args, detail);
        (void)vsnprintf(text, sizeof text, detail, args); /* a long one is cut */
        va_end(args);
        json_object_set_new(entry, "detail", name_json(text));
    }
    json_array_append_new(part->findings, entry);
}

int64_t report_count(const struct report *report, enum finding finding)
{
    return report->counts[finding];
}

void report_member(struct report *report, const char *path, uint64_t size, const char *type)
{
    if (json_array_size(report->members) >= REPORT_MEMBERS_MAX) {
        report->members_omitted++;
        return;
    }
    json_t *member = json_pack("{s:o, s:I}", "name", name_json(path), "size", (json_int_t)size);
    if (type)
        json_object_set_new(member, "type", name_json(type));
    json_array_append_new(report->members, member);
}

void report_type(struct report *report, const char *type)
{
    free(report->type);
    report->type = xstrdup(type);
}

void report_engine(struct report *report, json_t *engine_stolen)
{
    json_decref(report->engine);
    report->engine = engine_stolen;
}

void report_unsure(struct report *report, enum gate gate, const char *detail, ...)
{
    struct gate_part *part = &report->parts[gate];
    char text[REPORT_DETAIL_MAX];
    va_list args;

    va_start(args, detail);
    (void)vsnprintf(text, sizeof text, detail, args); /* a long one is cut */
    va_end(args);
    part_raise(part, VERDICT_UNSURE);
    free(part->detail);
    part->detail = xstrdup(text);
}

enum verdict report_verdict(const struct report *report, enum gate gate)
{
    return report->parts[gate].verdict;
}

static json_t *part_render(const struct report *report, enum gate gate)
{
    const struct gate_part *part = &report->parts[gate];
    json_t *out = json_pack("{s:s, s:s, s:O, s:I}", "gate", gate_facts(gate)->name, "verdict",
                            verdict_name(part->verdict), "findings", part->findings, "omitted",
                            (json_int_t)part->omitted);

    if (part->detail)
        json_object_set_new(out, "detail", name_json(part->detail));
    if (gate == GATE_TYPES && report->type)
        json_object_set_new(out, "type", name_json(report->type));
    if (gate == GATE_MALWARE && report->engine)
        json_object_set(out, "engine", report->engine);
    if (gate == GATE_ARCHIVE && json_array_size(report->members) > 0) {
        json_object_set(out, "members", report->members);
        json_object_set_new(out, "membersOmitted", json_integer(report->members_omitted));
    }
    return out;
}

json_t *report_render(const struct report *report)
{
    json_t *list = json_array();

    for (int i = 0; i < GATE_COUNT; i++)
        if (report->parts[i].ran)
            json_array_append_new(list, part_render(report, (enum gate)i));
    return list;
}
