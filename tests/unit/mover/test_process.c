/* The real airlock-mover, with the test in the places of airlockd and airlock-core: start, work, heartbeats, a channel
 * that dies, the orders to stop. Argument: the program. */
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
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "ipc/child.h"

#define WAIT_MS 8000
#define DRAFT "external/draft/imex/r.0"

static const char *program;

struct tree {
    char dir[32];
    int root;
    pid_t mover;
    struct channel *control;
    struct channel *core;
};

static void tree_pair(int ret[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret), 0);
}

/* Takes the fd over. */
static void tree_tell(struct channel *to, json_t *message, int fd)
{
    assert_non_null(message);
    assert_int_equal(channel_send(to, message, &fd, fd >= 0, NULL), 0);
    assert_int_equal(channel_flush_wait(to, WAIT_MS, NULL), 0);
    json_decref(message);
    if (fd >= 0)
        (void)close(fd);
}

static json_t *tree_hear(struct channel *from)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    struct frame frame;

    for (;;) {
        int r = channel_receive(from, &frame, NULL);
        if (r == 1)
            return frame.message;
        assert_int_equal(r, 0);
        struct pollfd p = {.fd = channel_fd(from), .events = POLLIN};
        assert_true(clock_mono_ms() < deadline);
        (void)poll(&p, 1, 100);
    }
}

static void tree_connect(struct tree *tree)
{
    int pair[2];
    tree_pair(pair);
    channel_free(tree->core);
    tree->core = channel_new(pair[0]);
    tree_tell(tree->control, json_pack("{s:s, s:s}", "op", "channel", "peer", "core"), pair[1]);
}

static void tree_exec(int control)
{
    if (dup2(control, CHILD_CONTROL_FD) == CHILD_CONTROL_FD && fcntl(CHILD_CONTROL_FD, F_SETFD, 0) == 0)
        (void)execl(program, program, (char *)NULL);
    perror(program);
    _exit(127);
}

static int tree_begin(void **state)
{
    struct tree *tree = xcalloc(1, sizeof *tree);
    int pair[2];

    (void)str_copy(tree->dir, sizeof tree->dir, "/tmp/airlock-mover-XXXXXX");
    assert_non_null(mkdtemp(tree->dir));
    tree->root = open(tree->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tree_pair(pair);
    tree->mover = fork();
    if (tree->mover == 0)
        tree_exec(pair[1]);
    (void)close(pair[1]);
    tree->control = channel_new(pair[0]);
    tree_tell(tree->control,
              json_pack("{s:s, s:s, s:{s:s, s:i, s:b, s:i, s:i}, s:[s]}", "op", "start", "process", "mover", "settings",
                        "log.level", "error", "storage.reserve_bytes", 0, "sandbox.reduced", 1, "mover.workers", 2,
                        "mover.lost_days", 30, "fds", "root"),
              fcntl(tree->root, F_DUPFD_CLOEXEC, 0));
    AUTO_JSON json_t *ready = tree_hear(tree->control);
    assert_string_equal(json_text(ready, "op"), "ready");
    tree_connect(tree);
    *state = tree;
    return 0;
}

static int tree_end(void **state)
{
    struct tree *tree = *state;
    AUTO_FD int above = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    channel_free(tree->core);
    channel_free(tree->control);
    if (tree->mover > 0)
        (void)waitpid(tree->mover, NULL, 0); /* it ends with its control socket */
    int r = file_remove_tree(above, tree->dir + strlen("/tmp/"), NULL);
    (void)close(tree->root);
    free(tree);
    return r;
}

/* The next question, which must be of this kind; the mover may ask for work in between, and gets none. */
static json_t *core_asked(struct tree *tree, const char *op)
{
    for (;;) {
        json_t *question = tree_hear(tree->core);
        if (strcmp(json_text(question, "op"), op) == 0)
            return question;
        assert_string_equal(json_text(question, "op"), "job.lease");
        tree_tell(tree->core, message_answer(json_int(question, "id"), json_pack("{s:n}", "job")), -1);
        json_decref(question);
    }
}

static void core_answers(struct tree *tree, json_t *question, json_t *ok)
{
    tree_tell(tree->core, message_answer(json_int(question, "id"), ok), -1);
    json_decref(question);
}

static void core_refuses(struct tree *tree, json_t *question, int code)
{
    struct error err;
    (void)error_set(&err, code, "no");
    tree_tell(tree->core, message_refusal(json_int(question, "id"), &err), -1);
    json_decref(question);
}

static int put(struct tree *tree, const char *dir, const char *name, const char *text)
{
    AUTO_FD int at = file_make_dirs(tree->root, dir, 0750, NULL);
    int fd = openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static json_t *seal_job(int lease_s)
{
    return json_pack("{s:{s:i, s:i, s:s, s:s, s:i, s:[s], s:s}}", "job", "id", 5, "token", 7, "kind", "seal", "request",
                     "r", "leaseS", lease_s, "from", DRAFT, "to", "core/kept/imip/r.7");
}

static void answer_files(struct tree *tree)
{
    char hex[SHA256_HEX_SIZE];
    json_t *question = core_asked(tree, "job.files");

    assert_int_equal(json_int(question, "job"), 5);
    assert_int_equal(json_int(question, "token"), 7);
    sha256_hex("hello", 5, hex);
    core_answers(tree, question,
                 json_pack("{s:[{s:i, s:i, s:[[s, i, i, s]]}], s:i}", "files", "blob", 31, "size", 5, "extents", "o-1",
                           0, 5, hex, "next", 0));
}

static void expect_sealed(const json_t *result)
{
    const json_t *file = json_array_get(json_object_get(result, "files"), 0);
    assert_string_equal(json_text(result, "outcome"), "sealed");
    assert_int_equal(json_int(result, "job"), 5);
    assert_int_equal(json_int(result, "token"), 7);
    assert_int_equal(json_int(file, "blob"), 31);
    assert_string_equal(json_text(file, "object"), "o-1");
}

static int tree_status(struct tree *tree)
{
    int status = -1;
    assert_int_equal(waitpid(tree->mover, &status, 0), tree->mover);
    tree->mover = 0;
    return status;
}

static void test_work(void **state)
{
    struct tree *tree = *state;

    (void)close(put(tree, DRAFT, "o-1", "hello"));
    core_answers(tree, core_asked(tree, "job.lease"), json_pack("{s:n}", "job"));
    tree_tell(tree->core, json_pack("{s:s}", "op", "job.wake"), -1);
    core_answers(tree, core_asked(tree, "job.lease"), seal_job(60));
    answer_files(tree);
    json_t *result = core_asked(tree, "job.result");
    expect_sealed(result);
    json_decref(result);

    tree_connect(tree); /* core died before it answered: the result comes again */
    result = core_asked(tree, "job.result");
    expect_sealed(result);
    core_refuses(tree, result, E_STALE);
    core_answers(tree, core_asked(tree, "job.lease"),
                 json_pack("{s:{s:i, s:i, s:s, s:s, s:i}}", "job", "id", 6, "token", 8, "kind", "dance", "request", "r",
                           "leaseS", 60));
    result = core_asked(tree, "job.result");
    assert_string_equal(json_text(result, "outcome"), "error");
    assert_string_equal(json_text(result, "code"), "protocol");
    core_answers(tree, result, json_object());

    tree_tell(tree->control, json_pack("{s:s}", "op", "stop"), -1);
    assert_int_equal(tree_status(tree), 0);
}

static void test_heartbeats(void **state)
{
    struct tree *tree = *state;
    int writer = put(tree, DRAFT, "o-1", "hello");

    core_answers(tree, core_asked(tree, "job.lease"), seal_job(1));
    answer_files(tree);
    json_t *beat = core_asked(tree, "job.heartbeat"); /* while it waits for the writer to go */
    assert_int_equal(json_int(beat, "token"), 7);
    core_answers(tree, beat, json_object());
    (void)close(writer);
    json_t *result = core_asked(tree, "job.result");
    expect_sealed(result);
    core_answers(tree, result, json_object());
    assert_int_equal(kill(tree->mover, SIGTERM), 0);
    assert_int_equal(tree_status(tree), 0);
}

static void test_lost_lease(void **state)
{
    struct tree *tree = *state;
    int writer = put(tree, DRAFT, "o-1", "hello");
    int64_t began = clock_mono_ms();

    core_answers(tree, core_asked(tree, "job.lease"), seal_job(1));
    answer_files(tree);
    core_refuses(tree, core_asked(tree, "job.heartbeat"), E_STALE);
    json_t *result = core_asked(tree, "job.result");
    assert_string_equal(json_text(result, "outcome"), "error");
    assert_true(clock_mono_ms() - began < 1500); /* it did not wait for the writer until the end */
    core_refuses(tree, result, E_STALE);
    json_decref(core_asked(tree, "job.lease"));
    (void)close(writer);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tree_begin, tree_end)

int main(int argc, char **argv)
{
    static const struct CMUnitTest TESTS[] = {TEST(test_work), TEST(test_heartbeats), TEST(test_lost_lease)};
    if (argc != 2)
        return 64;
    program = argv[1];
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
