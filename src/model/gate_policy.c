/* The table of what gates do, and the checks of what somebody makes of it. Pure. */
#include "model/gate_policy.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "model/gate.h"

#define WORD_MAX 64

static const struct gate_policy_facts ROWS[] = {
#define X(name, kind, wire, min, max, fallback, what) {wire, GATE_POLICY_##kind, min, max, fallback, what},
#include "model/gate_policy.def"
#undef X
};

static const char *const ACTIONS[] = {"off", "warn", "block"};

const struct gate_policy_facts *gate_policy_facts(enum gate_policy_row row)
{
    return &ROWS[row];
}

const char *gate_action_name(enum gate_action action)
{
    return ACTIONS[action];
}

void gate_policy_init(struct gate_policy *ret)
{
    *ret = (struct gate_policy){0};
    for (int i = 0; i < GATE_POLICY_COUNT; i++)
        if (gate_policy_set(ret, (enum gate_policy_row)i, ROWS[i].fallback, NULL) != 0)
            abort(); /* the table contradicts itself: no policy may be guessed */
}

void gate_policy_done(struct gate_policy *policy)
{
    for (int i = 0; i < GATE_POLICY_COUNT; i++)
        free(TAKE_PTR(policy->list[i]));
}

static int set_action(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++)
        if (strcmp(ACTIONS[i], value) == 0 && !(row == GATE_POLICY_MALWARE && i == GATE_WARN)) {
            policy->number[row] = (int64_t)i;
            return 0;
        }
    return error_set_field(err, E_INVALID, ROWS[row].name, "\"%s\" (%s) must be %sblock or off", ROWS[row].name,
                           ROWS[row].what, row == GATE_POLICY_MALWARE ? "" : "warn, ");
}

static int set_number(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err)
{
    uint64_t number;

    if (!num_parse(value, (uint64_t)ROWS[row].min, (uint64_t)ROWS[row].max, &number))
        return error_set_field(err, E_INVALID, ROWS[row].name, "\"%s\" (%s) must be between %" PRId64 " and %" PRId64,
                               ROWS[row].name, ROWS[row].what, ROWS[row].min, ROWS[row].max);
    policy->number[row] = (int64_t)number;
    return 0;
}

/* Words of TYPE/SUBTYPE or TYPE/ and an asterisk. */
static bool list_is_good(const char *text)
{
    static const char OF_TYPES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_";

    while (*text) {
        size_t major = strspn(text, OF_TYPES);
        if (major == 0 || text[major] != '/')
            return false;
        text += major + 1;
        size_t minor = *text == '*' ? 1 : strspn(text, OF_TYPES);
        if (minor == 0)
            return false;
        text += minor;
        if (*text != '\0' && *text != ' ')
            return false;
        text += strspn(text, " ");
    }
    return true;
}

static int set_list(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err)
{
    if ((int64_t)strlen(value) > ROWS[row].max || !list_is_good(value))
        return error_set_field(err, E_INVALID, ROWS[row].name,
                               "\"%s\" (%s) must be types such as text/csv or image/*, at most %" PRId64 " bytes",
                               ROWS[row].name, ROWS[row].what, ROWS[row].max);
    free(policy->list[row]);
    policy->list[row] = xstrdup(value);
    return 0;
}

static int set_names(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err)
{
    const char *rest = value;
    bool good = (int64_t)strlen(value) <= ROWS[row].max;

    for (rest += strspn(rest, " "); good && *rest; rest += strspn(rest, " ")) {
        AUTO_FREE char *name = xstrndup(rest, strcspn(rest, " "));
        good = gate_name_is_own(name);
        rest += strlen(name);
    }
    if (!good)
        return error_set_field(err, E_INVALID, ROWS[row].name,
                               "\"%s\" (%s) must be names of lower-case letters, digits and hyphens, at most %" PRId64
                               " bytes",
                               ROWS[row].name, ROWS[row].what, ROWS[row].max);
    free(policy->list[row]);
    policy->list[row] = xstrdup(value);
    return 0;
}

static bool is_list(enum gate_policy_kind kind)
{
    return kind == GATE_POLICY_LIST || kind == GATE_POLICY_NAMES;
}

int gate_policy_set(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err)
{
    switch (ROWS[row].kind) {
    case GATE_POLICY_ACTION:
        return set_action(policy, row, value, err);
    case GATE_POLICY_NUMBER:
        return set_number(policy, row, value, err);
    case GATE_POLICY_NAMES:
        return set_names(policy, row, value, err);
    default:
        return set_list(policy, row, value, err);
    }
}

static bool row_by_name(const char *name, enum gate_policy_row *ret)
{
    for (int i = 0; i < GATE_POLICY_COUNT; i++)
        if (strcmp(ROWS[i].name, name) == 0) {
            *ret = (enum gate_policy_row)i;
            return true;
        }
    return false;
}

/* A value of JSON as the text that gate_policy_set takes; the caller's. NULL: it has the wrong type. */
static char *value_text(enum gate_policy_kind kind, const json_t *value)
{
    AUTO_STR struct str text = STR_INIT(8192);
    size_t i;
    const json_t *item;

    if (kind == GATE_POLICY_NUMBER)
        return json_is_integer(value) ? xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)) : NULL;
    if (json_is_string(value))
        return xstrdup(json_string_value(value));
    if (!is_list(kind) || !json_is_array(value))
        return NULL;
    json_array_foreach((json_t *)value, i, item) /* NOLINT: the macro wants it so, and changes nothing */
    {
        if (!json_is_string(item))
            return NULL;
        str_printf(&text, "%s%s", i > 0 ? " " : "", json_string_value(item));
    }
    return xstrdup(str_text(&text));
}

int gate_policy_apply(struct gate_policy *policy, const json_t *object, struct error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) /* NOLINT: the macro wants it so, and changes nothing */
    {
        enum gate_policy_row row;
        if (!row_by_name(name, &row))
            return error_set_field(err, E_INVALID, name, "\"%.40s\" is nothing that a policy of gates has", name);
        AUTO_FREE char *text = value_text(ROWS[row].kind, value);
        if (!text)
            return error_set_field(err, E_INVALID, name, "\"%s\" (%s) must be %s", name, ROWS[row].what,
                                   ROWS[row].kind == GATE_POLICY_NUMBER ? "a number" : "a text");
        int r = gate_policy_set(policy, row, text, err);
        if (r != 0)
            return r;
    }
    return 0;
}

/* One "name=value" of len bytes. */
static int parse_word(const char *word, size_t len, json_t *object, struct error *err)
{
    const char *equals = memchr(word, '=', len);
    enum gate_policy_row row;
    uint64_t number;

    if (!equals || equals == word)
        return error_set(err, E_INVALID, "must hold NAME=VALUE with spaces between, not \"%.*s\"",
                         (int)(len < WORD_MAX ? len : WORD_MAX), word);
    AUTO_FREE char *name = xstrndup(word, (size_t)(equals - word));
    AUTO_FREE char *value = xstrndup(equals + 1, len - (size_t)(equals - word) - 1);
    if (row_by_name(name, &row) && is_list(ROWS[row].kind))
        for (char *comma = strchr(value, ','); comma; comma = strchr(comma, ','))
            *comma = ' ';
    bool is_number = num_parse(value, 0, INT64_MAX, &number);
    json_object_set_new(object, name, is_number ? json_integer((json_int_t)number) : json_string(value));
    return 0;
}

int gate_policy_parse(const char *text, json_t **ret_object, struct error *err)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_GATE_POLICY struct gate_policy trial;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");
        int r = parse_word(text, len, object, err);
        if (r != 0)
            return r;
        text += len;
    }
    gate_policy_init(&trial);
    int r = gate_policy_apply(&trial, object, err);
    if (r == 0)
        *ret_object = TAKE_PTR(object);
    return r;
}

json_t *gate_policy_render(const struct gate_policy *policy)
{
    json_t *object = json_object();

    for (int i = 0; i < GATE_POLICY_COUNT; i++) {
        json_t *value = is_list(ROWS[i].kind)                ? json_string(policy->list[i])
                        : ROWS[i].kind == GATE_POLICY_NUMBER ? json_integer(policy->number[i])
                                                             : json_string(ACTIONS[policy->number[i]]);
        json_object_set_new(object, ROWS[i].name, value);
    }
    return object;
}

enum gate_action gate_policy_action(const struct gate_policy *policy, enum gate_policy_row row)
{
    return (enum gate_action)policy->number[row];
}

bool gate_policy_lists(const struct gate_policy *policy, enum gate_policy_row row, const char *type)
{
    for (const char *word = policy->list[row]; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        bool any = len > 1 && word[len - 1] == '*';
        size_t compared = any ? len - 1 : len;
        if (strncasecmp(word, type, compared) == 0 && (any || strlen(type) == len))
            return true;
        word += len;
    }
    return false;
}
