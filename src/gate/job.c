/* A job's files and what was found in them. Findings are kept as text: ten times smaller than as objects. */
#include "gate/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "model/name.h"
#include "model/placement.h"

#define LEASE_MIN_S 1
#define LEASE_MAX_S 3600
#define DIR_MAX 200
#define TEXT_MAX 100
#define ENTRY_MAX ((size_t)REPORT_JSON_MAX)

/* What one gate found in all files. */
struct job_part {
    const char *name; /* NULL: it is not run */
    enum verdict verdict;
    json_t *engine;
    struct str files; /* entries with commas between */
};

void unit_done(struct unit *unit)
{
    json_decref(unit->file);
    *unit = (struct unit){0};
}

static struct job_part *job_part(struct job *job, const char *name)
{
    for (size_t i = 0; i < GATE_COUNT + COMMANDS_MAX; i++)
        if (job->parts[i].name && strcmp(job->parts[i].name, name) == 0)
            return &job->parts[i];
    return NULL;
}

static void part_begin(struct job *job, size_t index, const char *name)
{
    job->parts[index] = (struct job_part){.name = name, .files = STR_INIT(JOB_RESULT_MAX)};
}

/* Gates of one child share a unit. */
static int read_gates(struct job *job, struct error *err)
{
    const json_t *names = json_object_get(job->lease, "gates"), *name;
    unsigned gates[] = {[GATE_CHILD_SCAN] = 0, [GATE_CHILD_INSPECT] = 0};
    enum gate gate;
    size_t i;

    if (!json_is_array(names))
        return error_set(err, E_PROTOCOL, "The job does not say which gates to run");
    json_array_foreach(names, i, name)
    {
        if (!json_is_string(name) || !gate_by_name(json_string_value(name), &gate))
            return error_set(err, E_PROTOCOL, "The job names a gate that there is not");
        gates[gate_facts(gate)->child] |= 1U << gate;
        part_begin(job, gate, gate_facts(gate)->name);
    }
    for (size_t kind = 0; kind < ARRAY_LEN(gates); kind++)
        if (gates[kind])
            job->work[job->work_count++] = (struct work){.kind = (enum gate_child)kind, .gates = gates[kind]};
    return 0;
}

static int read_commands(struct job *job, const struct commands *commands, struct error *err)
{
    const json_t *names = json_object_get(job->lease, "commands"), *name;
    size_t i;

    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        const struct command *command = text ? command_by_name(commands, text) : NULL;
        if (!command || i >= COMMANDS_MAX || job_part(job, text))
            return error_set(err, E_PROTOCOL, "The job names a command that gates.commands does not");
        part_begin(job, GATE_COUNT + i, command->name);
        job->work[job->work_count++] = (struct work){.command = command};
    }
    return 0;
}

static int read_lease(struct job *job, const struct commands *commands, struct error *err)
{
    const json_t *lease = job->lease;
    const char *kind;
    int64_t lease_s;
    int r = json_need_int(lease, "id", 1, INT64_MAX, &job->id, err);

    if (r == 0)
        r = json_need_int(lease, "token", 0, INT64_MAX, &job->token, err);
    if (r == 0)
        r = json_need_int(lease, "leaseS", LEASE_MIN_S, LEASE_MAX_S, &lease_s, err);
    if (r == 0)
        r = json_need_string(lease, "kind", TEXT_MAX, &kind, err);
    if (r == 0)
        r = json_need_string(lease, "request", UUID_TEXT_SIZE, &job->request, err);
    if (r == 0)
        r = json_need_string(lease, "dir", DIR_MAX, &job->dir, err);
    if (r == 0)
        r = json_get_string(lease, "direction", "", TEXT_MAX, &job->direction, err);
    if (r == 0)
        r = json_get_string(lease, "workspace", "", TEXT_MAX, &job->workspace, err);
    if (r == 0)
        r = gate_policy_apply(&job->policy, json_object_get(lease, "policy"), err);
    if (r != 0)
        return r;
    job->lease_ms = lease_s * 1000;
    bool is_check = strcmp(kind, "check") == 0;
    job->in_pieces = is_check || json_flag(lease, "draft");
    if (!is_check && strcmp(kind, "gates") != 0 && strcmp(kind, "step") != 0)
        return error_set(err, E_PROTOCOL, "airlock-gate knows no job of this kind");
    r = read_gates(job, err);
    return r ? r : read_commands(job, commands, err);
}

int job_new(const json_t *lease, const struct commands *commands, struct job **ret, struct error *err)
{
    struct job *job = xcalloc(1, sizeof *job);

    job->lease = json_incref((json_t *)(uintptr_t)lease);
    job->parts = xcalloc(GATE_COUNT + COMMANDS_MAX, sizeof *job->parts);
    gate_policy_init(&job->policy);
    int r = read_lease(job, commands, err);
    if (r != 0)
        job_free(job);
    else
        *ret = job;
    return r;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    for (size_t i = 0; i < GATE_COUNT + COMMANDS_MAX; i++) {
        json_decref(job->parts[i].engine);
        str_done(&job->parts[i].files);
    }
    free(job->parts);
    gate_policy_done(&job->policy);
    json_decref(job->page);
    json_decref(job->lease);
    free(job);
}

bool work_scans(const struct work *work)
{
    return !work->command && work->kind == GATE_CHILD_SCAN;
}

bool job_scans(const struct job *job)
{
    for (size_t i = 0; i < job->work_count; i++)
        if (work_scans(&job->work[i]))
            return true;
    return false;
}

/* --- The files --- */

static size_t page_size(const struct job *job)
{
    return json_array_size(json_object_get(job->page, "files"));
}

/* Are there to be more checks at all? */
static bool job_goes_on(const struct job *job)
{
    return job->work_count > 0 && (!*job->unsure || job->goes_on);
}

bool job_wants_page(const struct job *job)
{
    return job_goes_on(job) && !job->is_last_page && job->at == page_size(job);
}

static int file_check(const json_t *file, bool in_pieces, struct error *err)
{
    const char *text;
    int64_t number;
    int r = json_need_int(file, "blob", 0, INT64_MAX, &number, err);

    if (r == 0)
        r = json_need_int(file, "size", 0, (int64_t)PLACEMENT_BLOB_MAX, &number, err);
    if (r == 0)
        r = json_need_string(file, "name", NAME_BYTES_MAX, &text, err);
    if (r == 0 && in_pieces && !json_is_array(json_object_get(file, "extents")))
        r = error_set(err, E_PROTOCOL, "A draft's file comes without its pieces");
    if (r == 0 && !in_pieces)
        r = json_need_string(file, "object", UUID_TEXT_SIZE, &text, err);
    return r;
}

int job_take_page(struct job *job, json_t *page_stolen, struct error *err)
{
    AUTO_JSON json_t *page = page_stolen;
    const json_t *files = json_object_get(page, "files"), *file;
    int64_t next = 0;
    size_t i;
    int r = json_need_int(page, "next", 0, INT64_MAX, &next, err);

    if (r == 0 && (!json_is_array(files) || (next != 0 && next <= job->after)))
        r = error_set(err, E_PROTOCOL, "The list of the job's files is malformed");
    json_array_foreach(files, i, file) if (r == 0) r = file_check(file, job->in_pieces, err);
    if (r != 0)
        return r;
    json_decref(job->page);
    job->page = TAKE_PTR(page);
    job->at = job->at_work = 0;
    job->after = next;
    job->is_last_page = next == 0;
    return 0;
}

bool job_has_next(const struct job *job)
{
    return job_goes_on(job) && job->at < page_size(job);
}

bool job_next(struct job *job, struct unit *ret)
{
    if (!job_has_next(job))
        return false;
    *ret = (struct unit){json_incref(json_array_get(json_object_get(job->page, "files"), job->at)), job->at_work};
    if (++job->at_work == job->work_count) {
        job->at_work = 0;
        job->at++;
    }
    return true;
}

bool job_next_scans(const struct job *job)
{
    return job_has_next(job) && work_scans(&job->work[job->at_work]);
}

void job_put_back(struct job *job, struct unit *unit)
{
    if (unit->work == job->work_count - 1)
        job->at--;
    job->at_work = unit->work;
    unit_done(unit);
}

bool job_is_over(const struct job *job)
{
    bool all = job->is_last_page && job->at == page_size(job);
    return job->running == 0 && (!job_goes_on(job) || all);
}

/* --- What was found --- */

/* An entry that says no more than its verdict: what remains when there is no room for more. */
static json_t *entry_small(const json_t *entry)
{
    int64_t omitted = json_int(entry, "omitted") + (int64_t)json_array_size(json_object_get(entry, "findings"));
    return json_pack("{s:O, s:O, s:[], s:I}", "blob", json_object_get(entry, "blob"), "verdict",
                     json_object_get(entry, "verdict"), "findings", "omitted", (json_int_t)omitted);
}

static bool entry_is_empty(const json_t *entry)
{
    return strcmp(json_text(entry, "verdict"), verdict_name(VERDICT_PASS)) == 0 && json_int(entry, "omitted") == 0 &&
           json_array_size(json_object_get(entry, "findings")) == 0 && !json_object_get(entry, "type") &&
           !json_object_get(entry, "members");
}

static void entry_keep(struct job *job, struct job_part *part, json_t *entry)
{
    AUTO_STR struct str text = STR_INIT(ENTRY_MAX + 1024);

    json_append_value(&text, entry);
    if (text.overflow || job->findings_bytes + text.len > JOB_FINDINGS_MAX) {
        AUTO_JSON json_t *little = entry_small(entry);
        str_reset(&text);
        json_append_value(&text, little);
    } else {
        job->findings_bytes += text.len;
    }
    if (job->bytes + text.len > JOB_RESULT_MAX)
        return; /* its verdict is in the part's */
    job->bytes += text.len + 1;
    if (part->files.len > 0)
        str_append_char(&part->files, ',');
    str_append_len(&part->files, text.p, text.len);
}

static void job_keep(struct job *job, struct job_part *part, const struct unit *unit, struct answer_part *found)
{
    if (found->verdict == VERDICT_UNSURE) {
        const char *detail = json_text(found->file, "detail");
        job_unsure(job, false, "%s", *detail ? detail : "A check could not say");
        return;
    }
    if (found->verdict > part->verdict)
        part->verdict = found->verdict;
    if (found->engine) {
        json_decref(part->engine);
        part->engine = TAKE_PTR(found->engine);
    }
    json_object_set(found->file, "blob", json_object_get(unit->file, "blob"));
    if (!entry_is_empty(found->file))
        entry_keep(job, part, found->file);
}

void job_take_answer(struct job *job, const struct unit *unit, struct answer *answer)
{
    for (int i = 0; i < GATE_COUNT; i++)
        if (answer->parts[i].there)
            job_keep(job, &job->parts[i], unit, &answer->parts[i]);
    answer_done(answer);
}

void job_take_command(struct job *job, const struct unit *unit, struct answer_part *part)
{
    job_keep(job, job_part(job, job->work[unit->work].command->name), unit, part);
    answer_part_done(part);
}

static json_t *blocked_entry(const struct unit *unit, const char *code, const char *why)
{
    const char *block = verdict_name(VERDICT_BLOCK);
    json_t *findings =
        code ? json_pack("[{s:s, s:s, s:s}]", "code", code, "verdict", block, "detail", why) : json_array();

    return json_pack("{s:O, s:s, s:o, s:i, s:s}", "blob", json_object_get(unit->file, "blob"), "verdict", block,
                     "findings", findings, "omitted", 0, "detail", why);
}

/* Which finding says that a gate's check cannot be brought to an end; the others have the verdict alone. */
static const char *block_code(enum gate gate)
{
    return gate == GATE_MALWARE   ? finding_facts(FINDING_SCAN_LIMIT)->name
           : gate == GATE_ARCHIVE ? finding_facts(FINDING_ARCHIVE_TIME)->name
                                  : NULL;
}

void job_block(struct job *job, const struct unit *unit, const char *why)
{
    const struct work *work = &job->work[unit->work];

    for (int i = 0; i < GATE_COUNT; i++) {
        if (work->command || !(work->gates & 1U << i))
            continue;
        AUTO_JSON json_t *entry = blocked_entry(unit, block_code((enum gate)i), why);
        job->parts[i].verdict = VERDICT_BLOCK;
        entry_keep(job, &job->parts[i], entry);
    }
    if (work->command) {
        AUTO_JSON json_t *entry = blocked_entry(unit, NULL, why);
        struct job_part *part = job_part(job, work->command->name);
        part->verdict = VERDICT_BLOCK;
        entry_keep(job, part, entry);
    }
}

void job_unsure(struct job *job, bool go_on, const char *why, ...)
{
    va_list args;

    if (!go_on)
        job->goes_on = false;
    if (*job->unsure)
        return;
    job->goes_on = go_on;
    va_start(args, why);
    (void)vsnprintf(job->unsure, sizeof job->unsure, why, args); /* a long one is cut */
    va_end(args);
}

/* --- What core is told --- */

json_t *job_question(const struct job *job)
{
    return json_pack("{s:I, s:I}", "job", (json_int_t)job->id, "token", (json_int_t)job->token);
}

static json_t *part_render(struct job_part *part, bool external)
{
    AUTO_STR struct str text = STR_INIT(JOB_RESULT_MAX + 16);

    str_append_char(&text, '[');
    str_append_len(&text, str_text(&part->files), part->files.len);
    str_append_char(&text, ']');
    str_done(&part->files);
    part->files = STR_INIT(JOB_RESULT_MAX);
    json_t *out = json_pack("{s:s, s:s, s:o}", "gate", part->name, "verdict", verdict_name(part->verdict), "files",
                            json_loadb(text.p, text.len, 0, NULL));
    if (part->engine)
        json_object_set(out, "engine", part->engine);
    if (external)
        json_object_set_new(out, "external", json_true());
    return out;
}

json_t *job_result(struct job *job)
{
    json_t *result = job_question(job);
    json_t *gates = *job->unsure ? NULL : json_array();

    json_object_set_new(result, "outcome", json_string(gates ? "checked" : "unsure"));
    if (!gates) {
        json_t *detail = json_string(job->unsure); /* NULL when it was cut in the middle of a character */
        json_object_set_new(result, "detail", detail ? detail : json_string("A check could not say"));
        return result;
    }
    for (size_t i = 0; i < GATE_COUNT + COMMANDS_MAX; i++)
        if (job->parts[i].name)
            json_array_append_new(gates, part_render(&job->parts[i], i >= GATE_COUNT));
    json_object_set_new(result, "gates", gates);
    if (json_object_get(job->lease, "manifestDigest"))
        json_object_set(result, "manifestDigest", json_object_get(job->lease, "manifestDigest"));
    return result;
}
