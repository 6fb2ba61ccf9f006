/* The values of all settings, what follows from them together, and their reference page. Runs in airlockd. */
#include "airlockd/settings.h"

#include <inttypes.h>
#include <string.h>

#include "airlockd/endpoint.h"
#include "airlockd/form.h"
#include "airlockd/receivers.h"
#include "base/num.h"
#include "base/url.h"
#include "model/external.h"
#include "model/gate_command.h"
#include "model/gate_policy.h"

static const struct setting_row {
    const char *name;
    enum form form;
    const char *fallback;
    int64_t min, max;
    unsigned receivers; /* PEER_ bits */
    const char *help;
} ROWS[SETTING_COUNT] = {
#define X(id, name, form, fallback, min, max, receivers, help) \
    [SETTING_##id] = {name, FORM_##form, fallback, min, max, receivers, help},
#include "airlockd/settings.def"
#undef X
};

struct settings {
    struct {
        char *text;
        char *where;
    } values[SETTING_COUNT];
};

struct settings *settings_new(void)
{
    struct settings *settings = xcalloc(1, sizeof *settings);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        settings->values[i].text = xstrdup(ROWS[i].fallback);
    return settings;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        free(settings->values[i].text);
        free(settings->values[i].where);
    }
    free(settings);
}

const char *setting_name(enum setting id)
{
    return ROWS[id].name;
}

bool setting_by_name(const char *name, enum setting *ret)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(ROWS[i].name, name) == 0) {
            *ret = (enum setting)i;
            return true;
        }
    return false;
}

static int check_bounds(const struct setting_row *row, const char *text, struct error *err)
{
    uint64_t value = strlen(text);
    bool is_number = row->form == FORM_NUMBER;

    if (is_number && !num_parse(text, 0, INT64_MAX, &value))
        return error_set(err, E_INVALID, "must be a whole number in digits");
    if (row->form == FORM_BOOL || ((int64_t)value >= row->min && (int64_t)value <= row->max))
        return 0;
    if (is_number)
        return error_set(err, E_INVALID, "must be between %" PRId64 " and %" PRId64, row->min, row->max);
    if (value == 0)
        return error_set(err, E_INVALID, "must not be empty");
    return error_set(err, E_INVALID, "must be at most %" PRId64 " characters long", row->max);
}

int settings_set(struct settings *settings, enum setting id, const char *text, const char *where, struct error *err)
{
    const struct setting_row *row = &ROWS[id];
    struct error why = {0};

    free(settings->values[id].where);
    settings->values[id].where = xstrdup(where);
    int r = check_bounds(row, text, &why);
    if (r == 0 && (*text != '\0' || row->min > 0))
        r = form_check(row->form, text, &why);
    if (r != 0)
        return error_set_field(err, r, row->name, "%s %s", row->name, why.detail);
    free(settings->values[id].text);
    settings->values[id].text = xstrdup(text);
    return 0;
}

const char *settings_where(const struct settings *settings, enum setting id)
{
    return settings->values[id].where ? settings->values[id].where : "";
}

const char *settings_text(const struct settings *settings, enum setting id)
{
    return settings->values[id].text;
}

bool settings_flag(const struct settings *settings, enum setting id)
{
    return strcmp(settings->values[id].text, "true") == 0;
}

static void settings_derive(struct settings *settings, enum setting id, char *text_stolen)
{
    if (*settings->values[id].text == '\0') {
        free(settings->values[id].text);
        settings->values[id].text = text_stolen;
    } else {
        free(text_stolen);
    }
}

static const struct {
    enum setting listen, public_url;
} LISTENERS[] = {
    {SETTING_API_LISTEN, SETTING_API_PUBLIC_URL},
    {SETTING_BLOB_EXTERNAL_LISTEN, SETTING_BLOB_EXTERNAL_PUBLIC_URL},
    {SETTING_BLOB_CORE_LISTEN, SETTING_BLOB_CORE_PUBLIC_URL},
    {SETTING_BLOB_WORKSPACE_LISTEN, SETTING_BLOB_WORKSPACE_PUBLIC_URL},
    {SETTING_IDP_LISTEN, SETTING_IDP_PUBLIC_URL},
};

bool settings_tls(const struct settings *settings)
{
    return *settings_text(settings, SETTING_TLS_CERTIFICATE_FILE) && *settings_text(settings, SETTING_TLS_KEY_FILE);
}

/* Half of a pair would mean plain HTTP where somebody wanted TLS. */
static void check_tls(const struct settings *settings, struct problems *problems)
{
    static const enum setting PAIR[] = {SETTING_TLS_CERTIFICATE_FILE, SETTING_TLS_KEY_FILE};

    for (size_t i = 0; i < ARRAY_LEN(PAIR); i++)
        if (*settings_text(settings, PAIR[i]) && !*settings_text(settings, PAIR[1 - i]))
            problems_add(problems, settings_where(settings, PAIR[i]), "%s is set, so %s must be set as well",
                         setting_name(PAIR[i]), setting_name(PAIR[1 - i]));
}

static void check_listeners(const struct settings *settings, const char *file, struct problems *problems)
{
    for (size_t i = 0; i < ARRAY_LEN(LISTENERS); i++) {
        enum setting id = LISTENERS[i].listen;
        const char *where = *settings_where(settings, id) ? settings_where(settings, id) : file;
        struct endpoint endpoint;
        if (endpoint_parse(settings_text(settings, id), &endpoint, NULL) != 0)
            continue; /* told when it was set */
        if (!endpoint.loopback && !settings_tls(settings) && !settings_flag(settings, SETTING_HTTP_BEHIND_PROXY))
            problems_add(problems, where,
                         "%s is not a loopback address and would speak plain HTTP: set tls.certificate_file and "
                         "tls.key_file, or put a proxy with TLS in front of it and set http.behind_proxy = true",
                         setting_name(id));
        for (size_t other = 0; other < i; other++)
            if (strcmp(settings_text(settings, id), settings_text(settings, LISTENERS[other].listen)) == 0)
                problems_add(problems, where, "%s is the same as %s", setting_name(id),
                             setting_name(LISTENERS[other].listen));
    }
}

/* What only the built-in provider reads need not be there without it. */
static bool setting_is_needed(const struct settings *settings, size_t id)
{
    bool built_in = settings_flag(settings, SETTING_IDP_ENABLED);
    bool is_idp = id == SETTING_IDP_TENANT || id == SETTING_IDP_ACCOUNTS_FILE || id == SETTING_IDP_KEY_FILE;

    return ROWS[id].min > 0 && ROWS[id].form != FORM_NUMBER && (built_in || !is_idp);
}

/* Keys that travel in the clear could be anybody's. */
static void check_provider(const struct settings *settings, struct problems *problems)
{
    static const enum setting URLS[] = {SETTING_AUTH_ISSUER, SETTING_AUTH_JWKS_URL};

    if (settings_flag(settings, SETTING_IDP_ENABLED))
        return;
    if (*settings_text(settings, SETTING_AUTH_ISSUER) == '\0')
        problems_add(problems, settings_where(settings, SETTING_IDP_ENABLED),
                     "idp.enabled = false needs auth.issuer: without the built-in provider, whose tokens are accepted?");
    for (size_t i = 0; i < ARRAY_LEN(URLS); i++)
        if (*settings_text(settings, URLS[i]) && !url_is_private(settings_text(settings, URLS[i])))
            problems_add(problems, settings_where(settings, URLS[i]),
                         "%s must begin with https:// (or be on loopback), without a user: its keys decide who comes in",
                         setting_name(URLS[i]));
}

static void check_names(const struct settings *settings, enum setting id, const struct external_gates *gates,
                        const char *names, struct problems *problems)
{
    char missing[EXTERNAL_NAME_MAX + 1];

    if (!external_gates_have(gates, names, missing))
        problems_add(problems, settings_where(settings, id),
                     "%s names the check %s, which gates.external does not have: add %s=SUBJECT,URL there",
                     setting_name(id), missing, missing);
}

static void check_commands(const struct settings *settings, enum setting id, const char *names, struct problems *problems)
{
    char missing[EXTERNAL_NAME_MAX + 1];

    if (!gate_commands_have(settings_text(settings, SETTING_GATES_COMMANDS), names, missing))
        problems_add(problems, settings_where(settings, id),
                     "%s names the program %s, which gates.commands does not have: add %s=/PATH there", setting_name(id),
                     missing, missing);
}

/* A step's checks are external gates or programs; a name that is both would leave open which of them is meant. */
static void check_step(const struct settings *settings, const struct external_gates *gates, const char *names,
                       struct problems *problems)
{
    const char *where = settings_where(settings, SETTING_FLOW_STEPS);
    char name[EXTERNAL_NAME_MAX + 1], missing[EXTERNAL_NAME_MAX + 1];

    while (external_name_next(&names, name)) {
        bool external = external_gates_find(gates, name);
        bool program = gate_commands_have(settings_text(settings, SETTING_GATES_COMMANDS), name, missing);
        if (!external && !program)
            problems_add(problems, where,
                         "flow.steps names the check %s, which neither gates.external nor gates.commands has: add "
                         "%s=SUBJECT,URL to the one or %s=/PATH to the other",
                         name, name, name);
        if (external && program)
            problems_add(problems, where,
                         "flow.steps names the check %s, which both gates.external and gates.commands have: rename one",
                         name);
    }
}

/* Whoever is waited for must be there to be called, and must know that it was us who called. */
static void check_externals(const struct settings *settings, struct problems *problems)
{
    static const enum setting POLICIES[] = {SETTING_GATES_IMPORT, SETTING_GATES_EXPORT};
    struct external_gates gates;
    struct flow_steps steps;

    if (external_gates_parse(settings_text(settings, SETTING_GATES_EXTERNAL), &gates, NULL) != 0 ||
        flow_steps_parse(settings_text(settings, SETTING_FLOW_STEPS), &steps, NULL) != 0)
        return; /* told when they were set */
    for (size_t i = 0; i < ARRAY_LEN(POLICIES); i++) {
        AUTO_JSON json_t *rows = NULL;
        AUTO_GATE_POLICY struct gate_policy policy;
        gate_policy_init(&policy);
        if (gate_policy_parse(settings_text(settings, POLICIES[i]), &rows, NULL) != 0 ||
            gate_policy_apply(&policy, rows, NULL) != 0)
            continue;
        check_names(settings, POLICIES[i], &gates, policy.list[GATE_POLICY_EXTERNAL], problems);
        check_commands(settings, POLICIES[i], policy.list[GATE_POLICY_COMMANDS], problems);
    }
    for (int step = 0; step < STEP_COUNT; step++)
        check_step(settings, &gates, steps.names[step], problems);
    if (gates.count > 0 && *settings_text(settings, SETTING_GATES_EXTERNAL_SECRET_FILE) == '\0' &&
        *settings_where(settings, SETTING_GATES_EXTERNAL_SECRET_FILE) == '\0') /* one that is wrong was told of */
        problems_add(problems, settings_where(settings, SETTING_GATES_EXTERNAL),
                     "gates.external is set, so gates.external_secret_file must be set as well: it signs the calls");
}

void settings_finish(struct settings *settings, const char *file, struct problems *problems)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (setting_is_needed(settings, i) && *settings->values[i].text == '\0' && !settings->values[i].where)
            problems_add(problems, file, "%s must be set", ROWS[i].name);
    check_tls(settings, problems);
    check_listeners(settings, file, problems);
    check_provider(settings, problems);
    check_externals(settings, problems);
    receivers_check(settings, problems);
    for (size_t i = 0; i < ARRAY_LEN(LISTENERS); i++) {
        AUTO_FREE char *authority = endpoint_authority(settings_text(settings, LISTENERS[i].listen));
        settings_derive(settings, LISTENERS[i].public_url,
                        xasprintf("%s://%s", settings_tls(settings) ? "https" : "http", authority));
    }
    settings_derive(settings, SETTING_MAIL_PORTAL_URL, xstrdup(settings_text(settings, SETTING_API_PUBLIC_URL)));
    if (settings_flag(settings, SETTING_IDP_ENABLED))
        settings_derive(settings, SETTING_AUTH_ISSUER,
                    xasprintf("%s/%s/v2.0", settings_text(settings, SETTING_IDP_PUBLIC_URL),
                              settings_text(settings, SETTING_IDP_TENANT)));
}

static json_t *setting_json(const struct setting_row *row, const char *text)
{
    uint64_t value = 0;

    if (row->form == FORM_BOOL)
        return json_boolean(strcmp(text, "true") == 0);
    if (row->form == FORM_NUMBER)
        return num_parse(text, 0, INT64_MAX, &value) ? json_integer((json_int_t)value) : NULL;
    return json_string(text);
}

json_t *settings_for(const struct settings *settings, enum peer peer)
{
    json_t *object = json_object();
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (ROWS[i].receivers & peer)
            json_object_set_new(object, ROWS[i].name, setting_json(&ROWS[i], settings->values[i].text));
    return object;
}

static void print_receivers(struct str *out, unsigned receivers)
{
    static const struct {
        unsigned peers;
        const char *name;
    } GROUPS[] = {
        {PEER_CORE, "core"}, {PEER_API, "api"}, {PEER_BLOB, "blob"}, {PEER_MOVER, "mover"}, {PEER_IDP, "idp"},
        {PEER_JWKS, "jwks"}, {PEER_GATE, "gate"}, {PEER_NOTIFY, "notify"}};
    const char *separator = "";

    for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++)
        if (receivers & GROUPS[i].peers) {
            str_printf(out, "%s%s", separator, GROUPS[i].name);
            separator = ", ";
        }
    if (receivers == 0)
        str_append(out, "airlockd");
}

static void print_default(struct str *out, const struct setting_row *row)
{
    if (*row->fallback)
        str_printf(out, "`%s`", row->fallback);
    else
        str_append(out, row->min > 0 ? "must be set" : "empty");
}

/* clang-format off */
static const char REFERENCE_HEAD[] =
    "# Settings\n\n"
    "One file, `NAME = VALUE` a line; `[http]` before `buffers = 48` is the same as `http.buffers = 48`. Comments\n"
    "begin with `#` or `;`. `--set NAME=VALUE` overrides the file, `airlockd --check --config FILE` says what is\n"
    "wrong with it. This page is made by `airlockd --print-settings`.\n\n"
    "| setting | form | default | bounds | told to | what it does |\n|---|---|---|---|---|---|\n";
/* clang-format on */

void settings_print(struct str *out)
{
    str_append(out, REFERENCE_HEAD);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_row *row = &ROWS[i];
        str_printf(out, "| `%s` | %s | ", row->name, form_name(row->form));
        print_default(out, row);
        if (row->form == FORM_NUMBER)
            str_printf(out, " | %" PRId64 " to %" PRId64 " | ", row->min, row->max);
        else
            str_append(out, " | | ");
        print_receivers(out, row->receivers);
        str_printf(out, " | %s |\n", row->help);
    }
}
