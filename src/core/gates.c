/* Policies of gates, and what airlock-gate is told to do. Part of airlock-core. */
#include "core/gates.h"

#include "core/apply.h"
#include "model/gate_command.h"

int gates_policy(const struct core *core, const struct workspace *w, enum request_type type, struct gate_policy *ret,
                 struct error *err)
{
    AUTO_JSON json_t *own = json_loads(w->gates, 0, NULL);

    gate_policy_init(ret);
    int r = gate_policy_apply(ret, core->config.gates[type], err);
    return r ? r : gate_policy_apply(ret, json_object_get(own, request_type_name(type)), err);
}

unsigned gates_wanted(const struct core *core, const struct gate_policy *policy)
{
    unsigned wanted = 0;

    for (int i = 0; i < GATE_COUNT; i++)
        if (gate_policy_action(policy, gate_facts((enum gate)i)->action) != GATE_OFF)
            wanted |= 1U << i;
    return core->config.scanning ? wanted : wanted & ~(1U << GATE_MALWARE);
}

static void merge_rows(json_t *present, const json_t *change)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)change, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(present, name); /* one that is not there needs no taking back */
        else
            json_object_set(present, name, value);
    }
}

char *gates_merge(const char *present, const json_t *change)
{
    AUTO_JSON json_t *all = json_loads(present, 0, NULL);
    const char *direction;
    json_t *rows;

    json_object_foreach((json_t *)change, direction, rows)
    {
        if (!json_object_get(all, direction))
            json_object_set_new(all, direction, json_object());
        merge_rows(json_object_get(all, direction), rows);
    }
    return json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
}

/* A row that a change gives a value. */
static void copy_given(const json_t *rows, enum gate_policy_row row, json_t *ret)
{
    json_t *value = json_object_get(rows, gate_policy_facts(row)->name);

    if (value && !json_is_null(value))
        json_object_set(ret, gate_policy_facts(row)->name, value);
}

int gates_check_names(const struct core *core, const json_t *change, struct error *err)
{
    const char *direction;
    json_t *rows;

    json_object_foreach((json_t *)change, direction, rows) /* NOLINT: the macro wants it so, and changes nothing */
    {
        AUTO_GATE_POLICY struct gate_policy policy;
        AUTO_JSON json_t *named = json_object();
        char missing[EXTERNAL_NAME_MAX + 1];
        copy_given(rows, GATE_POLICY_EXTERNAL, named);
        copy_given(rows, GATE_POLICY_COMMANDS, named);
        gate_policy_init(&policy);
        int r = gate_policy_apply(&policy, named, err);
        if (r != 0)
            return r;
        if (!gate_commands_have(core->config.gate_commands, policy.list[GATE_POLICY_COMMANDS], missing))
            return error_set_field(err, E_INVALID, "commands",
                                   "There is no program \"%s\": the setting gates.commands does not name it", missing);
        if (!external_gates_have(&core->config.externals, policy.list[GATE_POLICY_EXTERNAL], missing))
            return error_set_field(err, E_INVALID, "external",
                                   "There is no external check \"%s\": the setting gates.external does not name it",
                                   missing);
    }
    return 0;
}

int gates_begin(struct outcome *o, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_GATE_POLICY struct gate_policy policy = {0};
    AUTO_JSON json_t *none = json_array();
    int r = workspace_load(o->core, o->req.workspace, &w, err);

    if (r == 0)
        r = gates_policy(o->core, &w, o->req.type, &policy, err);
    if (r != 0)
        return r;
    if (gates_wanted(o->core, &policy) != 0 || *policy.list[GATE_POLICY_COMMANDS] || *policy.list[GATE_POLICY_EXTERNAL])
        return outcome_event(o, EVENT_SEALED_SCAN_ON, "The files are being checked.", NULL, err);
    r = gates_keep_report(o->core, o->call, &o->req, none, VERDICT_PASS, &policy, err);
    return r ? r : outcome_event(o, EVENT_SEALED_SCAN_OFF, NULL, NULL, err);
}

static json_t *names_json(const char *names)
{
    char name[EXTERNAL_NAME_MAX + 1];
    json_t *list = json_array();

    while (external_name_next(&names, name))
        json_array_append_new(list, json_string(name));
    return list;
}

int gates_describe(struct core *core, const struct job *job, const struct request *req, json_t *out, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_GATE_POLICY struct gate_policy policy = {0};
    int r = workspace_load(core, req->workspace, &w, err);

    if (r == 0)
        r = gates_policy(core, &w, req->type, &policy, err);
    if (r != 0)
        return r;
    AUTO_JSON json_t *rendered = gate_policy_render(&policy);
    AUTO_FREE char *text = json_dumps(rendered, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *names = json_array();
    unsigned wanted = gates_wanted(core, &policy);
    for (int i = 0; i < GATE_COUNT; i++)
        if ((wanted & 1U << i) && !(job->kind == JOB_CHECK && gate_facts((enum gate)i)->needs_seal))
            json_array_append_new(names, json_string(gate_facts((enum gate)i)->name));
    json_object_set_new(out, "gates", names);
    json_object_set_new(out, "commands", names_json(policy.list[GATE_POLICY_COMMANDS]));
    json_object_set(out, "policy", rendered);
    json_object_set_new(out, "direction", json_string(request_type_name(req->type)));
    json_object_set_new(out, "workspace", json_string(req->workspace));
    if (job->kind == JOB_GATES)
        json_object_set_new(out, "manifestDigest", json_string(req->manifest_digest));
    r = db_exec(core->db, Q_JOB_SET_POLICY, ARGS(DB_I(job->id), DB_T(text)), err);
    return r < 0 ? r : 0;
}
