/* Reading from the terminal. */
#include "cli/prompt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>

#include "base/str.h"

/* One line without its end; false at the end of input, on an error, or when it does not fit. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    char c = 0;

    while (used < size && read(fd, &c, 1) == 1) {
        if (c == '\n' || c == '\r') {
            line[used] = '\0';
            return true;
        }
        line[used++] = c;
    }
    return false;
}

int prompt_secret(const char *question, char **ret, struct error *err)
{
    struct termios before;
    char line[PROMPT_SECRET_MAX];

    AUTO_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0)
        return error_set(err, E_USAGE, "There is no terminal to ask for the secret: use --client-secret-file");
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &silent) != 0)
        return error_set_errno(err, E_IO, "Cannot switch the terminal's echo off");
    (void)dprintf(fd, "%s", question);
    bool got = read_line(fd, line, sizeof line);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)dprintf(fd, "\n");
    if (got)
        *ret = xstrdup(line);
    secret_wipe(line, sizeof line);
    return got ? 0 : error_set(err, E_USAGE, "No secret was given");
}

bool prompt_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool prompt_confirm(const char *question)
{
    char line[16];

    (void)fprintf(stderr, "%s [y/N] ", question);
    return read_line(STDIN_FILENO, line, sizeof line) && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
}
