/* The real main process of airlock-gate, with the test in the places of airlockd, airlock-core and airlock-mover: jobs,
 * pages, files that are lent, heartbeats, channels that die, children that die. Arguments: the program (actor.c) and
 * the one that plays an organisation's own check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "ipc/child.h"
#include "model/gate_policy.h"

#include "../sanitized.h"

#define WAIT_MS 20000
#define PAGE 500
#define REQUEST "0b0c7f6e-5a3f-4c69-9d31-6a2b8f1f6a11"
#define OBJECT "1b0c7f6e-5a3f-4c69-9d31-6a2b8f1f6a11"
#define DIR "core/kept/stalimiptre/" REQUEST ".7"
#define MEMORY_MAX_KIB (128 * 1024)

static const char *program, *intruder;

struct tree {
    char scratch[40];
    pid_t gate;
    struct channel *control, *core, *mover;
    const char *const *files; /* contents; the n-th one is blob n + 1 and as long as n + 1 says */
    size_t file_count;
    json_t *jobs; /* that wait to be leased */
    bool mover_refuses, stale;
    unsigned beats, opened;
};

static void pair(int ret[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret), 0);
}

static void tell(struct channel *to, json_t *message, int fd)
{
    assert_non_null(message);
    assert_int_equal(channel_send(to, message, &fd, fd >= 0, NULL), 0);
    assert_int_equal(channel_flush_wait(to, WAIT_MS, NULL), 0);
    json_decref(message);
    if (fd >= 0)
        (void)close(fd);
}

static void answer(struct channel *to, const json_t *question, json_t *ok, int fd)
{
    tell(to, message_answer(json_int(question, "id"), ok), fd);
}

static void refuse(struct channel *to, const json_t *question, int code)
{
    struct error err;
    (void)error_set(&err, code, "no");
    tell(to, message_refusal(json_int(question, "id"), &err), -1);
}

static void connect_peer(struct tree *tree, struct channel **channel, const char *peer)
{
    int ends[2];

    pair(ends);
    channel_free(*channel);
    *channel = channel_new(ends[0]);
    tell(tree->control, json_pack("{s:s, s:s}", "op", "channel", "peer", peer), ends[1]);
}

/* --- The mover's part --- */

static int file_of(const char *content)
{
    char path[32];
    AUTO_FD int fd = memfd_create("file", MFD_CLOEXEC);

    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(again >= 0);
    return again;
}

static void mover_answers(struct tree *tree, const json_t *question)
{
    size_t file = (size_t)json_int(question, "size") - 1; /* the test's way to say which */

    assert_string_equal(json_text(question, "op"), "object.open");
    assert_string_equal(json_text(question, "dir"), DIR);
    assert_true(json_object_get(question, "object") || json_object_get(question, "extents"));
    tree->opened++;
    if (tree->mover_refuses)
        refuse(tree->mover, question, E_NOT_FOUND);
    else
        answer(tree->mover, question, json_object(), file_of(tree->files[file % tree->file_count]));
}

/* --- Core's part --- */

static json_t *files_after(const struct tree *tree, int64_t after, size_t total)
{
    json_t *files = json_array();
    size_t last = (size_t)after;

    for (; last < total && json_array_size(files) < PAGE; last++) {
        size_t number = last % tree->file_count + 1;
        json_array_append_new(files,
                              json_pack("{s:I, s:I, s:s, s:s, s:s}", "blob", (json_int_t)last + 1, "size",
                                        (json_int_t)number, "name", "data/file.csv", "object", OBJECT, "sha256", ""));
    }
    return json_pack("{s:o, s:I}", "files", files, "next", (json_int_t)(last < total ? last : 0));
}

/* Answers what needs no thought. Returns the result of a job, or NULL. */
static json_t *core_answers(struct tree *tree, json_t *question)
{
    const char *op = json_text(question, "op");

    if (strcmp(op, "job.lease") == 0) {
        json_t *job = json_incref(json_array_get(tree->jobs, 0));
        (void)json_array_remove(tree->jobs, 0);
        answer(tree->core, question, json_pack("{s:o}", "job", job ? job : json_null()), -1);
    } else if (strcmp(op, "job.files") == 0) { /* jobs have as many files as their token says */
        answer(tree->core, question,
               files_after(tree, json_int(question, "after"), (size_t)json_int(question, "token")), -1);
    } else if (strcmp(op, "job.heartbeat") == 0) {
        tree->beats++;
        if (tree->stale)
            refuse(tree->core, question, E_STALE);
        else
            answer(tree->core, question, json_object(), -1);
    } else {
        assert_string_equal(op, "job.result");
        return question;
    }
    json_decref(question);
    return NULL;
}

static json_t *hear(struct channel *from)
{
    struct frame frame = {0};
    int r = from ? channel_receive(from, &frame, NULL) : 0;

    assert_true(r >= 0);
    assert_int_equal(frame.fd_count, 0);
    return frame.message;
}

/* Plays its parts until a result comes, which is not answered yet; or until done(tree) holds: NULL then. */
static json_t *play(struct tree *tree, bool (*done)(const struct tree *tree))
{
    int64_t until = clock_mono_ms() + 3 * WAIT_MS;

    while (!done || !done(tree)) {
        struct pollfd polls[] = {{.fd = channel_fd(tree->core), .events = POLLIN},
                                 {.fd = tree->mover ? channel_fd(tree->mover) : -1, .events = POLLIN}};
        assert_true(clock_mono_ms() < until);
        (void)poll(polls, ARRAY_LEN(polls), 20);
        json_t *question = polls[0].revents ? hear(tree->core) : NULL;
        json_t *result = question ? core_answers(tree, question) : NULL;
        if (result)
            return result;
        AUTO_JSON json_t *wish = polls[1].revents ? hear(tree->mover) : NULL;
        if (wish)
            mover_answers(tree, wish);
    }
    return NULL;
}

/* The next result, answered. */
static json_t *next_result(struct tree *tree)
{
    json_t *result = play(tree, NULL);
    answer(tree->core, result, json_object(), -1);
    return result;
}

/* files: their number, which is the token. */
static void offer(struct tree *tree, int id, const char *kind, int files, json_t *commands)
{
    struct gate_policy policy;

    gate_policy_init(&policy);
    json_t *job =
        json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:[s, s]}", "id", id, "token", files, "kind",
                  kind, "request", REQUEST, "leaseS", 1, "dir", DIR, "direction", "import", "workspace", "w-1",
                  "manifestDigest", "digest", "policy", gate_policy_render(&policy), "gates", "identifiers", "archive");
    if (commands)
        json_object_set_new(job, "commands", commands);
    json_array_append_new(tree->jobs, job);
    gate_policy_done(&policy);
    tell(tree->core, json_pack("{s:s}", "op", "job.wake"), -1);
}

static const json_t *part_of(const json_t *result, const char *gate)
{
    const json_t *part;
    size_t i;

    json_array_foreach(json_object_get(result, "gates"), i,
                       part) if (strcmp(json_text(part, "gate"), gate) == 0) return part;
    fail_msg("nothing about %s: %s", gate, json_text(result, "detail"));
    return NULL;
}

static const json_t *file_in(const json_t *result, const char *gate, size_t at)
{
    return json_array_get(json_object_get(part_of(result, gate), "files"), at);
}

/* --- The tree --- */

static void become(int control)
{
    if (dup2(control, CHILD_CONTROL_FD) == CHILD_CONTROL_FD && fcntl(CHILD_CONTROL_FD, F_SETFD, 0) == 0)
        (void)execl(program, program, (char *)NULL);
    perror(program);
    _exit(127);
}

static int begin_with(void **state, int children, int seconds)
{
    struct tree *tree = xcalloc(1, sizeof *tree);
    AUTO_FREE char *commands = xasprintf("own=%s", intruder);
    int ends[2];

    (void)str_copy(tree->scratch, sizeof tree->scratch, "/tmp/airlock-gate-XXXXXX");
    assert_non_null(mkdtemp(tree->scratch));
    tree->jobs = json_array();
    pair(ends);
    tree->gate = fork();
    if (tree->gate == 0)
        become(ends[1]);
    (void)close(ends[1]);
    tree->control = channel_new(ends[0]);
    json_t *settings = json_pack("{s:s, s:b, s:i, s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:b}", "log.level",
                                 "error", "sandbox.reduced", 0, "gate.children", children, "gate.memory", 64 << 20,
                                 "gate.seconds", seconds, "gates.commands", commands, "scan.clamd_socket", "",
                                 "scan.probe_marker", "", "scan.probe_seconds", 600, "scan.max_age", 604800,
                                 "scan.timeout", 120, "scan.max_bytes", 2147483647, "scan.allow_undated", 0);
    tell(tree->control,
         json_pack("{s:s, s:s, s:o, s:[s]}", "op", "start", "process", "gate", "settings", settings, "fds", "scratch"),
         open(tree->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct pollfd p = {.fd = channel_fd(tree->control), .events = POLLIN};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    AUTO_JSON json_t *ready = hear(tree->control);
    assert_string_equal(json_text(ready, "op"), "ready");
    connect_peer(tree, &tree->core, "core");
    connect_peer(tree, &tree->mover, "mover");
    *state = tree;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, 2, 60);
}

static int begin_hasty(void **state)
{
    return begin_with(state, 2, 1);
}

static int end(void **state)
{
    struct tree *tree = *state;

    channel_free(tree->core);
    channel_free(tree->mover);
    channel_free(tree->control);
    (void)waitpid(tree->gate, NULL, 0); /* it ends with its control socket */
    json_decref(tree->jobs);
    int r = rmdir(tree->scratch); /* it is empty: scratch files have no name */
    free(tree);
    return r;
}

static void use(struct tree *tree, const char *const *files, size_t count)
{
    tree->files = files;
    tree->file_count = count;
}

/* --- What is shown --- */

static void what_is_found_is_reported(void **state)
{
    static const char *const FILES[] = {"pass", "find 2", "pass"};
    struct tree *tree = *state;

    use(tree, FILES, ARRAY_LEN(FILES));
    offer(tree, 5, "gates", 3, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "checked");
    assert_string_equal(json_text(result, "manifestDigest"), "digest");
    assert_int_equal(json_int(result, "job"), 5);
    assert_int_equal(json_int(result, "token"), 3);
    assert_int_equal(json_array_size(json_object_get(result, "gates")), 2);
    assert_string_equal(json_text(part_of(result, "archive"), "verdict"), "pass");
    assert_string_equal(json_text(part_of(result, "identifiers"), "verdict"), "warn");
    assert_int_equal(json_array_size(json_object_get(part_of(result, "identifiers"), "files")), 1);
    const json_t *file = file_in(result, "identifiers", 0);
    assert_int_equal(json_int(file, "blob"), 2);
    assert_int_equal(json_array_size(json_object_get(file, "findings")), 2);
    assert_int_equal(tree->opened, 3); /* both gates in one child */
}

static void a_failure_that_is_not_the_files_is_unsure(void **state)
{
    static const char *const FILES[] = {"pass", "fail"};
    struct tree *tree = *state;

    use(tree, FILES, ARRAY_LEN(FILES));
    offer(tree, 5, "gates", 2, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "unsure");
    assert_string_equal(json_text(result, "detail"), "this disk is broken");
    assert_null(json_object_get(result, "gates"));
}

static void a_file_that_is_not_lent_is_unsure(void **state)
{
    static const char *const FILES[] = {"pass"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    tree->mover_refuses = true;
    offer(tree, 5, "gates", 2, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "unsure");
    assert_string_equal(json_text(result, "detail"), "A file could not be read: no");
}

static void t41_a_file_that_kills_its_check_is_blocked_in_the_end(void **state)
{
    static const char *const FILES[] = {"pass", "crash", "crash", "find 1"};
    struct tree *tree = *state;

    use(tree, FILES, ARRAY_LEN(FILES));
    for (int i = 0; i < 2; i++) {
        offer(tree, 5, "gates", 4, NULL);
        AUTO_JSON json_t *result = next_result(tree);
        assert_string_equal(json_text(result, "outcome"), "unsure");
        assert_non_null(strstr(json_text(result, "detail"), "it was ended by signal"));
    }
    offer(tree, 5, "gates", 4, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "checked");
    assert_string_equal(json_text(part_of(result, "archive"), "verdict"), "block");
    assert_string_equal(json_text(part_of(result, "identifiers"), "verdict"), "block");
    assert_int_equal(json_array_size(json_object_get(part_of(result, "archive"), "files")), 2); /* both, at once */
    const json_t *finding = json_array_get(json_object_get(file_in(result, "archive", 0), "findings"), 0);
    assert_string_equal(json_text(finding, "code"), "archive-time");
    assert_string_equal(json_text(finding, "verdict"), "block");
}

static void t41_a_check_that_hangs_is_ended(void **state)
{
    static const char *const FILES[] = {"hang"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    offer(tree, 5, "gates", 1, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "unsure");
    assert_non_null(strstr(json_text(result, "detail"), "it took too long"));
    assert_true(tree->beats > 0);
}

static bool has_opened(const struct tree *tree)
{
    return tree->opened > 0;
}

static bool has_beaten(const struct tree *tree)
{
    return tree->beats > 0;
}

static void a_lost_lease_ends_its_children(void **state)
{
    static const char *const HANG[] = {"hang"}, *const PASS[] = {"pass"};
    struct tree *tree = *state;

    use(tree, HANG, 1);
    offer(tree, 5, "gates", 2, NULL); /* as many as there are children */
    assert_null(play(tree, has_opened));
    tree->stale = true;
    assert_null(play(tree, has_beaten));
    tree->stale = false;
    use(tree, PASS, 1);
    offer(tree, 6, "gates", 2, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    assert_int_equal(json_int(result, "job"), 6);
    assert_string_equal(json_text(result, "outcome"), "checked");
}

static void a_core_that_restarts_hears_the_result(void **state)
{
    static const char *const FILES[] = {"find 1"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    offer(tree, 5, "gates", 1, NULL);
    json_decref(play(tree, NULL)); /* the result that core did not live to answer */
    connect_peer(tree, &tree->core, "core");
    AUTO_JSON json_t *result = next_result(tree);
    assert_int_equal(json_int(result, "job"), 5);
    assert_string_equal(json_text(part_of(result, "identifiers"), "verdict"), "warn");
}

/* Between two channels a question waits, and is asked on the next one. */
static void a_mover_that_restarts_lends_again(void **state)
{
    static const char *const FILES[] = {"pass"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    channel_free(TAKE_PTR(tree->mover));
    offer(tree, 5, "gates", 1, NULL);
    assert_null(play(tree, has_beaten)); /* heartbeats go on meanwhile */
    connect_peer(tree, &tree->mover, "mover");
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "checked");
}

static void small_jobs_do_not_wait_for_large_ones(void **state)
{
    static const char *const FILES[] = {"pass"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    offer(tree, 5, "gates", 400, NULL);
    offer(tree, 6, "gates", 2, NULL);
    AUTO_JSON json_t *first = next_result(tree);
    assert_int_equal(json_int(first, "job"), 6);
    assert_true(tree->opened < 100);
    AUTO_JSON json_t *second = next_result(tree);
    assert_int_equal(json_int(second, "job"), 5);
}

static void an_own_check_is_a_gate_of_its_name(void **state)
{
    static const char *const FILES[] = {"find 1"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    offer(tree, 5, "gates", 1, json_pack("[s]", "own"));
    AUTO_JSON json_t *result = next_result(tree);
    /* data/file.csv is no number, so it is attempt 0: to open a file, which is refused */
    assert_string_equal(json_text(result, "outcome"), "checked");
    assert_int_equal(json_array_size(json_object_get(result, "gates")), 3);
    const json_t *part = part_of(result, "own");
    assert_true(json_flag(part, "external"));
    const json_t *finding = json_array_get(json_object_get(file_in(result, "own", 0), "findings"), 0);
    assert_string_equal(json_text(finding, "code"), "refused");
}

static void a_job_with_an_unknown_command_is_given_back(void **state)
{
    static const char *const FILES[] = {"pass"};
    struct tree *tree = *state;

    use(tree, FILES, 1);
    offer(tree, 5, "gates", 1, json_pack("[s]", "other"));
    AUTO_JSON json_t *result = next_result(tree);
    assert_string_equal(json_text(result, "outcome"), "unsure");
    assert_string_equal(json_text(result, "detail"), "The job names a command that gates.commands does not");
}

static int64_t memory_kib(pid_t pid)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/status", (int)pid);
    AUTO_FREE char *text = NULL;
    size_t len;
    uint64_t kib = 0;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_int_equal(file_read_fd(fd, path, 65536, &text, &len, NULL), 0);
    const char *at = strstr(text, "VmHWM:");
    assert_non_null(at);
    at += strcspn(at, "0123456789");
    assert_true(num_parse_len(at, strspn(at, "0123456789"), 0, INT64_MAX, &kib));
    return (int64_t)kib;
}

/* More findings than a result may hold: what is left out is counted, and memory stays small. */
static void a_result_is_bounded_and_so_is_memory(void **state)
{
    static const char *const FILES[] = {"find 200", "find 300", "pass"};
    struct tree *tree = *state;
    int64_t omitted = 0, listed = 0;
    const json_t *file;
    size_t i;

    use(tree, FILES, ARRAY_LEN(FILES));
    offer(tree, 5, "gates", 300, NULL);
    AUTO_JSON json_t *result = next_result(tree);
    json_array_foreach(json_object_get(part_of(result, "identifiers"), "files"), i, file)
    {
        omitted += json_int(file, "omitted");
        listed += (int64_t)json_array_size(json_object_get(file, "findings"));
    }
    assert_int_equal(listed + omitted, 100 * 500);
    assert_true(listed > 1000);
    AUTO_STR struct str text = STR_INIT(16 << 20);
    json_append_value(&text, result);
    assert_true(text.len <= 8 << 20);
    if (!SANITIZED)
        assert_in_range(memory_kib(tree->gate), 1, MEMORY_MAX_KIB);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_found_is_reported),
        TEST(a_failure_that_is_not_the_files_is_unsure),
        TEST(a_file_that_is_not_lent_is_unsure),
        TEST(t41_a_file_that_kills_its_check_is_blocked_in_the_end),
        cmocka_unit_test_setup_teardown(t41_a_check_that_hangs_is_ended, begin_hasty, end),
        TEST(a_lost_lease_ends_its_children),
        TEST(a_core_that_restarts_hears_the_result),
        TEST(a_mover_that_restarts_lends_again),
        TEST(small_jobs_do_not_wait_for_large_ones),
        TEST(an_own_check_is_a_gate_of_its_name),
        TEST(a_job_with_an_unknown_command_is_given_back),
        TEST(a_result_is_bounded_and_so_is_memory),
    };
    if (argc != 3 || !(intruder = realpath(argv[2], NULL)))
        return 64;
    program = argv[1];
    return cmocka_run_group_tests_name("gate/supervisor", tests, NULL, NULL);
}
