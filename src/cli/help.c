/* Rendering of help. */
#include "cli/help.h"

#include <string.h>

#include "base/error.h"

#define LEFT_WIDTH 30
#define EXIT_CODE_MAX 255

static const struct {
    int code;
    const char *title;
} EXITS[] = {
#define X(name, wire, http, exit, title) {exit, title},
#include "base/error.def"
#undef X
};

static const struct {
    const char *name;
    const char *meaning;
} ENVIRONMENT[] = {
    {"AIRLOCK_URL", "the server, when --url is not given"},
    {"AIRLOCK_WORKSPACE", "the workspace, when --workspace is not given"},
    {"AIRLOCK_CLIENT_ID", "the client id for 'airlock login'"},
    {"AIRLOCK_CLIENT_SECRET", "its secret, when there is no --client-secret-file"},
    {"AIRLOCK_CONFIG_DIR", "where logins and tokens are kept (else $XDG_CONFIG_HOME/airlock or ~/.config/airlock)"},
    {"AIRLOCK_CA_FILE", "a file of certificate authorities to trust instead of the system's"},
};

/* "  left      right", with right on its own line when left is too wide. */
static void append_row(struct str *out, const char *left, const char *right)
{
    size_t len = strlen(left);

    str_printf(out, "  %s", left);
    if (len >= LEFT_WIDTH) {
        str_append_char(out, '\n');
        len = 0;
        str_append(out, "  ");
    }
    for (; len < LEFT_WIDTH; len++)
        str_append_char(out, ' ');
    str_printf(out, "%s\n", right);
}

static void append_options(struct str *out, const struct option_spec *options)
{
    for (; options && options->name; options++) {
        AUTO_STR struct str left = STR_INIT(256);
        str_printf(&left, "--%s%s%s", options->name, options->value ? " " : "", options->value ? options->value : "");
        append_row(out, str_text(&left), options->help);
    }
}

void help_overview(struct str *out, const struct command *table, size_t rows)
{
    str_append(out,
               "airlock: bring files into a Trusted Research Environment, and out of it, by review.\n\n"
               "Usage: airlock COMMAND [ARGUMENTS] [OPTIONS]\n\n"
               "A first export, from login to release:\n"
               "  airlock login --url https://airlock.example.org --browser\n"
               "  airlock request new --workspace Heart --type export --title \"Figure 2\" --justification \"Paper\"\n"
               "  airlock request upload REQUEST figure2.pdf\n"
               "  airlock request submit REQUEST\n"
               "  airlock request wait REQUEST --for approved\n"
               "  airlock request download REQUEST --to results\n\nCommands:\n");
    for (size_t i = 0; i < rows; i++)
        append_row(out, table[i].path, table[i].summary);
    str_append(out, "\nOptions of every command:\n");
    append_options(out, GLOBAL_OPTIONS);
    str_append(out, "\n'airlock COMMAND --help' explains a command. More: 'airlock help exit-codes', "
                    "'airlock help environment'.\n");
}

bool help_group(struct str *out, const struct command *table, size_t rows, const char *prefix)
{
    size_t len = strlen(prefix);
    bool found = false;

    for (size_t i = 0; i < rows; i++) {
        if (strncmp(table[i].path, prefix, len) != 0 || table[i].path[len] != ' ')
            continue;
        if (!found)
            str_printf(out, "Usage: airlock %s COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n", prefix);
        append_row(out, table[i].path, table[i].summary);
        found = true;
    }
    return found;
}

void help_command(struct str *out, const struct command *command)
{
    str_printf(out, "%s.\n\nUsage: airlock %s%s%s [OPTIONS]\n\n%s\n", command->summary, command->path,
               *command->arguments ? " " : "", command->arguments, command->help);
    if (command->options && command->options->name) {
        str_append(out, "\nOptions:\n");
        append_options(out, command->options);
    }
    str_append(out, "\nOptions of every command:\n");
    append_options(out, GLOBAL_OPTIONS);
}

void help_exit_codes(struct str *out)
{
    str_append(out, "airlock's exit codes follow sysexits(3). A program can rely on them.\n\n  0   It worked\n");
    for (int code = 1; code <= EXIT_CODE_MAX; code++) {
        size_t seen = 0;
        for (size_t i = 0; i < ARRAY_LEN(EXITS); i++)
            if (EXITS[i].code == code) {
                if (seen++)
                    str_printf(out, "      %s\n", EXITS[i].title);
                else
                    str_printf(out, "  %-3d %s\n", code, EXITS[i].title);
            }
    }
}

void help_environment(struct str *out)
{
    str_append(out, "Environment variables:\n");
    for (size_t i = 0; i < ARRAY_LEN(ENVIRONMENT); i++)
        append_row(out, ENVIRONMENT[i].name, ENVIRONMENT[i].meaning);
    str_append(out, "\nLogins and tokens are files that only you can read. 'airlock logout' removes them.\n");
}
