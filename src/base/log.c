/* JSON lines on stderr. Linked into every program. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define LOG_TEXT_MAX 4096
#define LOG_LINE_MAX (6 * LOG_TEXT_MAX + 512) /* an escaped character takes six, the other members less than 512 */

static const char *const LEVEL_NAMES[] = {"debug", "info", "warning", "error", "alarm"};
static const char *log_process = "airlock";
static enum log_level log_minimum = LOG_INFO;

void log_init(const char *process, enum log_level level)
{
    log_process = process;
    log_minimum = level;
}

bool log_level_by_name(const char *name, enum log_level *ret)
{
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (strcmp(name, LEVEL_NAMES[level]) == 0) {
            *ret = level;
            return true;
        }
    return false;
}

static void log_text(enum log_level level, const char *text)
{
    AUTO_STR struct str line = STR_INIT(LOG_LINE_MAX);
    char when[CLOCK_TEXT_MAX];

    clock_format_iso(clock_now_us(), when);
    str_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,\"message\":", when,
               LEVEL_NAMES[level], log_process, (int)getpid());
    json_append_string(&line, text);
    str_append(&line, "}\n");
    if (write(STDERR_FILENO, str_text(&line), line.len) < 0)
        return; /* nowhere left to complain */
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;

    if (level < log_minimum)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a longer line is cut on purpose */
    va_end(args);
    log_text(level, text);
}

void die(const struct error *err, const char *fmt, ...)
{
    char what[512], text[1200];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    (void)snprintf(text, sizeof text, "%s: %s", what, err->detail);
    log_text(LOG_ERROR, text);
    _exit(error_exit_code(err->code ? err->code : E_INTERNAL));
}
