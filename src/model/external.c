/* The forms of what an organisation adds to the gates and to the flow. Pure. */
#include "model/external.h"

#include <string.h>

#include "base/str.h"
#include "base/url.h"

static const char *const STEPS[STEP_COUNT] = {"review", "submit", "approve", "reject", "block"};

bool external_name_next(const char **names, char ret[static EXTERNAL_NAME_MAX + 1])
{
    *names += strspn(*names, " ");
    size_t len = strcspn(*names, " ");
    size_t kept = len < EXTERNAL_NAME_MAX ? len : EXTERNAL_NAME_MAX;

    memcpy(ret, *names, kept);
    ret[kept] = '\0';
    *names += len;
    return len > 0;
}

const struct external_gate *external_gates_find(const struct external_gates *gates, const char *name)
{
    for (size_t i = 0; i < gates->count; i++)
        if (strcmp(gates->items[i].name, name) == 0)
            return &gates->items[i];
    return NULL;
}

bool external_gates_have(const struct external_gates *gates, const char *names,
                         char ret_missing[static EXTERNAL_NAME_MAX + 1])
{
    while (external_name_next(&names, ret_missing))
        if (!external_gates_find(gates, ret_missing))
            return false;
    return true;
}

/* One word, "NAME=SUBJECT,URL", which is cut into its parts. */
static int parse_gate(char *word, struct external_gates *gates, struct error *err)
{
    char *subject = strchr(word, '='), *url = subject ? strchr(subject, ',') : NULL;
    struct external_gate *gate = &gates->items[gates->count];

    if (!url)
        return error_set(err, E_INVALID, "must be NAME=SUBJECT,URL with spaces between, not \"%.100s\"", word);
    *subject++ = *url++ = '\0';
    if (!gate_name_is_own(word))
        return error_set(err, E_INVALID,
                         "calls a check \"%.60s\": a name has at most %d lower-case letters, digits and hyphens, begins "
                         "with a letter, and is no gate's of airlock's own",
                         word, EXTERNAL_NAME_MAX);
    if (external_gates_find(gates, word))
        return error_set(err, E_INVALID, "names %s twice", word);
    if (*subject == '\0' || !str_copy(gate->subject, sizeof gate->subject, subject))
        return error_set(err, E_INVALID, "must say behind %s= which account answers, by its id of at most %d bytes", word,
                         EXTERNAL_SUBJECT_MAX);
    if (!url_is_private(url) || !str_copy(gate->url, sizeof gate->url, url))
        return error_set(err, E_INVALID,
                         "must give %s an address that begins with https:// (http:// only on loopback), without a user, "
                         "of at most %d bytes",
                         word, EXTERNAL_URL_MAX);
    (void)str_copy(gate->name, sizeof gate->name, word); /* it was measured */
    gates->count++;
    return 0;
}

int external_gates_parse(const char *text, struct external_gates *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    *ret = (struct external_gates){0};
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        if (ret->count == EXTERNAL_GATES_MAX)
            return error_set(err, E_INVALID, "must not have more than %d checks", EXTERNAL_GATES_MAX);
        int r = parse_gate(word, ret, err);
        if (r != 0)
            return r;
    }
    return 0;
}

const char *step_name(enum step step)
{
    return STEPS[step];
}

bool step_by_name(const char *name, enum step *ret)
{
    for (int i = 0; i < STEP_COUNT; i++)
        if (strcmp(STEPS[i], name) == 0) {
            *ret = (enum step)i;
            return true;
        }
    return false;
}

/* "NAME,NAME" into "NAME NAME". */
static int parse_step_names(const char *names, const char *step, char *ret, size_t size, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(names);
    char *rest = copy;
    size_t len = 0;

    for (const char *name; (name = strsep(&rest, ","));) {
        if (!gate_name_is_own(name))
            return error_set(err, E_INVALID, "must name checks of your own behind %s:, not \"%.60s\"", step, name);
        int written = snprintf(ret + len, size - len, "%s%s", len > 0 ? " " : "", name);
        if (written < 0 || (size_t)written >= size - len)
            return error_set(err, E_INVALID, "must not have more than %d checks behind %s:", FLOW_STEP_CHECKS_MAX, step);
        len += (size_t)written;
    }
    return 0;
}

static int parse_step(char *word, struct flow_steps *steps, struct error *err)
{
    char *names = strchr(word, ':');
    enum step step;

    if (names)
        *names++ = '\0';
    if (!names || !step_by_name(word, &step) || step == STEP_REVIEW)
        return error_set(err, E_INVALID,
                         "must be submit:NAME approve:NAME,NAME reject:NAME block:NAME with spaces between, not \"%.60s\"",
                         word);
    if (*steps->names[step])
        return error_set(err, E_INVALID, "has %s: twice; put its checks behind one, with commas between", word);
    return parse_step_names(names, word, steps->names[step], sizeof steps->names[step], err);
}

int flow_steps_parse(const char *text, struct flow_steps *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    *ret = (struct flow_steps){0};
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        int r = parse_step(word, ret, err);
        if (r != 0)
            return r;
    }
    return 0;
}
