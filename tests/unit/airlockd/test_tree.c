/* The real airlockd with a dummy in the place of every child: starting, descriptors, channels, deaths, the end.
 * Arguments: the programs airlockd and dummy. What happened is read from the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/num.h"

#define LOG_MAX (4 * 1024 * 1024)
#define PATIENCE_MS 25000
#define END_MS 5000

static const char *const PROGRAMS[] = {"airlock-core", "airlock-api", "airlock-blob", "airlock-mover", "airlock-gate",
                                       "airlock-idp",  "airlock-jwks", "airlock-notify"};
static const char *const NAMES[] = {"core", "api", "blob-external", "blob-core", "blob-workspace", "mover", "gate", "idp"};

static const char *airlockd_path, *dummy_path;
static char base[] = "/tmp/airlock-tree-XXXXXX";
static int base_fd;
static unsigned port_base;

static char *in_base(const char *name)
{
    return xasprintf("%s/%s", base, name);
}

struct run {
    pid_t pid;
    int out; /* its standard output */
};

static void become(const char *const *arguments, int out)
{
    AUTO_FREE char *program = in_base("bin/airlockd");
    AUTO_FREE char *log = in_base("log");
    int err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char *argv[8] = {program};

    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    (void)open("/dev/zero", O_RDONLY); /* not close-on-exec: children must not have it */
    if (dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        (void)execv(program, argv);
    _exit(99);
}

/* Starts airlockd with an empty log. */
static struct run start(const char *const *arguments)
{
    int out[2];
    struct run run;

    (void)unlinkat(base_fd, "log", 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    run.pid = fork();
    if (run.pid == 0)
        become(arguments, out[1]);
    (void)close(out[1]);
    run.out = out[0];
    return run;
}

static struct run start_demo(void)
{
    AUTO_FREE char *dir = in_base("tre");
    AUTO_FREE char *port = xasprintf("%u", port_base);
    const char *const arguments[] = {"--demo", dir, "--port-base", port, NULL};
    return start(arguments);
}

static char *read_log(void)
{
    char *text = NULL;
    size_t len;
    return file_read(base_fd, "log", LOG_MAX, &text, &len, NULL) == 0 ? text : xstrdup("");
}

static unsigned count_in_log(const char *pattern)
{
    AUTO_FREE char *text = read_log();
    unsigned count = 0;
    for (const char *at = strstr(text, pattern); at; at = strstr(at + 1, pattern))
        count++;
    return count;
}

static void wait_log(const char *pattern, unsigned count)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    while (count_in_log(pattern) < count) {
        if (clock_mono_ms() > deadline) {
            AUTO_FREE char *text = read_log();
            fail_msg("no %u times '%s' in the log:\n%s", count, pattern, text);
        }
        (void)poll(NULL, 0, 20);
    }
}

/* The process that became ready last under this name; 0 when none. */
static pid_t pid_of(const char *name)
{
    AUTO_FREE char *pattern = xasprintf("\"%s is ready (process ", name);
    AUTO_FREE char *text = read_log();
    const char *last = NULL;
    uint64_t pid = 0;

    for (const char *at = strstr(text, pattern); at; at = strstr(at + 1, pattern))
        last = at + strlen(pattern);
    if (last)
        (void)num_parse_len(last, strcspn(last, ")"), 1, INT32_MAX, &pid);
    return (pid_t)pid;
}

static void wait_new_pid(const char *name, pid_t old)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    while (pid_of(name) == old) {
        assert_true(clock_mono_ms() < deadline);
        (void)poll(NULL, 0, 20);
    }
}

/* One line of the standard output, or "" at its end. The caller's. */
static char *read_line(const struct run *run)
{
    AUTO_STR struct str line = STR_INIT(65536);
    char c;

    for (;;) {
        struct pollfd p = {.fd = run->out, .events = POLLIN};
        if (poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("nothing on standard output");
        if (read(run->out, &c, 1) != 1 || c == '\n')
            return xstrdup(str_text(&line));
        str_append_char(&line, c);
    }
}

/* Waits for the end; its exit status, or -1 when it takes longer than limit_ms. */
static int wait_end(struct run *run, int64_t limit_ms)
{
    int64_t deadline = clock_mono_ms() + limit_ms;
    int status;

    (void)close(run->out);
    while (waitpid(run->pid, &status, WNOHANG) == 0) {
        if (clock_mono_ms() > deadline)
            return -1;
        (void)poll(NULL, 0, 10);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(struct run *run)
{
    (void)kill(run->pid, SIGTERM);
    return wait_end(run, END_MS);
}

static bool alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void wait_gone(pid_t pid)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    while (alive(pid)) {
        assert_true(clock_mono_ms() < deadline);
        (void)poll(NULL, 0, 10);
    }
}

static struct run start_ready(void)
{
    struct run run = start_demo();
    AUTO_FREE char *line = read_line(&run);
    if (!str_starts(line, "{\"ready\":true,")) {
        AUTO_FREE char *text = read_log();
        fail_msg("the line is '%s', the log:\n%s", line, text);
    }
    return run;
}

/* The dummies of this zone behave badly from their next start on. */
static void misbehave(const char *how, bool on)
{
    AUTO_FREE char *path = xasprintf("tre/storage/external/draft/%s", how);
    if (on)
        assert_int_equal(file_write(base_fd, path, "", 0, 0600, NULL), 0);
    else
        assert_int_equal(unlinkat(base_fd, path, 0), 0);
}

static void test_start(void **state)
{
    (void)state;
    struct run run = start_ready();

    assert_int_equal(count_in_log("inherited 3, group own, environment clean"), ARRAY_LEN(NAMES));
    assert_true(count_in_log("capabilities none") >= ARRAY_LEN(NAMES) - 1); /* as root, the mover keeps some */
    assert_int_equal(count_in_log("grants: root no, listen no, seed yes, secrets no"), 1);   /* core */
    assert_int_equal(count_in_log("grants: root no, listen yes, seed no, secrets no"), 1);   /* api */
    assert_int_equal(count_in_log("grants: root yes, listen yes, seed no, secrets no"), 3);  /* blob */
    assert_int_equal(count_in_log("grants: root yes, listen no, seed no, secrets no"), 1);   /* mover */
    assert_int_equal(count_in_log("grants: root no, listen yes, seed yes, secrets yes"), 1); /* idp */
    wait_log("heard welcome from core", ARRAY_LEN(NAMES) - 1);
    assert_int_equal(count_in_log("scanning is off"), 1);
    assert_int_equal(stop(&run), 0);
}

static void test_child_dies(void **state)
{
    (void)state;
    struct run run = start_ready();
    wait_log("heard hello from blob-external", 1);
    pid_t old = pid_of("blob-external");

    assert_int_equal(kill(old, SIGKILL), 0);
    wait_log("heard hello from blob-external", 2); /* a new channel, and core has its end */
    wait_log("heard welcome from core", ARRAY_LEN(NAMES));
    wait_new_pid("blob-external", old);
    assert_int_equal(count_in_log("blob-external was killed by signal 9; it is started again in 0 ms"), 1);
    assert_int_equal(count_in_log("heard hello from blob-core"), 1); /* the others were left alone */
    assert_int_equal(stop(&run), 0);
}

static void test_core_dies(void **state)
{
    (void)state;
    struct run run = start_ready();
    wait_log("heard welcome from core", ARRAY_LEN(NAMES) - 1);
    pid_t old_core = pid_of("core"), old_api = pid_of("api");

    assert_int_equal(kill(old_core, SIGKILL), 0);
    wait_log("heard welcome from core", 2 * (ARRAY_LEN(NAMES) - 1));
    wait_new_pid("core", old_core);
    assert_int_equal(pid_of("api"), old_api);
    assert_int_equal(count_in_log("seed yes, secrets no"), 2); /* it may not have read it the first time */
    assert_int_equal(stop(&run), 0);
}

static void test_core_asks(void **state)
{
    (void)state;
    struct run run = start_ready();
    pid_t old_mover = pid_of("mover");

    misbehave("plead", true);
    assert_int_equal(kill(pid_of("blob-external"), SIGKILL), 0);
    wait_log("mover did not answer core and is restarted", 1);
    wait_new_pid("mover", old_mover);
    misbehave("plead", false);
    assert_int_equal(stop(&run), 0);
}

static void test_second_tree(void **state)
{
    (void)state;
    struct run run = start_ready();
    AUTO_FREE char *log = in_base("log");
    AUTO_FREE char *kept = in_base("first-log");
    assert_int_equal(rename(log, kept), 0);
    port_base += 5;
    struct run second = start_demo();
    assert_int_equal(wait_end(&second, END_MS), 75);
    assert_int_equal(count_in_log("is in use by another airlockd (process "), 1);
    AUTO_FREE char *config = in_base("tre/airlock.conf");
    const char *const arguments[] = {"--config", config, NULL};
    second = start(arguments);
    assert_int_equal(wait_end(&second, END_MS), 75); /* by the way of the configuration, too */
    port_base -= 5;
    assert_int_equal(stop(&run), 0);
}

static void test_stop(void **state)
{
    (void)state;
    struct run run = start_ready();
    pid_t pids[ARRAY_LEN(NAMES)];

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        pids[i] = pid_of(NAMES[i]);
    assert_int_equal(stop(&run), 0);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        assert_false(alive(pids[i]));
    assert_int_equal(count_in_log("told to stop"), ARRAY_LEN(NAMES));
    AUTO_FREE char *text = read_log();
    const char *first = strstr(text, "told to stop");
    const char *core = strstr(text, "\"core\",\"pid\"");
    while (core && !str_starts(strstr(core, "message"), "message\":\"told to stop"))
        core = strstr(core + 1, "\"core\",\"pid\"");
    assert_non_null(core);
    assert_null(strstr(core + strlen("\"core\",\"pid\":0,\"message\":\"told to stop"), "told to stop")); /* the last */
    assert_true(first < core);
}

static void test_stop_deaf(void **state)
{
    (void)state;
    struct run run = start_ready();
    pid_t old = pid_of("blob-external");
    misbehave("deaf", true);
    assert_int_equal(kill(old, SIGKILL), 0);
    wait_new_pid("blob-external", old);
    pid_t deaf = pid_of("blob-external");
    assert_int_equal(stop(&run), 0);
    assert_false(alive(deaf));
    misbehave("deaf", false);
}

static void test_refusing_child(void **state)
{
    (void)state;
    misbehave("refuse", true);
    struct run run = start_demo();
    assert_int_equal(wait_end(&run, END_MS), 78);
    misbehave("refuse", false);
}

static void test_hanging_child(void **state)
{
    (void)state;
    misbehave("hang", true);
    struct run run = start_demo();
    assert_int_equal(wait_end(&run, PATIENCE_MS + END_MS), 75);
    assert_int_equal(count_in_log("Not ready 20 seconds after the start: blob-external\""), 1);
    misbehave("hang", false);
}

static void test_airlockd_dies(void **state)
{
    (void)state;
    struct run run = start_ready();
    pid_t core = pid_of("core"), api = pid_of("api");

    assert_int_equal(kill(run.pid, SIGKILL), 0);
    assert_int_equal(wait_end(&run, END_MS), -1);
    run = start_ready(); /* at once, on the same ports */
    wait_gone(core);
    wait_gone(api);
    assert_int_equal(stop(&run), 0);
}

static void test_config_mode(void **state)
{
    (void)state;
    AUTO_FREE char *config = in_base("tre/airlock.conf");
    const char *const arguments[] = {"--config", config, NULL};
    struct run run = start(arguments);
    wait_log("airlock is ready at http://127.0.0.1:", 1);
    assert_int_equal(count_in_log("seed yes"), 0);
    (void)kill(run.pid, SIGTERM);
    AUTO_FREE char *line = read_line(&run);
    assert_string_equal(line, "");
    assert_int_equal(wait_end(&run, END_MS), 0);
}

static void test_port_in_use(void **state)
{
    (void)state;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)(port_base + 2)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int on = 1;
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    struct run run = start_demo();
    assert_int_equal(wait_end(&run, END_MS), 75);
    assert_int_equal(count_in_log("Cannot listen on 127.0.0.1:"), 1);
}

static void test_missing_program(void **state)
{
    (void)state;
    assert_int_equal(unlinkat(base_fd, "bin/airlock-mover", 0), 0);
    struct run run = start_demo();
    assert_int_equal(wait_end(&run, END_MS), 78);
    assert_int_equal(count_in_log("The program airlock-mover is not beside airlockd"), 1);
    assert_int_equal(symlinkat(dummy_path, base_fd, "bin/airlock-mover"), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(base));
    base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(base_fd, "bin", 0700), 0);
    assert_int_equal(symlinkat(airlockd_path, base_fd, "bin/airlockd"), 0);
    for (size_t i = 0; i < ARRAY_LEN(PROGRAMS); i++) {
        AUTO_FREE char *link = xasprintf("bin/%s", PROGRAMS[i]);
        assert_int_equal(symlinkat(dummy_path, base_fd, link), 0);
    }
    port_base = 20000 + (unsigned)getpid() % 1200 * 10;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, base + strlen("/tmp/"), NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),           cmocka_unit_test(test_child_dies),
        cmocka_unit_test(test_core_dies),       cmocka_unit_test(test_core_asks),
        cmocka_unit_test(test_second_tree),     cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_deaf),       cmocka_unit_test(test_refusing_child),
        cmocka_unit_test(test_hanging_child),   cmocka_unit_test(test_airlockd_dies),
        cmocka_unit_test(test_config_mode),     cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_missing_program),
    };
    if (argc != 3)
        return 2;
    airlockd_path = argv[1];
    dummy_path = argv[2];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
