/* A log line is one JSON object on one line, whatever is logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/log.h"

/* Runs fn with stderr in a memory file; returns what it wrote. */
static char *captured(void (*fn)(void))
{
    AUTO_FD int file = memfd_create("log", MFD_CLOEXEC);
    AUTO_FD int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    char *text = xcalloc(1, 65536);
    assert_true(file >= 0 && saved >= 0);
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    fn();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    assert_true(pread(file, text, 65535, 0) >= 0);
    return text;
}

static void log_one(void)
{
    log_init("test", LOG_DEBUG);
    log_warning("a \"quoted\" line\nwith\x1b[31m control and \xff");
}

static void log_levels(void)
{
    log_init("test", LOG_WARNING);
    log_debug("no");
    log_info("no");
    log_warning("one");
    log_error("two");
    log_alarm("three");
}

static void log_much(void)
{
    AUTO_FREE char *text = xcalloc(1, 20001);
    memset(text, '\x01', 20000);
    log_init("test", LOG_DEBUG);
    log_info("%s", text);
}

static void lines_are_json(void **state)
{
    (void)state;
    AUTO_FREE char *text = captured(log_one);
    AUTO_JSON json_t *line = NULL;
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, '\x1b'));
    assert_int_equal(json_parse_object(text, strlen(text), &line, NULL), 0);
    assert_string_equal(json_text(line, "level"), "warning");
    assert_string_equal(json_text(line, "process"), "test");
    assert_int_equal(json_int(line, "pid"), getpid());
    assert_int_equal(strlen(json_text(line, "time")), 20);
    assert_non_null(strstr(json_text(line, "message"), "\"quoted\" line\nwith"));
}

static void levels_are_dropped(void **state)
{
    (void)state;
    AUTO_FREE char *text = captured(log_levels);
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 3);
    assert_null(strstr(text, "\"no\""));
    assert_non_null(strstr(text, "\"level\":\"alarm\""));
}

/* Even a line that escapes to six times its length stays one whole object. */
static void long_lines_stay_whole(void **state)
{
    (void)state;
    AUTO_FREE char *text = captured(log_much);
    AUTO_JSON json_t *line = NULL;
    assert_int_equal(json_parse_object(text, strlen(text), &line, NULL), 0);
    assert_true(strlen(json_text(line, "message")) > 1000);
}

static void die_ends_with_the_errors_code(void **state)
{
    (void)state;
    struct error err;
    int status;
    (void)error_set(&err, E_CONFIG, "line 7");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        die(&err, "cannot start");
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 78);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_json),
        cmocka_unit_test(levels_are_dropped),
        cmocka_unit_test(long_lines_stay_whole),
        cmocka_unit_test(die_ends_with_the_errors_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
