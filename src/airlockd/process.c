/* The process table and fork+exec. Runs in airlockd; between fork and exec, in what becomes the child. */
#include "airlockd/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "airlockd/layout.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "ipc/child.h"

#define MOVER_CAPS (1ULL << CAP_CHOWN | 1ULL << CAP_FOWNER | 1ULL << CAP_LEASE)

#define TLS_GRANTS {"certificate", .kind = GRANT_CERTIFICATE}, {"key", .kind = GRANT_KEY}

/* clang-format off */
const struct process PROCESSES[PROCESS_COUNT] = {
    {PEER_CORE, "airlock-core", PEER_API | PEER_BLOB | PEER_MOVER | PEER_GATE | PEER_IDP | PEER_JWKS | PEER_NOTIFY,
     STOP_CORE, 0, WHEN_ALWAYS, {{"seed", .kind = GRANT_SEED}}},
    {PEER_API, "airlock-api", PEER_CORE, STOP_LISTENERS, 0, WHEN_ALWAYS,
     {{"listen", GRANT_LISTEN, .listen = SETTING_API_LISTEN}, TLS_GRANTS}},
    {PEER_BLOB_EXTERNAL, "airlock-blob", PEER_CORE, STOP_LISTENERS, 0, WHEN_ALWAYS,
     {{"listen", GRANT_LISTEN, .listen = SETTING_BLOB_EXTERNAL_LISTEN}, TLS_GRANTS,
      {"root", GRANT_DIR, .dir = "external"}}},
    {PEER_BLOB_CORE, "airlock-blob", PEER_CORE, STOP_LISTENERS, 0, WHEN_ALWAYS,
     {{"listen", GRANT_LISTEN, .listen = SETTING_BLOB_CORE_LISTEN}, TLS_GRANTS, {"root", GRANT_DIR, .dir = "core"}}},
    {PEER_BLOB_WORKSPACE, "airlock-blob", PEER_CORE, STOP_LISTENERS, 0, WHEN_ALWAYS,
     {{"listen", GRANT_LISTEN, .listen = SETTING_BLOB_WORKSPACE_LISTEN}, TLS_GRANTS,
      {"root", GRANT_DIR, .dir = "workspace"}}},
    {PEER_MOVER, "airlock-mover", PEER_CORE | PEER_GATE, STOP_WORKERS, MOVER_CAPS, WHEN_ALWAYS,
     {{"root", GRANT_DIR, .dir = "."}}},
    {PEER_GATE, "airlock-gate", PEER_CORE | PEER_MOVER, STOP_WORKERS, 0, WHEN_ALWAYS,
     {{"scratch", GRANT_DIR, .dir = "scratch"}}},
    {PEER_IDP, "airlock-idp", PEER_CORE, STOP_WORKERS, 0, WHEN_BUILT_IN_PROVIDER,
     {{"listen", GRANT_LISTEN, .listen = SETTING_IDP_LISTEN}, TLS_GRANTS, {"seed", .kind = GRANT_SEED}}},
    {PEER_JWKS, "airlock-jwks", PEER_CORE, STOP_WORKERS, 0, WHEN_OTHER_PROVIDER, {{.kind = GRANT_NONE}}},
    {PEER_NOTIFY, "airlock-notify", PEER_CORE, STOP_WORKERS, 0, WHEN_OUTWARD, {{.kind = GRANT_NONE}}},
};
/* clang-format on */

/* Is anybody to be called or told? */
static bool somebody_is_outside(const struct settings *settings)
{
    static const enum setting OUTSIDE[] = {SETTING_GATES_EXTERNAL, SETTING_EVENTS_WEBHOOK_URL, SETTING_EVENTS_WEBHOOKS,
                                           SETTING_EVENTS_BROKER_URL, SETTING_MAIL_SMTP_URL};

    for (size_t i = 0; i < ARRAY_LEN(OUTSIDE); i++)
        if (*settings_text(settings, OUTSIDE[i]))
            return true;
    return false;
}

bool process_is_due(const struct process *process, const struct settings *settings)
{
    bool built_in = settings_flag(settings, SETTING_IDP_ENABLED);
    if (process->when == WHEN_OUTWARD)
        return somebody_is_outside(settings);
    return process->when == WHEN_ALWAYS || (process->when == WHEN_BUILT_IN_PROVIDER) == built_in;
}

uint64_t process_all_caps(void)
{
    uint64_t caps = 0;
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        caps |= PROCESSES[i].caps;
    return caps;
}

/* What a child keeps of the environment: nothing that changes what it does, but for the sanitizers of a test build. */
static const char *const ENVIRONMENT_KEPT[] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};

/* The directory part of a path to a file, made absolute; NULL when it cannot be. */
static char *absolute_dir(const char *file)
{
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *dir = slash ? xstrndup(file, (size_t)(slash - file) + 1) : NULL;
    AUTO_FD int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    return fd >= 0 ? layout_path_of(fd) : NULL;
}

/* The first program that is not in dir, or NULL. */
static const char *missing_program(const char *dir)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, PROCESSES[i].program);
        if (access(path, X_OK) != 0)
            return PROCESSES[i].program;
    }
    return NULL;
}

int process_find_programs(char **ret_dir, struct error *err)
{
    const char *started_as = (const char *)(uintptr_t)getauxval(AT_EXECFN); /* NOLINT: the kernel's own form */
    char executable[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", executable, sizeof executable - 1);
    executable[len > 0 ? len : 0] = '\0';
    const char *const tries[] = {started_as ? started_as : "", executable};
    AUTO_FREE char *why = NULL; /* of the first try: that is where one looks */

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        AUTO_FREE char *dir = absolute_dir(tries[i]);
        const char *missing = dir ? missing_program(dir) : PROCESSES[0].program;
        if (!missing) {
            *ret_dir = TAKE_PTR(dir);
            return 0;
        }
        if (!why)
            why = xasprintf("The program %s is not beside airlockd in %s", missing, dir ? dir : "its directory");
    }
    return error_set(err, E_CONFIG, "%s", why);
}

/* In the child: the four descriptors and nothing else. */
static int arrange_fds(int control)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high = fcntl(control, F_DUPFD_CLOEXEC, CHILD_CONTROL_FD + 1); /* so that no dup2 below can overwrite it */

    if (null < 0 || high < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
        dup2(high, CHILD_CONTROL_FD) < 0)
        return -1;
    return (int)syscall(SYS_close_range, CHILD_CONTROL_FD + 1, ~0U, 0);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL); /* SIGKILL and SIGSTOP refuse, as they should */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child. Never returns. */
static NORETURN void become(const struct process *process, const char *path, int control, pid_t parent,
                            char *const env[])
{
    char *const argv[] = {(char *)(uintptr_t)process->program, (char *)(uintptr_t)peer_name(process->peer), NULL};
    struct error err = {0};

    (void)setpgid(0, 0); /* Ctrl-C is for airlockd, which stops the tree in order */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(1); /* airlockd died in between */
    reset_signals();
    if (sandbox_drop(process->caps, &err) != 0)
        die(&err, "cannot run %s", path);
    if (arrange_fds(control) == 0)
        (void)execve(path, argv, env);
    log_error("cannot run %s: %s", path, strerror(errno));
    _exit(1);
}

int process_spawn(const struct process *process, const char *dir, int control, pid_t *ret_pid, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, process->program);
    char *env[ARRAY_LEN(ENVIRONMENT_KEPT) + 2] = {xstrdup("LANG=C")};
    size_t count = 1;
    pid_t parent = getpid();

    for (size_t i = 0; i < ARRAY_LEN(ENVIRONMENT_KEPT); i++) {
        const char *value = getenv(ENVIRONMENT_KEPT[i]);
        if (value)
            env[count++] = xasprintf("%s=%s", ENVIRONMENT_KEPT[i], value);
    }
    pid_t pid = fork();
    if (pid == 0)
        become(process, path, control, parent, env);
    int why = errno;
    for (size_t i = 0; i < count; i++)
        free(env[i]);
    errno = why;
    if (pid < 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot start %s", process->program);
    *ret_pid = pid;
    return 0;
}
