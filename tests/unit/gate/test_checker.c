/* The sandbox of a check, and how checks end: each for real, in a process of its own. Argument: the program that plays
 * an organisation's own check (intruder.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "gate/answer.h"
#include "gate/checker.h"
#include "gate/command.h"
#include "unit/gate/attempts.h"

#define MEMORY ((int64_t)64 << 20)
#define PATIENCE_MS 20000
#define CONTENT "the content of the file"

static const char *intruder;
static struct checkers *checkers;
static struct gate_policy policy;
static int file_fd;
static int scratch_fd;
static pid_t victim;

/* Runs a check to its end. */
static void run_spec(const struct checker_spec *spec, struct checker *ret)
{
    assert_int_equal(checker_start(checkers, spec, ret, NULL), 0);
    while (!checker_look(ret, clock_mono_ms())) {
        struct pollfd polls[] = {{.fd = ret->life, .events = POLLIN}, {.fd = ret->pipe, .events = POLLIN}};
        int64_t left = ret->until_ms - clock_mono_ms();
        (void)poll(polls, 2, left > 0 ? (int)left : 0);
    }
}

static struct check check_make(const char *name)
{
    struct check check = {.fd = file_fd,
                          .size = strlen(CONTENT),
                          .name = name,
                          .gates = 1U << GATE_IDENTIFIERS,
                          .policy = &policy,
                          .scanner = -1};
    for (size_t i = 0; i < CHECK_SCRATCH_MAX; i++)
        check.scratch[i] = i == 0 ? scratch_fd : -1;
    return check;
}

static void run(check_run_fn *fn, const char *name, int64_t patience_ms, struct checker *ret)
{
    const struct check check = check_make(name);
    const struct checker_spec spec = {.run = fn, .check = &check, .patience_ms = patience_ms};
    run_spec(&spec, ret);
}

static int read_answer(const struct checker *checker, struct answer *ret)
{
    return answer_read(str_text(&checker->said), checker->said.len, 1U << GATE_IDENTIFIERS, &policy, ret, NULL);
}

/* --- What a check can do --- */

static int check_honest(const struct check *check, struct report *report, struct error *err UNUSED)
{
    char text[64] = "", again[64] = "";

    report_ran(report, GATE_IDENTIFIERS);
    if (pread(check->fd, text, sizeof text, 0) != (ssize_t)check->size || strcmp(text, CONTENT) != 0)
        report_add(report, FINDING_SECRET, NULL, "the file");
    if (pwrite(check->scratch[0], text, strlen(text), 5) != (ssize_t)strlen(text) ||
        pread(check->scratch[0], again, sizeof again, 5) != (ssize_t)strlen(text) ||
        ftruncate(check->scratch[0], 0) != 0)
        report_add(report, FINDING_SECRET, NULL, "the scratch file");
    free(xmalloc(16 << 20)); /* some memory is there */
    report_add(report, FINDING_EMAIL, &(struct spot){.row = 3, .column = "to"}, NULL);
    return 0;
}

static void a_check_reads_writes_and_speaks(void **state UNUSED)
{
    struct checker checker;
    AUTO_ANSWER struct answer answer = {0};

    run(check_honest, "a", PATIENCE_MS, &checker);
    assert_int_equal(checker.end, CHECKER_SPOKE);
    assert_int_equal(read_answer(&checker, &answer), 0);
    assert_int_equal(answer.parts[GATE_IDENTIFIERS].verdict, VERDICT_WARN);
    json_t *findings = json_object_get(answer.parts[GATE_IDENTIFIERS].file, "findings");
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(json_text(json_array_get(findings, 0), "code"), "email-address");
    checker_done(&checker);
}

static int check_descriptors(const struct check *check, struct report *report, struct error *err UNUSED)
{
    unsigned files = 0, others = 0, nulls = 0;
    struct stat st;

    report_ran(report, GATE_IDENTIFIERS);
    for (int fd = 0; fd < 1024; fd++) {
        if (fstat(fd, &st) != 0)
            continue;
        if (S_ISCHR(st.st_mode))
            nulls += fd <= STDERR_FILENO;
        else if (fd == check->fd || fd == check->scratch[0])
            files++;
        else
            others += S_ISFIFO(st.st_mode) ? 1 : 100; /* the pipe of its answer */
    }
    report_unsure(report, GATE_IDENTIFIERS, "files %u, others %u, nulls %u", files, others, nulls);
    return 0;
}

static void a_check_has_its_descriptors_and_no_other(void **state UNUSED)
{
    struct checker checker;
    int left_open = open("/dev/zero", O_RDONLY); /* not close-on-exec, and in between */

    run(check_descriptors, "a", PATIENCE_MS, &checker);
    assert_int_equal(checker.end, CHECKER_SPOKE);
    assert_non_null(strstr(str_text(&checker.said), "files 2, others 1, nulls 3"));
    checker_done(&checker);
    (void)close(left_open);
}

/* --- The descriptor of a scan --- */

#define UNDER_WAY (COMMAND_FILES_MAX + 16) /* more than the limit of any other check */

static bool send_descriptor(int socket, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {.bytes = {0}};
    struct iovec piece = {(char[]){'x'}, 1};
    struct msghdr msg = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};

    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static int check_passes_its_file(const struct check *check, struct report *report, struct error *err UNUSED)
{
    bool sent = send_descriptor(check->scanner, check->fd);

    report_unsure(report, GATE_IDENTIFIERS, "%s", sent ? "passed" : strerror(errno));
    return 0;
}

/* Linux counts those of a user that are under way, whoever sent them. */
static void a_scan_passes_its_file_however_many_others_are_under_way(void **state UNUSED)
{
    struct check check = check_make("a");
    const struct checker_spec spec = {
        .run = check_passes_its_file, .check = &check, .scans = true, .patience_ms = PATIENCE_MS};
    struct checker checker;
    int others[2], scanner[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, others), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, scanner), 0);
    for (int i = 0; i < UNDER_WAY; i++)
        assert_true(send_descriptor(others[0], file_fd));
    check.scanner = scanner[0];
    run_spec(&spec, &checker);
    assert_int_equal(checker.end, CHECKER_SPOKE);
    if (!strstr(str_text(&checker.said), "passed"))
        fail_msg("%s", str_text(&checker.said));
    checker_done(&checker);
    for (size_t i = 0; i < 2; i++) {
        (void)close(others[i]);
        (void)close(scanner[i]);
    }
}

/* --- T44 --- */

static int pipe_of_answer(void)
{
    struct stat st;

    for (int fd = 3; fd < 1024; fd++)
        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
            return fd;
    return -1;
}

static int check_attempts(const struct check *check, struct report *report, struct error *err UNUSED)
{
    const struct attempt_stage stage = {.file = check->fd, .pipe = pipe_of_answer(), .victim = victim};

    report_ran(report, GATE_IDENTIFIERS);
    bool did_it = attempt_make((size_t)atoi(check->name), &stage);
    report_unsure(report, GATE_IDENTIFIERS, "%s", did_it ? "did it" : "refused");
    return 0;
}

static void expect_refused(const struct checker *checker, size_t attempt)
{
    bool killed = checker->end == CHECKER_DIED && WIFSIGNALED(checker->status) && WTERMSIG(checker->status) == SIGSYS;
    bool refused = checker->end == CHECKER_SPOKE && strstr(str_text(&checker->said), "refused");

    if (!killed && !refused)
        fail_msg("%s: end %d, status %x, '%s'", attempt_name(attempt), (int)checker->end, (unsigned)checker->status,
                 str_text(&checker->said));
    assert_int_equal(kill(victim, 0), 0);
}

static void try_all(bool scans)
{
    assert_true(attempt_count() >= 30);
    for (size_t i = 0; i < attempt_count(); i++) {
        AUTO_FREE char *number = xasprintf("%zu", i);
        struct check check = check_make(number);
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        check.scanner = scans ? ends[0] : -1;
        const struct checker_spec spec = {
            .run = check_attempts, .check = &check, .scans = scans, .patience_ms = PATIENCE_MS};
        struct checker checker;
        run_spec(&spec, &checker);
        expect_refused(&checker, i);
        checker_done(&checker);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

static void t44_a_check_that_is_taken_over_can_do_nothing(void **state UNUSED)
{
    try_all(false);
}

static void t44_nor_can_one_that_talks_to_the_scanner(void **state UNUSED)
{
    try_all(true);
}

static void run_intruder(const char *name, struct checker *ret)
{
    AUTO_FREE char *setting = xasprintf("intruder=%s", intruder);
    AUTO_FREE char *variable = xasprintf("AIRLOCK_FILE_NAME=%s", name);
    AUTO_FREE char *about = xasprintf("VICTIM=%d", (int)victim);
    char *env[] = {variable, about, NULL};
    const struct check check = check_make(name);
    struct commands commands;

    assert_int_equal(commands_read(setting, &commands, NULL), 0);
    const struct checker_spec spec = {
        .check = &check, .command = &commands.rows[0], .env = env, .patience_ms = PATIENCE_MS};
    run_spec(&spec, ret);
    commands_done(&commands);
}

static void t44_nor_can_an_organisations_own_program(void **state UNUSED)
{
    for (size_t i = 0; i < attempt_count(); i++) {
        AUTO_FREE char *number = xasprintf("%zu", i);
        struct checker checker;
        if (attempt_is_for_checks_only(i))
            continue;
        run_intruder(number, &checker);
        expect_refused(&checker, i);
        checker_done(&checker);
    }
}

static void an_organisations_own_program_reads_the_file_and_answers(void **state UNUSED)
{
    struct checker checker;
    struct answer_part part;

    assert_int_equal(lseek(file_fd, 0, SEEK_SET), 0);
    run_intruder("honest", &checker);
    assert_int_equal(checker.end, CHECKER_SPOKE);
    assert_int_equal(answer_read_command(str_text(&checker.said), checker.said.len, &policy, &part, NULL), 0);
    assert_int_equal(part.verdict, VERDICT_WARN);
    const json_t *finding = json_array_get(json_object_get(part.file, "findings"), 0);
    assert_string_equal(json_text(finding, "code"), "read-23-bytes");
    assert_int_equal(json_int(finding, "row"), 7);
    answer_part_done(&part);
    checker_done(&checker);
}

/* --- T41: checks that do not come to an end --- */

static int check_crashes(const struct check *check UNUSED, struct report *report UNUSED, struct error *err UNUSED)
{
    static volatile int *volatile nowhere;

    (void)signal(SIGSEGV, SIG_DFL); /* cmocka's is inherited */
    *nowhere = 1;
    return 0;
}

static NORETURN int check_hangs(const struct check *check UNUSED, struct report *report UNUSED,
                                struct error *err UNUSED)
{
    for (;;)
        (void)poll(NULL, 0, 1000);
}

static NORETURN int check_spins(const struct check *check UNUSED, struct report *report UNUSED,
                                struct error *err UNUSED)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

/* By the kernel's call: a sanitizer's allocator does not come back from the limit. */
static NORETURN int check_eats(const struct check *check UNUSED, struct report *report UNUSED, struct error *err UNUSED)
{
    for (void *at;
         (at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED;)
        memset(at, 1, 1 << 20);
    abort();
}

static int check_fills(const struct check *check, struct report *report, struct error *err)
{
    static char block[1 << 20];
    int64_t written = 0;

    for (ssize_t got; (got = write(check->scratch[0], block, sizeof block)) > 0;)
        written += got;
    report_unsure(report, GATE_IDENTIFIERS, "%lld bytes, then: %s", (long long)written, strerror(errno));
    return error_set(err, E_NO_SPACE, "wrote %lld", (long long)written);
}

static int check_fails(const struct check *check UNUSED, struct report *report, struct error *err)
{
    report_ran(report, GATE_IDENTIFIERS); /* it had begun */
    return error_set(err, E_IO, "the disk is broken");
}

static int check_floods(const struct check *check UNUSED, struct report *report UNUSED, struct error *err UNUSED)
{
    static char block[1 << 16];

    for (int fd = pipe_of_answer();;)
        if (write(fd, block, sizeof block) <= 0)
            return 0;
}

static int check_ends_silently(const struct check *check UNUSED, struct report *report UNUSED, struct error *err UNUSED)
{
    _exit(0);
}

static int check_closes_and_stays(const struct check *check UNUSED, struct report *report, struct error *err)
{
    (void)close(pipe_of_answer());
    return check_hangs(check, report, err);
}

static int check_ends_with_a_status(const struct check *check UNUSED, struct report *report UNUSED,
                                    struct error *err UNUSED)
{
    static const char PASS[] =
        "{\"gates\":[{\"gate\":\"identifiers\",\"verdict\":\"pass\",\"findings\":[],\"omitted\":0}]}";

    _exit(write(pipe_of_answer(), PASS, sizeof PASS - 1) > 0 ? 3 : 4);
}

static void t41_a_check_that_dies_says_nothing(void **state UNUSED)
{
    static const struct {
        check_run_fn *fn;
        int64_t patience_ms;
        enum checker_end end;
        const char *why;
    } ROWS[] = {
        {check_crashes, PATIENCE_MS, CHECKER_DIED, "it was ended by signal 11"},
        {check_hangs, 200, CHECKER_TOO_LONG, "it took too long"},
        {check_spins, PATIENCE_MS, CHECKER_DIED, "it was ended by signal 9"}, /* its processor time is over */
        {check_eats, PATIENCE_MS, CHECKER_DIED, NULL},
        {check_floods, PATIENCE_MS, CHECKER_TOO_MUCH, "it said too much"},
        {check_closes_and_stays, 200, CHECKER_TOO_LONG, "it took too long"},
        {check_ends_with_a_status, PATIENCE_MS, CHECKER_DIED, "it ended with status 3"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct checker checker;
        char why[100];
        int64_t began = clock_mono_ms();

        run(ROWS[i].fn, "a", ROWS[i].patience_ms, &checker);
        assert_int_equal(checker.end, ROWS[i].end);
        checker_why(&checker, why, sizeof why);
        if (ROWS[i].why)
            assert_string_equal(why, ROWS[i].why);
        assert_true(clock_mono_ms() - began < PATIENCE_MS);
        checker_done(&checker);
    }
}

static void t41_no_word_is_no_pass(void **state UNUSED)
{
    struct checker checker;
    struct answer answer;

    run(check_ends_silently, "a", PATIENCE_MS, &checker);
    assert_int_equal(checker.end, CHECKER_SPOKE);
    assert_int_equal(read_answer(&checker, &answer), E_PROTOCOL);
    checker_done(&checker);
}

static void a_failure_of_ours_is_unsure(void **state UNUSED)
{
    static check_run_fn *const FNS[] = {check_fails, check_fills};
    static const char *const WHY[] = {"the disk is broken", "wrote 2097152"};

    for (size_t i = 0; i < ARRAY_LEN(FNS); i++) {
        struct checker checker;
        AUTO_ANSWER struct answer answer = {0};
        run(FNS[i], "a", PATIENCE_MS, &checker);
        assert_int_equal(checker.end, CHECKER_SPOKE);
        assert_int_equal(read_answer(&checker, &answer), 0);
        assert_int_equal(answer.parts[GATE_IDENTIFIERS].verdict, VERDICT_UNSURE);
        assert_string_equal(json_text(answer.parts[GATE_IDENTIFIERS].file, "detail"), WHY[i]);
        checker_done(&checker);
    }
}

static void a_check_dies_with_who_started_it(void **state UNUSED)
{
    int ends[2];
    pid_t pids[2] = {0};

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pids[0] = fork();
    if (pids[0] == 0) {
        const struct check check = check_make("a");
        const struct checker_spec spec = {.run = check_hangs, .check = &check, .patience_ms = PATIENCE_MS};
        struct checker checker;
        int r = checker_start(checkers, &spec, &checker, NULL);
        _exit(r == 0 && write(ends[1], &checker.pid, sizeof checker.pid) > 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pids[0], NULL, 0), pids[0]);
    assert_int_equal(read(ends[0], &pids[1], sizeof pids[1]), sizeof pids[1]);
    for (int64_t until = clock_mono_ms() + 5000; kill(pids[1], 0) == 0 && clock_mono_ms() < until;)
        (void)poll(NULL, 0, 5);
    assert_int_equal(kill(pids[1], 0), -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int make_file(const char *content)
{
    AUTO_FREE char *path = xstrdup("/tmp/airlock-check-XXXXXX");
    AUTO_FD int fd = mkstemp(path);

    if (fd < 0 || write(fd, content, strlen(content)) < 0)
        return -1;
    int again = open(path, O_RDONLY | O_CLOEXEC);
    (void)unlink(path);
    return again;
}

static int set_up(void **state UNUSED)
{
    const struct checker_limits limits = {.memory = MEMORY, .seconds = 1};
    struct error err = {0};

    gate_policy_init(&policy);
    policy.number[GATE_POLICY_ARCHIVE_BYTES] = 2 << 20;
    file_fd = make_file(CONTENT);
    scratch_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    victim = fork();
    if (victim == 0)
        for (;;)
            (void)pause();
    json_decref(json_pack("{s:i}", "seeded", 1));
    return checkers_new(&limits, &checkers, &err);
}

static int tear_down(void **state UNUSED)
{
    (void)kill(victim, SIGKILL);
    (void)waitpid(victim, NULL, 0);
    checkers_free(checkers);
    gate_policy_done(&policy);
    (void)close(file_fd);
    (void)close(scratch_fd);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_reads_writes_and_speaks),
        cmocka_unit_test(a_check_has_its_descriptors_and_no_other),
        cmocka_unit_test(a_scan_passes_its_file_however_many_others_are_under_way),
        cmocka_unit_test(t44_a_check_that_is_taken_over_can_do_nothing),
        cmocka_unit_test(t44_nor_can_one_that_talks_to_the_scanner),
        cmocka_unit_test(t44_nor_can_an_organisations_own_program),
        cmocka_unit_test(an_organisations_own_program_reads_the_file_and_answers),
        cmocka_unit_test(t41_a_check_that_dies_says_nothing),
        cmocka_unit_test(t41_no_word_is_no_pass),
        cmocka_unit_test(a_failure_of_ours_is_unsure),
        cmocka_unit_test(a_check_dies_with_who_started_it),
    };
    if (argc != 2 || !(intruder = realpath(argv[1], NULL)))
        return 64;
    return cmocka_run_group_tests_name("gate/checker", tests, set_up, tear_down);
}
