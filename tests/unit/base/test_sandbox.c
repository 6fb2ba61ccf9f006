/* What a confined process can no longer do, each tried for real in a child of its own: once as the user who runs the
 * tests and, when that is root, once more as an ordinary user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/sandbox.h"
#include "base/str.h"

#define NOBODY 65534
#define MAX_FILES 77
#define SETUP_FAILED 255

/* The stage: BASE/{own,other,readonly,from,to}, a file in each. */
static char base[] = "/tmp/airlock-sandbox-XXXXXX";
static const char *const DIRS[] = {"own", "other", "readonly", "from", "to"};
static int own_fd;
static int open_file_fd;
static int listener_port;
static pid_t plain_sibling, confined_sibling;
static char abstract_name[32];

static char *in_base(const char *path)
{
    return xasprintf("%s/%s", base, path);
}

static int open_path(const char *path, int flags)
{
    AUTO_FREE char *full = in_base(path);
    AUTO_FD int fd = open(full, flags | O_CLOEXEC, 0666);
    return fd < 0 ? errno : 0;
}

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int try_read_inside(void)
{
    return open_path("own/file", O_RDONLY);
}
static int try_write_inside(void)
{
    return open_path("own/new", O_WRONLY | O_CREAT | O_TRUNC);
}
static int try_mkdir_inside(void)
{
    return result(mkdirat(own_fd, "dir", 0777)) || result(unlinkat(own_fd, "dir", AT_REMOVEDIR));
}
static int try_rename_inside(void)
{
    return result(renameat(own_fd, "new", own_fd, "newer"));
}
static int try_open_descriptor(void)
{
    char byte;
    return result((int)pread(open_file_fd, &byte, 1, 0));
}
static int try_symlink_inside(void)
{
    return result(symlinkat("/etc/passwd", own_fd, "link"));
}
static int try_fifo_inside(void)
{
    return result(mkfifoat(own_fd, "fifo", 0666));
}
static int try_climb(void)
{
    AUTO_FD int fd = openat(own_fd, "../other/file", O_RDONLY | O_CLOEXEC);
    return result(fd);
}
static int try_other_by_path(void)
{
    return open_path("other/file", O_RDONLY);
}
static int try_list_above(void)
{
    return open_path(".", O_RDONLY | O_DIRECTORY);
}
static int try_make_beside(void)
{
    return open_path("other/new", O_WRONLY | O_CREAT);
}
static int try_passwd(void)
{
    AUTO_FD int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return result(fd);
}
static int try_environment_of_parent(void)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/environ", (int)getppid());
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    return result(fd);
}
static int try_read_readonly(void)
{
    return open_path("readonly/file", O_RDONLY);
}
static int try_write_readonly(void)
{
    return open_path("readonly/file", O_WRONLY);
}
static int try_truncate_readonly(void)
{
    AUTO_FREE char *path = in_base("readonly/file");
    return result(truncate(path, 0));
}
static int try_remove_readonly(void)
{
    AUTO_FREE char *path = in_base("readonly/file");
    return result(unlink(path));
}

static int rename_path(const char *from, const char *to)
{
    AUTO_FREE char *a = in_base(from);
    AUTO_FREE char *b = in_base(to);
    return result(rename(a, b));
}
static int try_rename_with_refer(void)
{
    return rename_path("from/file", "to/moved") || rename_path("to/moved", "from/file");
}
static int try_rename_without_refer(void)
{
    return rename_path("from/file", "own/moved");
}

static int try_exec_system(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return errno;
}
static int try_exec_own(void)
{
    AUTO_FREE char *path = in_base("own/program");
    (void)execl(path, "program", (char *)NULL);
    return errno;
}

static int on_loopback(int port, int (*call)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return result(fd) ? errno : result(call(fd, (struct sockaddr *)&address, sizeof address));
}
static int try_connect(void)
{
    return on_loopback(listener_port, connect);
}
static int try_bind(void)
{
    return on_loopback(0, bind);
}

static socklen_t abstract_address(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path + 1, abstract_name, strlen(abstract_name));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract_name));
}
static int try_abstract_socket(void)
{
    struct sockaddr_un address;
    socklen_t len = abstract_address(&address);
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return result(connect(fd, (struct sockaddr *)&address, len));
}

static int try_signal(void)
{
    return result(kill(plain_sibling, 0));
}
static int try_trace_plain(void)
{
    return ptrace(PTRACE_ATTACH, plain_sibling, NULL, NULL) == 0 ? 0 : errno;
}
static int try_trace_confined(void)
{
    return ptrace(PTRACE_ATTACH, confined_sibling, NULL, NULL) == 0 ? 0 : errno;
}

static int try_chown(void)
{
    return result(fchownat(own_fd, "file", 1, 1, 0));
}
static int try_mount(void)
{
    AUTO_FREE char *path = in_base("own");
    return result(mount("none", path, "tmpfs", 0, NULL));
}
static int try_state(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    struct rlimit files, core;

    if (syscall(SYS_capget, &header, data) != 0 || getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_CORE, &core))
        return 1;
    if (data[0].permitted | data[1].permitted | data[0].effective | data[1].effective | data[0].inheritable)
        return 2;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 3;
    if (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
        return 4;
    return files.rlim_max == MAX_FILES && core.rlim_max == 0 ? 0 : 5;
}

static const struct {
    const char *name;
    int (*attempt)(void);
    int expected; /* errno, or 0: allowed */
    int version;  /* of Landlock, below which the kernel cannot refuse it */
} CASES[] = {
    {"read inside", try_read_inside, 0, 1},
    {"write inside", try_write_inside, 0, 1},
    {"make and remove a directory inside", try_mkdir_inside, 0, 1},
    {"rename in one directory", try_rename_inside, 0, 1},
    {"read what was open before", try_open_descriptor, 0, 1},
    {"make a symbolic link", try_symlink_inside, EACCES, 1},
    {"make a named pipe", try_fifo_inside, EACCES, 1},
    {"climb out by ..", try_climb, EACCES, 1},
    {"another directory by path", try_other_by_path, EACCES, 1},
    {"list the directory above", try_list_above, EACCES, 1},
    {"make a file elsewhere", try_make_beside, EACCES, 1},
    {"read /etc/passwd", try_passwd, EACCES, 1},
    {"read the parent's environment", try_environment_of_parent, EACCES, 1},
    {"read where only reading is allowed", try_read_readonly, 0, 1},
    {"write where only reading is allowed", try_write_readonly, EACCES, 1},
    {"truncate where only reading is allowed", try_truncate_readonly, EACCES, 3},
    {"remove where only reading is allowed", try_remove_readonly, EACCES, 1},
    {"rename between directories that allow it", try_rename_with_refer, 0, 2},
    {"rename into a directory that does not", try_rename_without_refer, EXDEV, 1},
    {"run a program of the system", try_exec_system, EACCES, 1},
    {"run a program put inside", try_exec_own, EACCES, 1},
    {"connect", try_connect, EACCES, 4},
    {"bind", try_bind, EACCES, 4},
    {"connect to an abstract socket", try_abstract_socket, EPERM, 6},
    {"signal a sibling", try_signal, EPERM, 6},
    {"trace a sibling that is not confined", try_trace_plain, EPERM, 1},
    {"trace a confined sibling", try_trace_confined, EPERM, 1},
    {"give a file away", try_chown, EPERM, 0},
    {"mount", try_mount, EPERM, 0},
    {"capabilities, limits, flags", try_state, 0, 0},
};

/* Becomes uid (0: stays) and enters the sandbox; false when that fails. */
static bool confine(uid_t uid)
{
    AUTO_FREE char *readonly = in_base("readonly");
    AUTO_FREE char *from = in_base("from");
    AUTO_FREE char *to = in_base("to");
    const unsigned all = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_REFER;
    const struct sandbox_rule rules[] = {
        {NULL, own_fd, SANDBOX_READ | SANDBOX_WRITE}, {readonly, -1, SANDBOX_READ}, {from, -1, all}, {to, -1, all}};
    const struct sandbox spec = {.rules = rules, .rule_count = ARRAY_LEN(rules), .max_files = MAX_FILES};
    struct error err = {0};
    bool reduced = true;

    if (uid != 0 && (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0))
        return false;
    if (sandbox_enter(&spec, &reduced, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.detail);
        return false;
    }
    return !reduced;
}

/* A child that sleeps until it is killed; confined or not. Waits until it is what it shall be. */
static pid_t start_sibling(uid_t uid, bool confined)
{
    int pipe_fds[2];
    char byte;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = confined ? confine(uid) : uid == 0 || setresuid(uid, uid, uid) == 0;
        if (ok && write(pipe_fds[1], "x", 1) == 1)
            for (;;)
                (void)pause();
        _exit(1);
    }
    (void)close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    (void)close(pipe_fds[0]);
    return pid;
}

static void end_sibling(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static int run_case(size_t index, uid_t uid)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(confine(uid) ? CASES[index].attempt() : SETUP_FAILED);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : SETUP_FAILED;
}

static void run_all(uid_t uid)
{
    int version = sandbox_landlock_version();
    unsigned wrong = 0;

    plain_sibling = start_sibling(uid, false);
    confined_sibling = start_sibling(uid, true);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (version < CASES[i].version) {
            print_message("not run, this kernel's Landlock is version %d: %s\n", version, CASES[i].name);
            continue;
        }
        int got = run_case(i, uid);
        if (got != CASES[i].expected) {
            print_error("%s: expected %d (%s), got %d (%s)\n", CASES[i].name, CASES[i].expected,
                        strerror(CASES[i].expected), got, strerror(got));
            wrong++;
        }
    }
    end_sibling(plain_sibling);
    end_sibling(confined_sibling);
    assert_int_equal(wrong, 0);
}

static void test_as_started(void **state)
{
    (void)state;
    if (sandbox_landlock_version() == 0)
        skip();
    run_all(0);
}

static void test_as_ordinary_user(void **state)
{
    (void)state;
    if (geteuid() != 0 || sandbox_landlock_version() == 0)
        skip(); /* the other test is this one already */
    run_all(NOBODY);
}

/* A program that keeps a capability has exactly that one. */
static void test_kept_capability(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct error err;
        _exit(sandbox_drop(1ULL << CAP_CHOWN, &err) != 0 || try_chown() != 0 || try_mount() != EPERM);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_missing_path(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        const struct sandbox_rule rule = {"/no/such/directory", -1, SANDBOX_READ};
        const struct sandbox spec = {.rules = &rule, .rule_count = 1};
        struct error err;
        bool reduced;
        _exit(sandbox_enter(&spec, &reduced, &err) != E_CONFIG);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void copy_program(void)
{
    AUTO_FD int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
    AUTO_FD int to = openat(own_fd, "program", O_WRONLY | O_CREAT | O_CLOEXEC, 0777);
    char chunk[65536];
    ssize_t got;

    while ((got = read(from, chunk, sizeof chunk)) > 0)
        assert_int_equal(write(to, chunk, (size_t)got), got);
    (void)fchmod(to, 0777);
}

static void open_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un name;

    assert_int_equal(bind(tcp, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(tcp, 1), 0);
    assert_int_equal(getsockname(tcp, (struct sockaddr *)&address, &len), 0);
    listener_port = ntohs(address.sin_port);
    (void)snprintf(abstract_name, sizeof abstract_name, "airlock-%d", (int)getpid());
    int abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t name_len = abstract_address(&name);
    assert_int_equal(bind(abstract, (struct sockaddr *)&name, name_len), 0);
    assert_int_equal(listen(abstract, 64), 0);
}

static int set_stage(void **state)
{
    (void)state;
    (void)umask(0);
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0777), 0);
    for (size_t i = 0; i < ARRAY_LEN(DIRS); i++) {
        AUTO_FREE char *dir = in_base(DIRS[i]);
        AUTO_FREE char *file = xasprintf("%s/file", dir);
        assert_int_equal(mkdir(dir, 0777), 0);
        AUTO_FD int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        assert_int_equal(write(fd, "x", 1), 1);
    }
    AUTO_FREE char *own = in_base("own");
    AUTO_FREE char *other = in_base("other/file");
    own_fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    open_file_fd = open(other, O_RDONLY | O_CLOEXEC);
    copy_program();
    open_sockets();
    return 0;
}

static int clear_stage(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, base + strlen("/tmp/"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_started),
        cmocka_unit_test(test_as_ordinary_user),
        cmocka_unit_test(test_kept_capability),
        cmocka_unit_test(test_missing_path),
    };
    return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
