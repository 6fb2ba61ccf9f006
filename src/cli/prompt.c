/* Reading from the terminal. */
#include "cli/prompt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>

#include "base/str.h"

/* One line without its end; false at the end of input, on a signal or error, or when it does not fit. */
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

static void on_interrupt(int number)
{
    (void)number; /* only ends the read, so that the echo comes back */
}

/* Reads a line without echo. */
static bool read_silently(int fd, const struct termios *before, char *line, size_t size)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    struct sigaction usual;
    struct termios silent = *before;

    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (sigaction(SIGINT, &interrupt, &usual) != 0 || tcsetattr(fd, TCSAFLUSH, &silent) != 0)
        return false;
    bool got = read_line(fd, line, size);
    (void)tcsetattr(fd, TCSAFLUSH, before);
    (void)sigaction(SIGINT, &usual, NULL);
    return got;
}

int prompt_secret(const char *question, char **ret, struct error *err)
{
    struct termios before;
    char line[PROMPT_SECRET_MAX];

    AUTO_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0)
        return error_set(err, E_USAGE, "There is no terminal to ask for the secret: use --client-secret-file");
    (void)dprintf(fd, "%s", question);
    bool got = read_silently(fd, &before, line, sizeof line);
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
