/* Reading of hostile answers. Part of airlock-gate's main process. */
#include "gate/answer.h"

#include <string.h>

#include "gate/command.h"

#define COUNT_MAX ((int64_t)1 << 53)
#define ENGINE_FIELDS_MAX 16

static int nonsense(struct error *err, const char *what)
{
    return error_set(err, E_PROTOCOL, "A check answered nonsense: %s", what);
}

/* Copies a text of the object, where there is one, to the other object. */
static int take_text(const json_t *from, const char *field, size_t max, json_t *to, struct error *err)
{
    const json_t *value = json_object_get(from, field);

    if (!value)
        return 0;
    if (!json_is_string(value) || json_string_length(value) > max ||
        strlen(json_string_value(value)) != json_string_length(value))
        return nonsense(err, field);
    json_object_set_new(to, field, json_string(json_string_value(value)));
    return 0;
}

static int take_count(const json_t *from, const char *field, json_t *to, struct error *err)
{
    const json_t *value = json_object_get(from, field);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > COUNT_MAX)
        return nonsense(err, field);
    json_object_set_new(to, field, json_integer(json_integer_value(value)));
    return 0;
}

/* Where it was found, and in which words: bounded, and named. A cut name is a little longer for its U+FFFD. */
static int take_place(const json_t *from, json_t *to, struct error *err)
{
    const size_t name_max = (size_t)3 * REPORT_NAME_MAX;
    int r = take_text(from, "member", name_max, to, err);

    if (r == 0)
        r = take_count(from, "row", to, err);
    if (r == 0)
        r = take_text(from, "column", name_max, to, err);
    if (r == 0)
        r = take_count(from, "count", to, err);
    return r ? r : take_text(from, "detail", (size_t)3 * REPORT_DETAIL_MAX, to, err);
}

static void raise_verdict(enum verdict *verdict, enum verdict to)
{
    if (to > *verdict)
        *verdict = to;
}

/* The code tells the gate, and the gate's policy the verdict: what the child thinks of it does not count. */
static int take_finding(const json_t *from, enum gate gate, const struct gate_policy *policy, struct answer_part *part,
                        struct error *err)
{
    const char *code = json_text(from, "code");
    enum finding finding;

    if (!finding_by_name(code, &finding) || finding_facts(finding)->gate != gate)
        return nonsense(err, "a code that is not its own");
    enum verdict verdict = finding_verdict(finding, policy);
    json_t *to = json_pack("{s:s, s:s}", "code", code, "verdict", verdict_name(verdict));
    json_array_append_new(json_object_get(part->file, "findings"), to);
    raise_verdict(&part->verdict, verdict);
    return take_place(from, to, err);
}

static int take_findings(const json_t *from, enum gate gate, const struct gate_policy *policy, struct answer_part *part,
                         struct error *err)
{
    const json_t *list = json_object_get(from, "findings"), *finding;
    size_t i;

    if (!json_is_array(list) || (int64_t)json_array_size(list) > policy->number[GATE_POLICY_FINDINGS])
        return nonsense(err, "its findings");
    json_array_foreach(list, i, finding)
    {
        int r = take_finding(finding, gate, policy, part, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int take_members(const json_t *from, struct answer_part *part, struct error *err)
{
    const json_t *list = json_object_get(from, "members"), *member;
    size_t i;

    if (!list)
        return 0;
    if (!json_is_array(list) || json_array_size(list) > REPORT_MEMBERS_MAX)
        return nonsense(err, "its members");
    json_t *to = json_array();
    json_object_set_new(part->file, "members", to);
    json_array_foreach(list, i, member)
    {
        json_t *copy = json_object();
        json_array_append_new(to, copy);
        int r = take_text(member, "name", (size_t)3 * REPORT_NAME_MAX, copy, err);
        if (r == 0)
            r = take_count(member, "size", copy, err);
        if (r == 0)
            r = take_text(member, "type", REPORT_DETAIL_MAX, copy, err);
        if (r != 0)
            return r;
    }
    return take_count(from, "membersOmitted", part->file, err);
}

/* Texts and numbers, a handful. */
static int take_engine(const json_t *from, struct answer_part *part, struct error *err)
{
    json_t *engine = json_object_get(from, "engine");
    const char *field;
    json_t *value;

    if (!engine)
        return 0;
    if (!json_is_object(engine) || json_object_size(engine) > ENGINE_FIELDS_MAX)
        return nonsense(err, "its engine");
    part->engine = json_object();
    json_object_foreach(engine, field, value)
    {
        int r = json_is_string(value) ? take_text(engine, field, REPORT_DETAIL_MAX, part->engine, err)
                                      : take_count(engine, field, part->engine, err);
        if (r != 0 || strlen(field) > COMMAND_NAME_MAX)
            return nonsense(err, "its engine");
    }
    return 0;
}

static struct answer_part part_begin(enum verdict verdict)
{
    return (struct answer_part){
        .there = true, .verdict = verdict, .file = json_pack("{s:n, s:[], s:i}", "verdict", "findings", "omitted", 0)};
}

static void part_end(struct answer_part *part)
{
    json_object_set_new(part->file, "verdict", json_string(verdict_name(part->verdict)));
}

static int take_part(const json_t *from, enum gate gate, const struct gate_policy *policy, struct answer_part *part,
                     struct error *err)
{
    enum verdict verdict;

    if (!verdict_by_name(json_text(from, "verdict"), &verdict))
        return nonsense(err, "its verdict");
    *part = part_begin(verdict);
    int r = take_findings(from, gate, policy, part, err);
    if (r == 0)
        r = take_count(from, "omitted", part->file, err);
    if (r == 0)
        r = take_text(from, "detail", (size_t)3 * REPORT_DETAIL_MAX, part->file, err);
    if (r == 0 && gate == GATE_TYPES)
        r = take_text(from, "type", (size_t)3 * REPORT_NAME_MAX, part->file, err);
    if (r == 0 && gate == GATE_MALWARE)
        r = take_engine(from, part, err);
    if (r == 0 && gate == GATE_ARCHIVE)
        r = take_members(from, part, err);
    part_end(part);
    return r;
}

static int take_parts(const json_t *list, unsigned gates, const struct gate_policy *policy, struct answer *answer,
                      struct error *err)
{
    const json_t *item;
    size_t i;
    enum gate gate;

    json_array_foreach(list, i, item)
    {
        if (!gate_by_name(json_text(item, "gate"), &gate) || !(gates & 1U << gate) || answer->parts[gate].there)
            return nonsense(err, "a gate that it does not run");
        int r = take_part(item, gate, policy, &answer->parts[gate], err);
        if (r != 0)
            return r;
    }
    for (int i2 = 0; i2 < GATE_COUNT; i2++)
        if ((gates & 1U << i2) && !answer->parts[i2].there)
            return nonsense(err, "it says nothing about one of its gates");
    return 0;
}

int answer_read(const char *text, size_t len, unsigned gates, const struct gate_policy *policy, struct answer *ret,
                struct error *err)
{
    AUTO_JSON json_t *object = NULL;
    struct answer answer = {0};

    if (len > REPORT_JSON_MAX || json_parse_object(text, len, &object, NULL) != 0 ||
        !json_is_array(json_object_get(object, "gates")))
        return nonsense(err, "it is no list of gates");
    int r = take_parts(json_object_get(object, "gates"), gates, policy, &answer, err);
    if (r != 0)
        answer_done(&answer);
    else
        *ret = answer;
    return r;
}

static int take_own_finding(const json_t *from, enum verdict verdict, struct answer_part *part, struct error *err)
{
    json_t *to = json_pack("{s:s}", "verdict", verdict_name(verdict));

    json_array_append_new(json_object_get(part->file, "findings"), to);
    if (!json_is_object(from) || *json_text(from, "code") == '\0')
        return nonsense(err, "a finding without a code");
    int r = take_text(from, "code", COMMAND_CODE_MAX, to, err);
    return r ? r : take_place(from, to, err);
}

int answer_read_command(const char *text, size_t len, const struct gate_policy *policy, struct answer_part *ret,
                        struct error *err)
{
    AUTO_JSON json_t *object = NULL;
    struct answer_part part = {0};
    enum verdict verdict;
    const json_t *list, *finding;
    size_t i;

    if (len > COMMAND_JSON_MAX || json_parse_object(text, len, &object, NULL) != 0 ||
        !verdict_by_name(json_text(object, "verdict"), &verdict) || verdict == VERDICT_UNSURE)
        return nonsense(err, "it is no verdict");
    list = json_object_get(object, "findings");
    if (!json_is_array(list))
        return nonsense(err, "it has no list of findings");
    part = part_begin(verdict);
    int64_t max = policy->number[GATE_POLICY_FINDINGS], extra = (int64_t)json_array_size(list) - max;
    int r = 0;
    json_array_foreach(list, i, finding) if (r == 0 && (int64_t)i < max) r =
        take_own_finding(finding, verdict, &part, err);
    json_object_set_new(part.file, "omitted", json_integer(extra > 0 ? extra : 0));
    part_end(&part);
    if (r != 0)
        answer_part_done(&part);
    else
        *ret = part;
    return r;
}

void answer_part_done(struct answer_part *part)
{
    json_decref(part->file);
    json_decref(part->engine);
    *part = (struct answer_part){0};
}

void answer_done(struct answer *answer)
{
    for (int i = 0; i < GATE_COUNT; i++)
        answer_part_done(&answer->parts[i]);
}
