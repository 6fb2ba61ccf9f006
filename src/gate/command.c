/* Reading of the setting, and the step into the program. Part of airlock-gate. */
#include "gate/command.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/file.h"
#include "model/gate.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define HEAD_MAX 256 /* what the kernel reads of a script's first line */

/* What the loader of programs and most interpreters read. */
static const char *const SYSTEM_DIRS[] = {"/usr", "/lib", "/lib64", "/bin"};

/* The loader of this program, which is that of every other one here; NULL in a static one. */
static const char *system_loader(void)
{
    const ElfW(Phdr) *headers = (const void *)(uintptr_t)getauxval(AT_PHDR); /* NOLINT: the kernel's own form */
    size_t count = getauxval(AT_PHNUM);
    uintptr_t base = 0;

    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_INTERP)
            return (const char *)(base + headers[i].p_vaddr); /* NOLINT */
    return NULL;
}

static void allow(struct command *command, const char *path, unsigned access_bits)
{
    if (path && access(path, F_OK) == 0)
        command->rules[command->rule_count++] = (struct sandbox_rule){.path = path, .access = access_bits};
}

/* Of a script: the program that its first line names. */
static int read_interpreter(struct command *command, struct error *err)
{
    char head[HEAD_MAX + 1] = "";
    AUTO_FD int fd = open(command->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || access(command->program, X_OK) != 0)
        return error_set_errno(err, E_CONFIG, "gates.commands: %s cannot be executed", command->program);
    if (pread(fd, head, HEAD_MAX, 0) < 2 || strncmp(head, "#!", 2) != 0)
        return 0;
    const char *path = head + 2 + strspn(head + 2, " \t");
    size_t len = strcspn(path, " \t\r\n");
    command->interpreter = xstrndup(path, len);
    if (strcmp(command->interpreter, "/usr/bin/env") == 0 || access(command->interpreter, X_OK) != 0)
        return error_set(err, E_CONFIG, "gates.commands: the first line of %s must name its interpreter by its path",
                         command->program);
    return 0;
}

static int command_read(const char *word, struct command *ret, struct error *err)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;
    enum gate taken;

    if (len == 0 || len > COMMAND_NAME_MAX || strspn(word, NAME_CHARACTERS) != len || equals[1] != '/')
        return error_set(err, E_CONFIG, "gates.commands must be NAME=/absolute/program, with spaces between");
    memcpy(ret->name, word, len);
    if (gate_by_name(ret->name, &taken))
        return error_set(err, E_CONFIG, "gates.commands: %s is the name of a gate of airlock's", ret->name);
    ret->program = xstrdup(equals + 1);
    int r = read_interpreter(ret, err);
    if (r != 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(SYSTEM_DIRS); i++)
        allow(ret, SYSTEM_DIRS[i], SANDBOX_READ);
    allow(ret, ret->program, SANDBOX_READ | SANDBOX_EXECUTE);
    allow(ret, ret->interpreter, SANDBOX_READ | SANDBOX_EXECUTE);
    allow(ret, system_loader(), SANDBOX_READ | SANDBOX_EXECUTE);
    return 0;
}

int commands_read(const char *setting, struct commands *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(setting);
    struct commands commands = {.rows = xcalloc(COMMANDS_MAX, sizeof *commands.rows)};
    char *rest = list;
    int r = 0;

    for (const char *word; r == 0 && (word = strtok_r(rest, " ", &rest));) {
        struct command *command = &commands.rows[commands.count];
        if (commands.count == COMMANDS_MAX)
            r = error_set(err, E_CONFIG, "gates.commands: there can be %d commands", COMMANDS_MAX);
        else
            r = command_read(word, command, err);
        if (r == 0 && command_by_name(&commands, command->name))
            r = error_set(err, E_CONFIG, "gates.commands: there are two of the name %s", command->name);
        commands.count += commands.count < COMMANDS_MAX;
    }
    if (r != 0)
        commands_done(&commands);
    else
        *ret = commands;
    return r;
}

void commands_done(struct commands *commands)
{
    for (size_t i = 0; commands->rows && i < commands->count; i++) {
        free(commands->rows[i].program);
        free(commands->rows[i].interpreter);
    }
    free(commands->rows);
    *commands = (struct commands){0};
}

static bool is_listed(const struct sandbox_rule *rules, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].path, path) == 0)
            return true;
    return false;
}

size_t commands_rules(const struct commands *commands, struct sandbox_rule *ret, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < commands->count; i++)
        for (size_t k = 0; k < commands->rows[i].rule_count && count < max; k++)
            if (!is_listed(ret, count, commands->rows[i].rules[k].path))
                ret[count++] = commands->rows[i].rules[k];
    return count;
}

const struct command *command_by_name(const struct commands *commands, const char *name)
{
    for (size_t i = 0; i < commands->count; i++)
        if (strcmp(commands->rows[i].name, name) == 0)
            return &commands->rows[i];
    return NULL;
}

void command_exec(const struct command *command, char *const *env)
{
    char *const argv[] = {command->program, NULL};

    (void)execve(command->program, argv, env);
    _exit(EXIT_FAILURE);
}
