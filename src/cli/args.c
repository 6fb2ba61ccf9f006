/* Parsing of the command line of `airlock` by the tables of main.c. Must never print or exit: it returns errors. */
#include "cli/args.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "cli/cli.h"

const struct option_spec GLOBAL_OPTIONS[] = {
    {"output", "table|json|csv", "print a table for people (the default), JSON for programs, or lists as CSV"},
    {"url", "URL", "the server (default: AIRLOCK_URL, else the server of the last login)"},
    {"help", NULL, "explain the command"},
    {"version", NULL, "print the version"},
    {NULL, NULL, NULL},
};

/* Words that path and argv have in common, if path is wholly there; else 0. */
static size_t path_match(const char *path, const char *const *argv, size_t argc)
{
    size_t used = 0;

    while (*path) {
        size_t len = strcspn(path, " ");
        if (used == argc || strlen(argv[used]) != len || memcmp(argv[used], path, len) != 0)
            return 0;
        used++;
        path += len;
        path += strspn(path, " ");
    }
    return used;
}

const struct command *command_find(const struct command *table, size_t rows, const char *const *argv, size_t argc,
                                   size_t *ret_used)
{
    const struct command *best = NULL;
    size_t best_used = 0;

    for (size_t i = 0; i < rows; i++) {
        size_t used = path_match(table[i].path, argv, argc);
        if (used > best_used) {
            best = &table[i];
            best_used = used;
        }
    }
    if (best)
        *ret_used = best_used;
    return best;
}

static const struct option_spec *spec_find(const struct option_spec *table, const char *name, size_t len)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static const char *command_label(const struct command *command)
{
    return command ? command->path : "";
}

static int option_add(struct args *args, const struct option_spec *spec, const char *value, struct error *err)
{
    if (args->option_count == ARGS_OPTIONS_MAX)
        return error_set(err, E_USAGE, "More than %d options were given", ARGS_OPTIONS_MAX);
    args->options[args->option_count].name = spec->name;
    args->options[args->option_count].value = value;
    args->option_count++;
    return 0;
}

/* One option at words[*at]; moves *at past its value when that is a word of its own. */
static int option_parse(const struct command *command, const char *const *words, size_t count, size_t *at,
                        struct args *args, struct error *err)
{
    const char *word = words[*at];
    const char *name = strcmp(word, "-o") == 0 ? "--output" : strcmp(word, "-h") == 0 ? "--help" : word;
    const char *equals = strchr(name, '=');

    if (!str_starts(name, "--"))
        return error_set(err, E_USAGE, "There is no option %s; try 'airlock %s --help'", word, command_label(command));
    name += 2;
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_spec *spec = command ? spec_find(command->options, name, len) : NULL;
    if (!spec)
        spec = spec_find(GLOBAL_OPTIONS, name, len);
    if (!spec)
        return error_set(err, E_USAGE, "There is no option --%.*s here; try 'airlock %s --help'",
                         (int)(len < 64 ? len : 64), name, command_label(command));
    if (!spec->value)
        return equals ? error_set(err, E_USAGE, "--%s takes no value", spec->name) : option_add(args, spec, "", err);
    if (equals)
        return option_add(args, spec, equals + 1, err);
    if (*at + 1 == count)
        return error_set(err, E_USAGE, "--%s needs a value (%s)", spec->name, spec->value);
    *at += 1;
    return option_add(args, spec, words[*at], err);
}

int args_parse(const struct command *command, const char *const *words, size_t count, struct args *ret,
               struct error *err)
{
    struct args args = {.items = xcalloc(count, sizeof *args.items)};
    bool only_items = false;
    int r = 0;

    for (size_t at = 0; at < count && !r; at++) {
        if (only_items || words[at][0] != '-' || words[at][1] == '\0')
            args.items[args.count++] = words[at];
        else if (strcmp(words[at], "--") == 0)
            only_items = true;
        else
            r = option_parse(command, words, count, &at, &args, err);
    }
    if (!r && args.count > ARGS_POSITIONAL_MAX)
        r = error_set(err, E_USAGE, "More than %d arguments were given", ARGS_POSITIONAL_MAX);
    if (r) {
        args_done(&args);
        return r;
    }
    *ret = args;
    return 0;
}

int args_check_count(const struct command *command, const struct args *args, struct error *err)
{
    if (args->count >= command->args_min && args->count <= command->args_max)
        return 0;
    if (args->count < command->args_min)
        return error_set(err, E_USAGE, "Something is missing: airlock %s %s", command->path, command->arguments);
    return error_set(err, E_USAGE, "\"%.80s\" is one argument too many: airlock %s %s", args->items[command->args_max],
                     command->path, command->arguments);
}

void args_done(struct args *args)
{
    free(args->items);
    *args = (struct args){0};
}

const char *args_next(const struct args *args, const char *name, size_t *at)
{
    while (*at < args->option_count) {
        size_t i = (*at)++;
        if (strcmp(args->options[i].name, name) == 0)
            return args->options[i].value;
    }
    return NULL;
}

const char *args_get(const struct args *args, const char *name)
{
    const char *last = NULL;
    size_t at = 0;

    for (const char *value = args_next(args, name, &at); value; value = args_next(args, name, &at))
        last = value;
    return last;
}

bool args_has(const struct args *args, const char *name)
{
    return args_get(args, name) != NULL;
}

int args_need(const struct args *args, const char *name, const char **ret, struct error *err)
{
    const char *value = args_get(args, name);

    if (!value || !*value)
        return error_set_field(err, E_USAGE, name, "--%s is missing", name);
    *ret = value;
    return 0;
}

int args_number(const struct args *args, const char *name, uint64_t fallback, uint64_t min, uint64_t max, uint64_t *ret,
                struct error *err)
{
    const char *text = args_get(args, name);

    if (!text) {
        *ret = fallback;
        return 0;
    }
    if (!num_parse(text, min, max, ret))
        return error_set_field(err, E_USAGE, name, "--%s must be a whole number between %llu and %llu", name,
                               (unsigned long long)min, (unsigned long long)max);
    return 0;
}

int args_choice(const struct args *args, const char *name, const char *const *choices, const char **ret,
                struct error *err)
{
    const char *value = args_get(args, name);
    AUTO_STR struct str list = STR_INIT(400);

    for (size_t i = 0; value && choices[i]; i++) {
        if (strcmp(choices[i], value) == 0) {
            *ret = choices[i];
            return 0;
        }
        str_printf(&list, "%s%s", i ? ", " : "", choices[i]);
    }
    if (value)
        return error_set_field(err, E_USAGE, name, "--%s must be one of: %s", name, str_text(&list));
    *ret = NULL;
    return 0;
}
