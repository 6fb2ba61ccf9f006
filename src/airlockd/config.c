/* The configuration file by inih. inih tells no line numbers to its handler here, so the reader that feeds it counts.
 * Runs in airlockd, before it gives anything up; the file is the operator's and trusted. */
#include "airlockd/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reading {
    const char *file;
    FILE *stream;
    unsigned line;
    struct settings *settings;
    struct problems *problems;
};

static char *place(const struct reading *reading, unsigned line)
{
    return xasprintf("%s:%u", reading->file, line);
}

/* fgets for inih: one whole line at a time, never a piece of one. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct reading *reading = stream;

    if (!fgets(buffer, size, reading->stream))
        return NULL;
    reading->line++;
    if (strchr(buffer, '\n') || feof(reading->stream))
        return buffer;
    AUTO_FREE char *where = place(reading, reading->line);
    problems_add(reading->problems, where, "this line is too long or not text");
    for (int c = 0; c != '\n' && c != EOF;)
        c = fgetc(reading->stream);
    buffer[0] = '\0';
    return buffer;
}

static void take_value(struct reading *reading, const char *name, const char *value, const char *where)
{
    struct error err = {0};
    enum setting id;

    if (!setting_by_name(name, &id))
        problems_add(reading->problems, where, "there is no setting %s", name);
    else if (*settings_where(reading->settings, id) != '\0')
        problems_add(reading->problems, where, "%s is set a second time; the first is at %s", name,
                     settings_where(reading->settings, id));
    else if (settings_set(reading->settings, id, value, where, &err) != 0)
        problems_add(reading->problems, where, "%s", err.detail);
}

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    AUTO_FREE char *where = place(reading, reading->line);
    AUTO_FREE char *full = *section ? xasprintf("%s.%s", section, name) : xstrdup(name);

    if (value)
        take_value(reading, full, value, where);
    else
        problems_add(reading->problems, where, "this line is neither NAME = VALUE nor [SECTION]");
    return 1;
}

/* false: there is no such file to read. */
static bool read_file(struct reading *reading)
{
    reading->stream = fopen(reading->file, "re");
    if (!reading->stream) {
        problems_add(reading->problems, reading->file, "cannot be opened: %s", strerror(errno));
        return false;
    }
    ini_use_stack = false; /* lines as long as CONFIG_LINE_MAX instead of 200 bytes */
    ini_max_line = CONFIG_LINE_MAX;
    ini_initial_alloc = CONFIG_LINE_MAX;
    ini_allow_multiline = false;
    ini_allow_no_value = true; /* told by take_line, every one of them */
    int r = ini_parse_stream(read_line, reading, take_line, reading);
    if (r > 0) {
        AUTO_FREE char *where = place(reading, (unsigned)r);
        problems_add(reading->problems, where, "this line is neither NAME = VALUE nor [SECTION]");
    } else if (r < 0 || ferror(reading->stream)) {
        problems_add(reading->problems, reading->file, "cannot be read");
    }
    (void)fclose(reading->stream);
    return true;
}

/* An override may follow another one of the same name: the last counts. */
static void apply_set(struct settings *settings, const char *set, struct problems *problems)
{
    const char *equals = strchr(set, '=');
    struct error err = {0};
    enum setting id;

    if (!equals) {
        problems_add(problems, "--set", "%s is not NAME=VALUE", set);
        return;
    }
    AUTO_FREE char *name = xstrndup(set, (size_t)(equals - set));
    AUTO_FREE char *where = xasprintf("--set %s", name);
    if (!setting_by_name(name, &id))
        problems_add(problems, where, "there is no setting %s", name);
    else if (settings_set(settings, id, equals + 1, where, &err) != 0)
        problems_add(problems, where, "%s", err.detail);
}

struct settings *config_read(const char *file, const char *const *sets, size_t set_count, struct problems *problems)
{
    struct settings *settings = settings_new();
    struct reading reading = {.file = file, .settings = settings, .problems = problems};

    if (!read_file(&reading))
        return settings;
    for (size_t i = 0; i < set_count; i++)
        apply_set(settings, sets[i], problems);
    settings_finish(settings, file, problems);
    return settings;
}
