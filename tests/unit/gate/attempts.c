/* The attempts of T44 as a table of system calls. */
#include "unit/gate/attempts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macros.h"

#define ARGS_MAX 6

/* Arguments that only the stage knows. */
enum { FILE_FD = -1001, PIPE_FD = -1002, VICTIM = -1003, REOPENED = -1004, OWN_PAGE = -1005 };

static char own_page[4096] __attribute__((aligned(4096)));
static char bytes[64];
static const struct open_how reading = {.flags = O_RDONLY};
static const struct sockaddr_un scanner = {.sun_family = AF_UNIX, .sun_path = "/run/clamav/clamd.ctl"};
static const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0x5000, .sin_addr = {0x0100007F}};
static char *const no_arguments[] = {(char *)(uintptr_t) "true", NULL};
static struct iovec here = {bytes, sizeof bytes}, there = {(void *)0x400000, 8}; /* NOLINT */
static struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE, .size = sizeof perf};
static const cpu_set_t all_cores = {{~0UL}};
static const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
static struct {
    struct cmsghdr head;
    int fd;
} smuggled = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
static struct iovec one_byte = {bytes, 1};
static const struct msghdr smuggling = {
    .msg_iov = &one_byte, .msg_iovlen = 1, .msg_control = &smuggled, .msg_controllen = sizeof smuggled};

#define P(p) (long)(uintptr_t)(p)

/* clang-format off */
static const struct attempt {
    const char *name;
    bool checks_only;
    long call;
    long args[ARGS_MAX];
} ATTEMPTS[] = {
    {"open a file", false, SYS_open, {P("/etc/passwd"), O_RDONLY}},
    {"open a system file", true, SYS_openat, {AT_FDCWD, P("/usr/bin/env"), O_RDONLY}},
    {"open a directory", false, SYS_openat, {AT_FDCWD, P("/"), O_RDONLY | O_DIRECTORY}},
    {"make a file", false, SYS_openat, {AT_FDCWD, P("/tmp/airlock-attempt"), O_WRONLY | O_CREAT, 0600}},
    {"open by openat2", false, SYS_openat2, {AT_FDCWD, P("/etc/passwd"), P(&reading), sizeof reading}},
    {"open through a process", false, SYS_openat, {AT_FDCWD, P("/proc/self/mem"), O_RDWR}},
    {"reopen the file for writing", false, SYS_openat, {AT_FDCWD, REOPENED, O_WRONLY}},
    {"reopen the file for reading and writing", false, SYS_open, {REOPENED, O_RDWR}},
    {"shorten the file", false, SYS_ftruncate, {FILE_FD, 0}},
    {"write into the file", false, SYS_pwrite64, {FILE_FD, P(bytes), 1, 0}},
    {"change the file's mode", false, SYS_fchmod, {FILE_FD, 0777}},
    {"change the file's owner", false, SYS_fchown, {FILE_FD, 65534, 65534}},
    {"map the file for writing", false, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, FILE_FD, 0}},
    {"smuggle a descriptor", false, SYS_sendmsg, {PIPE_FD, P(&smuggling), 0}},
    {"make a socket", false, SYS_socket, {AF_INET, SOCK_STREAM, 0}},
    {"make a local socket", false, SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
    {"make a netlink socket", false, SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
    {"make a pair of sockets", false, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, P(bytes)}},
    {"connect to the scanner", false, SYS_connect, {FILE_FD, P(&scanner), sizeof scanner}},
    {"connect somewhere", false, SYS_connect, {FILE_FD, P(&address), sizeof address}},
    {"bind", false, SYS_bind, {FILE_FD, P(&address), sizeof address}},
    {"listen", false, SYS_listen, {FILE_FD, 1}},
    {"trace a process", false, SYS_ptrace, {PTRACE_ATTACH, VICTIM, 0, 0}},
    {"be traced", false, SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
    {"kill a process", false, SYS_kill, {VICTIM, SIGTERM}},
    {"kill everybody", false, SYS_kill, {-1, 0}},
    {"kill a thread", false, SYS_tgkill, {VICTIM, VICTIM, SIGTERM}},
    {"queue a signal", false, SYS_rt_sigqueueinfo, {VICTIM, SIGTERM, P(own_page)}},
    {"open a process", false, SYS_pidfd_open, {VICTIM, 0}},
    {"take a process's descriptor", false, SYS_pidfd_getfd, {FILE_FD, 0, 0}},
    {"read a process's memory", false, SYS_process_vm_readv, {VICTIM, P(&here), 1, P(&there), 1, 0}},
    {"write a process's memory", false, SYS_process_vm_writev, {VICTIM, P(&here), 1, P(&there), 1, 0}},
    {"fork", false, SYS_fork, {0}},
    {"vfork", false, SYS_clone, {SIGCHLD, 0, 0, 0, 0}},
    {"clone3", false, SYS_clone3, {P(own_page), 64}},
    {"execute", false, SYS_execve, {P("/bin/true"), P(no_arguments), P(no_arguments + 1)}},
    {"execute the file", false, SYS_execveat, {FILE_FD, P(""), P(no_arguments), P(no_arguments + 1), AT_EMPTY_PATH}},
    {"execute the file by its number", false, SYS_execve, {REOPENED, P(no_arguments), P(no_arguments + 1)}},
    {"make a file in memory", false, SYS_memfd_create, {P("code"), 0}},
    {"make memory that executes", true, SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"make its own memory execute", true, SYS_mprotect, {OWN_PAGE, 4096, PROT_READ | PROT_EXEC}},
    {"make memory that executes by a key", false, SYS_pkey_mprotect, {OWN_PAGE, 4096, PROT_READ | PROT_EXEC, 0}},
    {"mount", false, SYS_mount, {P("none"), P("/"), P("tmpfs"), 0, 0}},
    {"mount anew", false, SYS_fsopen, {P("tmpfs"), 0}},
    {"leave its namespaces", false, SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNS}},
    {"enter another namespace", false, SYS_setns, {FILE_FD, 0}},
    {"change the root", false, SYS_chroot, {P("/tmp")}},
    {"become somebody", false, SYS_setuid, {0}},
    {"become somebody's group", false, SYS_setresgid, {0, 0, 0}},
    {"gain capabilities", false, SYS_capset, {P(own_page), P(own_page)}},
    {"use io_uring", false, SYS_io_uring_setup, {8, P(own_page)}},
    {"load a program into the kernel", false, SYS_bpf, {5, P(own_page), 120}},
    {"use the kernel's keys", false, SYS_keyctl, {0, -3, 1}},
    {"add a key", false, SYS_add_key, {P("user"), P("airlock"), P(bytes), 1, -2}},
    {"count events", false, SYS_perf_event_open, {P(&perf), 0, -1, -1, 0}},
    {"handle page faults", false, SYS_userfaultfd, {0}},
    {"set its name", false, SYS_prctl, {PR_SET_NAME, P("innocent")}},
    {"become dumpable", false, SYS_prctl, {PR_SET_DUMPABLE, 1}},
    {"outlive its parent", false, SYS_prctl, {PR_SET_PDEATHSIG, 0}},
    {"change its personality", false, SYS_personality, {0x0040000}},
    {"choose its cores", false, SYS_sched_setaffinity, {0, sizeof all_cores, P(&all_cores)}},
    {"raise its limits", false, SYS_setrlimit, {RLIMIT_NOFILE, P(&no_limit)}},
    {"raise its limits another way", false, SYS_prlimit64, {0, RLIMIT_FSIZE, P(&no_limit), 0}},
    {"change another's limits", false, SYS_prlimit64, {VICTIM, RLIMIT_CPU, P(&no_limit), 0}},
    {"remove a file", false, SYS_unlink, {P("/tmp/airlock-attempt")}},
    {"rename a file", false, SYS_rename, {P("/tmp/a"), P("/tmp/b")}},
    {"make a link", false, SYS_symlink, {P("/etc/passwd"), P("/tmp/airlock-attempt")}},
    {"make a directory", false, SYS_mkdir, {P("/tmp/airlock-attempt-dir"), 0700}},
    {"make a device", false, SYS_mknod, {P("/tmp/airlock-attempt-device"), 020666, 0x101}},
    {"open by a handle", false, SYS_open_by_handle_at, {AT_FDCWD, P(own_page), O_RDONLY}},
    {"share memory", false, SYS_shmget, {0, 4096, 01600}},
    {"send messages", false, SYS_mq_open, {P("airlock"), O_RDWR | O_CREAT, 0600, 0}},
    {"watch files", false, SYS_inotify_init1, {0}},
    {"load a module", false, SYS_init_module, {P(own_page), 1, P("")}},
    {"read the kernel's log", false, SYS_syslog, {3, P(bytes), sizeof bytes}},
    {"set the clock", false, SYS_settimeofday, {P(own_page), 0}},
    {"duplicate without end", true, SYS_dup, {FILE_FD}},
};
/* clang-format on */

size_t attempt_count(void)
{
    return ARRAY_LEN(ATTEMPTS);
}

const char *attempt_name(size_t attempt)
{
    return ATTEMPTS[attempt].name;
}

bool attempt_is_for_checks_only(size_t attempt)
{
    return ATTEMPTS[attempt].checks_only;
}

bool attempt_make(size_t attempt, const struct attempt_stage *stage)
{
    const struct attempt *row = &ATTEMPTS[attempt];
    static char reopened[64];
    long args[ARGS_MAX];

    (void)snprintf(reopened, sizeof reopened, "/proc/self/fd/%d", stage->file);
    smuggled.fd = stage->file;
    for (size_t i = 0; i < ARGS_MAX; i++)
        args[i] = row->args[i] == FILE_FD    ? stage->file
                  : row->args[i] == PIPE_FD  ? stage->pipe
                  : row->args[i] == VICTIM   ? stage->victim
                  : row->args[i] == REOPENED ? P(reopened)
                  : row->args[i] == OWN_PAGE ? P(own_page)
                                             : row->args[i];
    return syscall(row->call, args[0], args[1], args[2], args[3], args[4], args[5]) >= 0;
}
