/* Judging request bodies. Pure: what is allowed by role or status is decided elsewhere. */
#include "model/validate.h"

#include <string.h>

#include "model/gate_policy.h"
#include "model/status.h"

#define UTF8_MAX 4 /* bytes of a character */
#define DIGEST_DIGITS 64

/* Counts the characters of valid UTF-8 (the JSON parser takes nothing else) and looks for controls. */
static int check_text(const char *text, const char *field, size_t min, size_t max, bool lines, struct error *err)
{
    size_t chars = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;
        bool line_mark = *p == '\n' || *p == '\r';
        if ((*p < 0x20 && *p != '\t' && !(lines && line_mark)) || *p == 0x7f || c1)
            return error_set_field(err, E_INVALID, field, "\"%s\" must not contain control characters", field);
        chars += (*p & 0xc0) != 0x80;
    }
    if (chars < min)
        return error_set_field(err, E_INVALID, field, "\"%s\" must not be empty", field);
    if (chars > max)
        return error_set_field(err, E_INVALID, field, "\"%s\" must not be longer than %zu characters", field, max);
    return 0;
}

static int get_text(const json_t *body, const char *field, const char *fallback, size_t min, size_t max, bool lines,
                    const char **ret, struct error *err)
{
    const char *text;

    int r = json_get_string(body, field, fallback, max * UTF8_MAX, &text, err);
    if (r < 0)
        return r;
    if (text)
        r = check_text(text, field, min, max, lines, err);
    if (r < 0)
        return r;
    *ret = text;
    return 0;
}

int validate_line(const json_t *body, const char *field, size_t max, const char **ret, struct error *err)
{
    return get_text(body, field, NULL, 0, max, false, ret, err);
}

int validate_request(const json_t *body, struct request_input *ret_input, struct error *err)
{
    struct request_input input;
    const char *type;

    int r = json_need_string(body, "type", 16, &type, err);
    if (r < 0)
        return r;
    if (!request_type_by_name(type, &input.type))
        return error_set_field(err, E_INVALID, "type", "\"type\" must be \"import\" or \"export\"");
    r = get_text(body, "title", "Airlock Request", 1, VALIDATE_TITLE_MAX, false, &input.title, err);
    if (r < 0)
        return r;
    r = get_text(body, "businessJustification", "Business Justifications", 0, VALIDATE_TEXT_MAX, true,
                 &input.justification, err);
    if (r < 0)
        return r;
    *ret_input = input;
    return 0;
}

int validate_review(const json_t *body, struct review_input *ret_input, struct error *err)
{
    struct review_input input = {0};
    const json_t *approval = json_object_get(body, "approval");

    if (!approval || json_is_null(approval))
        return error_set_field(err, E_INVALID, "approval", "\"approval\" is missing");
    int r = json_get_bool(body, "approval", false, &input.approve, err);
    if (r < 0)
        return r;
    r = get_text(body, "decisionExplanation", "Decision Explanation", 0, VALIDATE_TEXT_MAX, true, &input.explanation,
                 err);
    if (r < 0)
        return r;
    r = json_get_string(body, "manifestDigest", NULL, DIGEST_DIGITS, &input.manifest_digest, err);
    if (r < 0)
        return r;
    const char *digest = input.manifest_digest;
    if (digest && (strlen(digest) != DIGEST_DIGITS || strspn(digest, "0123456789abcdef") != DIGEST_DIGITS))
        return error_set_field(err, E_INVALID, "manifestDigest", "\"manifestDigest\" must be %d lower-case hex digits",
                               DIGEST_DIGITS);
    *ret_input = input;
    return 0;
}

int validate_revoke(const json_t *body, const char **ret_reason, struct error *err)
{
    const char *unused;

    int r = json_need_string(body, "reason", (size_t)VALIDATE_TEXT_MAX * UTF8_MAX, &unused, err);
    return r < 0 ? r : get_text(body, "reason", NULL, 1, VALIDATE_TEXT_MAX, true, ret_reason, err);
}

static int check_known(const json_t *object, const char *const *known, size_t count, struct error *err)
{
    const char *field;
    json_t *value;

    json_object_foreach((json_t *)object, field, value)
    {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = strcmp(known[i], field) == 0;
        if (!found)
            return error_set_field(err, E_INVALID, field, "\"%.64s\" is not a field that can be set", field);
    }
    return 0;
}

static int take_networks(const json_t *body, struct workspace_input *input, struct error *err)
{
    const json_t *networks = json_object_get(body, "networks");
    size_t count = json_array_size(networks);

    if (!networks || json_is_null(networks))
        return 0;
    if (!json_is_array(networks))
        return error_set_field(err, E_INVALID, "networks", "\"networks\" must be a list of networks");
    if (count > VALIDATE_NETWORKS_MAX)
        return error_set_field(err, E_INVALID, "networks", "\"networks\" must not have more than %d entries",
                               VALIDATE_NETWORKS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_array_get(networks, i);
        if (!json_is_string(text) || strlen(json_string_value(text)) != json_string_length(text))
            return error_set_field(err, E_INVALID, "networks", "\"networks\" must be a list of strings");
        int r = network_parse(json_string_value(text), &input->networks[i], err);
        if (r < 0)
            return r;
    }
    input->has_networks = true;
    input->network_count = count;
    return 0;
}

static int take_policy(const json_t *body, struct workspace_input *input, struct error *err)
{
    const json_t *policy = json_object_get(body, "policy");
    const char *known[POLICY_COUNT];

    if (!policy || json_is_null(policy))
        return 0;
    if (!json_is_object(policy))
        return error_set_field(err, E_INVALID, "policy", "\"policy\" must be an object");
    for (size_t i = 0; i < POLICY_COUNT; i++)
        known[i] = policy_facts((enum policy_row)i)->name;
    int r = check_known(policy, known, POLICY_COUNT, err);
    for (size_t i = 0; r == 0 && i < POLICY_COUNT; i++) {
        const struct policy_facts *facts = policy_facts((enum policy_row)i);
        const json_t *value = json_object_get(policy, facts->name);
        int64_t number;
        if (!value || json_is_null(value))
            continue;
        r = json_need_int(policy, facts->name, facts->min, facts->max, &number, err);
        if (r == 0)
            r = policy_set(&input->policy, (enum policy_row)i, number, err);
        input->policy_given |= 1U << i;
    }
    return r;
}

/* Rows that are null take the TRE's value again: they are not looked at. */
static int check_gates(const json_t *rows, struct error *err)
{
    AUTO_GATE_POLICY struct gate_policy trial;
    AUTO_JSON json_t *given = json_copy((json_t *)rows);
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(given, next, name, value)
    {
        if (json_is_null(value))
            json_object_del(given, name);
    }
    gate_policy_init(&trial);
    return gate_policy_apply(&trial, given, err);
}

static int take_gates(const json_t *body, struct workspace_input *input, struct error *err)
{
    const json_t *gates = json_object_get(body, "gates");
    const char *direction;
    json_t *rows;

    if (!gates || json_is_null(gates))
        return 0;
    if (!json_is_object(gates))
        return error_set_field(err, E_INVALID, "gates", "\"gates\" must be an object");
    json_object_foreach((json_t *)gates, direction, rows)
    {
        enum request_type type;
        if (!request_type_by_name(direction, &type) || !json_is_object(rows))
            return error_set_field(err, E_INVALID, "gates", "\"gates\" must hold objects called import and export");
        int r = check_gates(rows, err);
        if (r != 0)
            return r;
    }
    input->gates = gates;
    return 0;
}

/* A UUID as Entra ID has them, or whatever another provider calls an audience. */
static int get_client_id(const json_t *body, const char **ret, struct error *err)
{
    static const char CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:/";
    int r = json_get_string(body, "client_id", NULL, VALIDATE_CLIENT_ID_MAX, ret, err);

    if (r != 0 || !*ret)
        return r;
    if (**ret == '\0' || (*ret)[strspn(*ret, CHARACTERS)] != '\0')
        return error_set_field(
            err, E_INVALID, "client_id",
            "\"client_id\" must be the audience of the workspace's tokens: letters, digits and -._:/");
    return 0;
}

static int validate_workspace(const json_t *body, struct workspace_input *input, struct error *err)
{
    static const char *const KNOWN[] = {"display_name", "description", "enable_airlock", "networks",
                                        "policy",       "client_id",   "gates"};

    policy_init(&input->policy);
    int r = check_known(body, KNOWN, ARRAY_LEN(KNOWN), err);
    if (r == 0)
        r = get_text(body, "display_name", NULL, 1, VALIDATE_DISPLAY_NAME_MAX, false, &input->display_name, err);
    if (r == 0)
        r = get_text(body, "description", NULL, 0, VALIDATE_TEXT_MAX, true, &input->description, err);
    if (r == 0)
        r = get_client_id(body, &input->client_id, err);
    if (r == 0)
        r = json_get_bool(body, "enable_airlock", true, &input->enable_airlock, err);
    if (r == 0)
        r = take_networks(body, input, err);
    if (r == 0)
        r = take_policy(body, input, err);
    if (r == 0)
        r = take_gates(body, input, err);
    const json_t *enable = json_object_get(body, "enable_airlock");
    input->has_enable_airlock = enable && !json_is_null(enable);
    return r;
}

int validate_workspace_create(const json_t *body, struct workspace_input *ret_input, struct error *err)
{
    struct workspace_input input = {0};

    int r = validate_workspace(body, &input, err);
    if (r < 0)
        return r;
    if (!input.display_name)
        return error_set_field(err, E_INVALID, "display_name", "\"display_name\" is missing");
    *ret_input = input;
    return 0;
}

int validate_workspace_patch(const json_t *body, struct workspace_input *ret_input, struct error *err)
{
    struct workspace_input input = {0};

    int r = validate_workspace(body, &input, err);
    if (r < 0)
        return r;
    *ret_input = input;
    return 0;
}
