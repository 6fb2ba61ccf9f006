/* Fork, sandbox, pipe. checker_become and what it calls run in the child; all else in airlock-gate itself. */
#include "gate/checker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/sandbox.h"
#include "gate/command.h"
#include "gate/filter.h"

#define KEPT_MAX (CHECK_SCRATCH_MAX + 3) /* the file, the pipe, the scanner and scratch files */
#define READ_STEP (64 * 1024)

struct checkers {
    struct checker_limits limits;
    struct filters *filters;
    int statm; /* /proc/self/statm */
    int null;  /* /dev/null */
};

int checkers_new(const struct checker_limits *limits, struct checkers **ret, struct error *err)
{
    struct checkers *checkers = xcalloc(1, sizeof *checkers);

    checkers->limits = *limits;
    checkers->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    checkers->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int r = checkers->statm >= 0 && checkers->null >= 0
                ? filters_new(&checkers->filters, err)
                : error_set_errno(err, E_INTERNAL, "Cannot open what every check needs");
    if (r != 0)
        checkers_free(checkers);
    else
        *ret = checkers;
    return r;
}

void checkers_free(struct checkers *checkers)
{
    if (!checkers)
        return;
    filters_free(checkers->filters);
    if (checkers->statm >= 0)
        (void)close(checkers->statm);
    if (checkers->null >= 0)
        (void)close(checkers->null);
    free(checkers);
}

/* Bytes of address space that this process has now, and a child of it begins with. */
static rlim_t present_size(const struct checkers *checkers)
{
    char text[128];
    uint64_t pages = 0;
    ssize_t len = pread(checkers->statm, text, sizeof text - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    (void)num_parse_len(text, strcspn(text, " "), 0, UINT64_MAX / 4096, &pages);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b; /* NOLINT: descriptors, never negative */
}

/* Closes everything but the standard three and the given ones. */
static int keep_only(int *fds, size_t count)
{
    unsigned from = STDERR_FILENO + 1;

    if (count > 0)
        qsort(fds, count, sizeof *fds, compare_ints);
    for (size_t i = 0; i < count; i++) {
        unsigned fd = (unsigned)fds[i];
        if (fd > from && syscall(SYS_close_range, from, fd - 1, 0) != 0)
            return -1;
        if (fd >= from)
            from = fd + 1;
    }
    return (int)syscall(SYS_close_range, from, ~0U, 0);
}

static int keep_descriptors(const struct check *check, int pipe)
{
    int fds[KEPT_MAX] = {check->fd, pipe};
    size_t count = 2;

    if (check->scanner >= 0)
        fds[count++] = check->scanner;
    for (size_t i = 0; i < CHECK_SCRATCH_MAX; i++)
        if (check->scratch[i] >= 0)
            fds[count++] = check->scratch[i];
    return keep_only(fds, count);
}

static int limit(__rlimit_resource_t resource, rlim_t value)
{
    return setrlimit(resource, &(struct rlimit){value, value});
}

static int set_limits(const struct checkers *checkers, const struct check *check, rlim_t size)
{
    rlim_t scratch = (rlim_t)check->policy->number[GATE_POLICY_ARCHIVE_BYTES];
    bool failed = limit(RLIMIT_AS, size + (rlim_t)checkers->limits.memory) != 0 ||
                  limit(RLIMIT_CPU, (rlim_t)checkers->limits.seconds) != 0 || limit(RLIMIT_FSIZE, scratch) != 0 ||
                  limit(RLIMIT_NPROC, 0) != 0 || limit(RLIMIT_MEMLOCK, 0) != 0 || limit(RLIMIT_MSGQUEUE, 0) != 0;
    return failed ? -1 : 0;
}

/* Writing too much is an error of write(2), not an end. An own program begins with these, too. */
static void ignore_signals(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

/* Nothing can be opened any more from here on, and nothing new gets a number. */
static int confine(const struct checkers *checkers, const struct checker_spec *spec, struct error *err)
{
    const struct command *command = spec->command;
    const struct sandbox sandbox = {
        .rules = command ? command->rules : NULL,
        .rule_count = command ? command->rule_count : 0,
        .reduced_ok = checkers->limits.reduced_ok,
    };
    bool reduced;
    int r = sandbox_enter(&sandbox, &reduced, err);

    /* Linux lets nobody send a descriptor while more of the same user's than this limit are under way, whoever sent
     * them: a check that scans keeps the limit of this process, and has no call that would make a descriptor. */
    if (r == 0 && !spec->scans && limit(RLIMIT_NOFILE, command ? COMMAND_FILES_MAX : STDERR_FILENO + 1) != 0)
        r = error_set_errno(err, E_INTERNAL, "Cannot limit the descriptors");
    if (r == 0)
        r = filters_enter(checkers->filters, command ? FILTER_PROGRAM : spec->scans ? FILTER_SCAN : FILTER_READ, err);
    return r;
}

/* {"gates":[…]} */
static void say(const struct report *report, int pipe)
{
    AUTO_JSON json_t *answer = json_pack("{s:o}", "gates", report_render(report));
    AUTO_STR struct str text = STR_INIT(REPORT_JSON_MAX);

    json_append_value(&text, answer);
    if (text.overflow || file_write_all(pipe, text.p, text.len, NULL) != 0)
        _exit(EXIT_FAILURE);
}

static void run_check(const struct checker_spec *spec, int pipe)
{
    AUTO_REPORT struct report *report = report_new(spec->check->policy);
    struct error err = {0};
    int r = spec->run(spec->check, report, &err);

    for (int i = 0; r != 0 && i < GATE_COUNT; i++)
        if (spec->check->gates & 1U << i)
            report_unsure(report, (enum gate)i, "%s", err.detail);
    say(report, pipe);
}

/* In the child. Never returns. What cannot be confined does not run. */
static NORETURN void checker_become(const struct checkers *checkers, const struct checker_spec *spec, int pipe,
                                    rlim_t size, pid_t parent)
{
    const struct command *command = spec->command;
    struct error err = {0};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    ignore_signals();
    if (dup2(command ? spec->check->fd : checkers->null, STDIN_FILENO) < 0 ||
        dup2(command ? pipe : checkers->null, STDOUT_FILENO) < 0 || dup2(checkers->null, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    if ((command ? keep_only(NULL, 0) : keep_descriptors(spec->check, pipe)) != 0 ||
        set_limits(checkers, spec->check, size) != 0 || confine(checkers, spec, &err) != 0)
        _exit(EXIT_FAILURE);
    if (command)
        command_exec(command, spec->env);
    run_check(spec, pipe);
    _exit(EXIT_SUCCESS);
}

int checker_start(const struct checkers *checkers, const struct checker_spec *spec, struct checker *ret,
                  struct error *err)
{
    rlim_t size = present_size(checkers);
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot make a pipe");
    AUTO_FD int in = ends[0];
    AUTO_FD int out = ends[1];
    pid_t pid = fork();
    if (pid == 0)
        checker_become(checkers, spec, out, size, parent);
    if (pid < 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot start a check");
    *ret = (struct checker){
        .pid = pid,
        .life = (int)syscall(SYS_pidfd_open, pid, 0),
        .said = STR_INIT(spec->command ? COMMAND_JSON_MAX : REPORT_JSON_MAX),
        .until_ms = clock_mono_ms() + spec->patience_ms,
    };
    (void)fcntl(in, F_SETFL, O_NONBLOCK); /* the status flags of this end alone */
    ret->pipe = TAKE_FD(in);
    if (ret->life >= 0)
        return 0;
    checker_done(ret);
    return error_set_errno(err, E_UNAVAILABLE, "Cannot watch a check");
}

static void checker_hear(struct checker *checker)
{
    char bytes[READ_STEP];
    ssize_t got;

    while (!checker->said.overflow && checker->pipe >= 0 && (got = read(checker->pipe, bytes, sizeof bytes)) >= 0) {
        str_append_len(&checker->said, bytes, (size_t)got);
        if (got == 0) { /* it has said all; its end comes next, or with its patience */
            (void)close(checker->pipe);
            checker->pipe = -1;
        }
    }
}

static void checker_kill(struct checker *checker, enum checker_end end)
{
    (void)kill(checker->pid, SIGKILL); /* not yet collected, so the id is still its own */
    (void)waitpid(checker->pid, &checker->status, 0);
    checker->end = end;
}

bool checker_look(struct checker *checker, int64_t now_ms)
{
    bool ended = waitpid(checker->pid, &checker->status, WNOHANG) == checker->pid;

    checker_hear(checker); /* after the look: what it said before its end is in the pipe by then */
    if (ended)
        checker->end = checker->status == 0 ? CHECKER_SPOKE : CHECKER_DIED;
    else if (checker->said.overflow)
        checker_kill(checker, CHECKER_TOO_MUCH);
    else if (now_ms >= checker->until_ms)
        checker_kill(checker, CHECKER_TOO_LONG);
    if (checker->end == CHECKER_RUNS)
        return false;
    if (checker->said.overflow)
        checker->end = CHECKER_TOO_MUCH;
    checker->pid = 0;
    return true;
}

void checker_done(struct checker *checker)
{
    if (checker->pid > 0)
        checker_kill(checker, CHECKER_DIED);
    if (checker->life >= 0)
        (void)close(checker->life);
    if (checker->pipe >= 0)
        (void)close(checker->pipe);
    str_done(&checker->said);
    *checker = (struct checker){.life = -1, .pipe = -1};
}

void checker_why(const struct checker *checker, char *ret, size_t size)
{
    switch (checker->end) {
    case CHECKER_TOO_LONG:
        (void)snprintf(ret, size, "it took too long");
        break;
    case CHECKER_TOO_MUCH:
        (void)snprintf(ret, size, "it said too much");
        break;
    case CHECKER_DIED:
        if (WIFSIGNALED(checker->status))
            (void)snprintf(ret, size, "it was ended by signal %d", WTERMSIG(checker->status));
        else
            (void)snprintf(ret, size, "it ended with status %d", WEXITSTATUS(checker->status));
        break;
    default:
        (void)snprintf(ret, size, "what it said is no answer");
    }
}
