/* Reads rules of notices and looks them up. Pure, in airlockd and airlock-core: whom a rule names, and whether they have an
 * address, is not known here. */
#include "model/rule.h"

#include <string.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/str.h"

#define ALL_STATUSES ((1U << STATUS_COUNT) - 1)
#define ALL_DIRECTIONS ((1U << REQUEST_TYPE_COUNT) - 1)
#define OFF "off" /* in the place of a channel; no receiver may be called so */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

static const struct {
    enum status status;
    unsigned whom;
    bool mandatory;
} DEFAULTS[] = {
#define X(status, whom, mandatory) {STATUS_##status, NOTIFY_##whom, mandatory},
#include "model/rule.def"
#undef X
};

static const struct {
    unsigned whom;
    const char *name;
} WHOM[] = {
    {NOTIFY_REQUESTOR, "requestor"},
    {NOTIFY_MANAGERS, "managers"},
    {NOTIFY_OWNERS, "owners"},
    {NOTIFY_RESEARCHERS, "researchers"},
};

static const struct {
    char letter;
    int64_t seconds;
} UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}};

const char *rule_whom_name(unsigned whom)
{
    for (size_t i = 0; i < ARRAY_LEN(WHOM); i++)
        if (WHOM[i].whom == whom)
            return WHOM[i].name;
    return "nobody";
}

bool rule_is_mandatory(enum status status, unsigned whom)
{
    for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++)
        if (DEFAULTS[i].status == status && DEFAULTS[i].whom == whom)
            return DEFAULTS[i].mandatory;
    return false;
}

bool rule_whom_by_name(const char *name, unsigned *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(WHOM); i++)
        if (strcmp(WHOM[i].name, name) == 0) {
            *ret = WHOM[i].whom;
            return true;
        }
    return false;
}

int rules_self_check(struct error *err)
{
    for (int status = 0; status < STATUS_COUNT; status++) {
        unsigned whom = 0;
        for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++)
            whom |= DEFAULTS[i].status == (enum status)status ? DEFAULTS[i].whom : 0;
        if (whom != status_facts((enum status)status)->notify)
            return error_set(err, E_INTERNAL, "rule.def and status.def tell different people of %s",
                             status_name((enum status)status));
    }
    return 0;
}

static int rules_add(struct rules *rules, const struct rule *rule, struct error *err)
{
    if (rules->count == RULES_MAX)
        return error_set(err, E_INVALID, "must not have more than %d rules", RULES_MAX);
    rules->items[rules->count++] = *rule;
    return 0;
}

static int add_defaults(struct rules *rules, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++) {
        const struct rule rule = {.statuses = 1U << DEFAULTS[i].status,
                                  .directions = ALL_DIRECTIONS,
                                  .whom = DEFAULTS[i].whom,
                                  .channel = RULE_MAIL,
                                  .template = RULE_TEMPLATE};
        int r = rules_add(rules, &rule, err);
        if (r != 0)
            return r;
    }
    return 0;
}

/* --- One word --- */

static int read_status(const char *text, struct rule *rule, struct error *err)
{
    enum status status;

    rule->statuses = ALL_STATUSES;
    if (strcmp(text, "*") == 0)
        return 0;
    if (!status_by_name(text, &status))
        return error_set(err, E_INVALID, "names the status \"%.60s\", which there is not", text);
    rule->statuses = 1U << status;
    return 0;
}

static int read_direction(const char *text, struct rule *rule, struct error *err)
{
    enum request_type type;

    rule->directions = ALL_DIRECTIONS;
    if (strcmp(text, "*") == 0)
        return 0;
    if (!request_type_by_name(text, &type))
        return error_set(err, E_INVALID, "must say import, export or * where it says \"%.60s\"", text);
    rule->directions = 1U << type;
    return 0;
}

static int read_whom(const char *text, struct rule *rule, struct error *err)
{
    if (rule_whom_by_name(text, &rule->whom))
        return 0;
    return error_set(err, E_INVALID, "must say requestor, managers, owners or researchers where it says \"%.60s\"", text);
}

/* "3d" */
static int read_delay(const char *text, struct rule *rule, struct error *err)
{
    size_t digits = strspn(text, "0123456789");
    AUTO_FREE char *number = xstrndup(text, digits);
    uint64_t count;

    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++)
        if (text[digits] == UNITS[i].letter && text[digits + 1] == '\0' &&
            num_parse(number, 1, (uint64_t)(RULE_DELAY_MAX_S / UNITS[i].seconds), &count)) {
            rule->delay_s = (int64_t)count * UNITS[i].seconds;
            return 0;
        }
    return error_set(err, E_INVALID, "must say how long to wait as 30s, 10m, 2h or 3d, at most 366d, not \"%.60s\"", text);
}

static bool name_is_good(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= RULE_NAME_MAX && strspn(text, NAME_CHARACTERS) == len;
}

/* "CHANNEL[/TEMPLATE][+DELAY]", which is cut into its parts. */
static int read_way(char *text, struct rule *rule, struct error *err)
{
    char *delay = strchr(text, '+');
    if (delay)
        *delay++ = '\0';
    char *template = strchr(text, '/');
    if (template)
        *template++ = '\0';
    if (strcmp(text, OFF) == 0)
        return error_set(err, E_INVALID, "must not say more behind =" OFF ": nothing is sent there");
    if (!name_is_good(text) || (template && !name_is_good(template)))
        return error_set(err, E_INVALID,
                         "must say mail, or the name of a receiver of events.webhooks, and behind a / the name of a template, "
                         "in lower-case letters, digits and hyphens, not \"%.60s%s%.60s\"",
                         text, template ? "/" : "", template ? template : "");
    if (template && strcmp(text, RULE_MAIL) != 0)
        return error_set(err, E_INVALID, "names a template for %s: only mail has templates", text);
    if (template && strcmp(template, RULE_DIGEST) == 0)
        return error_set(err, E_INVALID, "names the template " RULE_DIGEST ", which is of summaries: people choose them by "
                                         "airlock notices");
    (void)str_copy(rule->channel, sizeof rule->channel, text); /* both were measured */
    (void)str_copy(rule->template, sizeof rule->template, template ? template : RULE_TEMPLATE);
    return delay ? read_delay(delay, rule, err) : 0;
}

/* What was said before of these statuses, directions and people holds no longer; the rest of such a rule stays. */
static int take_back(struct rules *rules, const struct rule *off, struct error *err)
{
    struct rules kept = {0};

    for (size_t i = 0; i < rules->count; i++) {
        struct rule others = rules->items[i], directions = rules->items[i];
        bool meant = others.whom == off->whom;
        others.statuses &= meant ? ~off->statuses : ALL_STATUSES;
        directions.statuses &= meant ? off->statuses : 0;
        directions.directions &= ~off->directions;
        int r = others.statuses ? rules_add(&kept, &others, err) : 0;
        if (r == 0 && directions.statuses && directions.directions)
            r = rules_add(&kept, &directions, err);
        if (r != 0)
            return r;
    }
    *rules = kept;
    return 0;
}

static int read_rule(char *word, struct rules *rules, struct error *err)
{
    char *direction = strchr(word, ':'), *whom = direction ? strchr(direction + 1, ':') : NULL;
    char *way = whom ? strchr(whom + 1, '=') : NULL;
    struct rule rule = {0};

    if (!way)
        return error_set(err, E_INVALID,
                         "must be default, or STATUS:DIRECTION:ROLE=CHANNEL[/TEMPLATE][+DELAY], with spaces between, not "
                         "\"%.100s\"",
                         word);
    *direction++ = *whom++ = *way++ = '\0';
    int r = read_status(word, &rule, err);
    if (r == 0)
        r = read_direction(direction, &rule, err);
    if (r == 0)
        r = read_whom(whom, &rule, err);
    if (r != 0)
        return r;
    if (strcmp(way, OFF) == 0)
        return take_back(rules, &rule, err);
    r = read_way(way, &rule, err);
    return r ? r : rules_add(rules, &rule, err);
}

int rules_parse(const char *text, struct rules *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;
    struct rules rules = {0};

    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        int r = strcmp(word, "default") == 0 ? add_defaults(&rules, err) : read_rule(word, &rules, err);
        if (r != 0)
            return r;
    }
    *ret = rules;
    return 0;
}

const struct rule *rules_next(const struct rules *rules, enum status status, enum request_type type, size_t *at)
{
    while (*at < rules->count) {
        const struct rule *rule = &rules->items[(*at)++];
        if (rule->statuses & 1U << status && rule->directions & 1U << type)
            return rule;
    }
    return NULL;
}
