/* Lists of system calls, compiled by libseccomp in airlock-gate, entered in its children. */
#include "gate/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"

#define PROGRAM_MAX 65535 /* instructions: what a struct sock_fprog can count */

enum list {
    LIST_ALL = 1 << 0,     /* every child */
    LIST_SCAN = 1 << 1,    /* FILTER_SCAN */
    LIST_PROGRAM = 1 << 2, /* FILTER_PROGRAM */
    LIST_CHECK = 1 << 3,   /* FILTER_READ and FILTER_SCAN */
};

static const unsigned LISTS[FILTER_COUNT] = {
    [FILTER_READ] = LIST_ALL | LIST_CHECK,
    [FILTER_SCAN] = LIST_ALL | LIST_CHECK | LIST_SCAN,
    [FILTER_PROGRAM] = LIST_ALL | LIST_PROGRAM,
};

#define ALLOW SCMP_ACT_ALLOW
#define REFUSE(e) SCMP_ACT_ERRNO(e)
/* clang-format off */
#define NO_CONDITION {0}
/* clang-format on */

/* One system call of a list. Where one has several rows in a list, each gives a condition that allows it. What
 * libraries try and can do without is refused with an errno, so that they go on. */
/* clang-format off */
static const struct row {
    unsigned lists;
    int call;
    uint32_t action;
    struct scmp_arg_cmp condition; /* none where its op is 0 */
} ROWS[] = {
    {LIST_ALL, SCMP_SYS(read), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(readv), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(pread64), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(preadv), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(write), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(writev), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(pwrite64), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(lseek), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(fstat), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(fadvise64), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(ftruncate), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(close), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(brk), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(munmap), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(mremap), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(madvise), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(futex), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(exit), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(exit_group), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(rt_sigreturn), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(rt_sigprocmask), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(rt_sigaction), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(sigaltstack), ALLOW, NO_CONDITION}, /* sanitizers ask for it at the end of a process */
    {LIST_ALL, SCMP_SYS(restart_syscall), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(getpid), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(gettid), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(getrandom), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(clock_gettime), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(clock_getres), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(clock_nanosleep), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(nanosleep), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(gettimeofday), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(time), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(times), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(getrusage), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(sysinfo), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(sched_yield), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(sched_getaffinity), ALLOW, NO_CONDITION},
    {LIST_ALL, SCMP_SYS(poll), ALLOW, NO_CONDITION},

    /* A check never makes memory that can be executed. newfstatat is how the C library asks about a descriptor. */
    {LIST_CHECK, SCMP_SYS(mmap), ALLOW, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {LIST_CHECK, SCMP_SYS(mprotect), ALLOW, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {LIST_CHECK, SCMP_SYS(newfstatat), ALLOW, {3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0}},
    {LIST_CHECK, SCMP_SYS(newfstatat), REFUSE(EACCES), {3, SCMP_CMP_NE, AT_EMPTY_PATH, 0}},
    {LIST_CHECK, SCMP_SYS(fcntl), ALLOW, {1, SCMP_CMP_EQ, F_GETFL, 0}},
    {LIST_CHECK, SCMP_SYS(fcntl), ALLOW, {1, SCMP_CMP_EQ, F_GETFD, 0}},
    {LIST_CHECK, SCMP_SYS(ioctl), REFUSE(ENOTTY), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(open), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(openat), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(access), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(stat), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(lstat), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(readlink), REFUSE(EACCES), NO_CONDITION},
    {LIST_CHECK, SCMP_SYS(getcwd), REFUSE(EACCES), NO_CONDITION},

    {LIST_SCAN, SCMP_SYS(sendmsg), ALLOW, NO_CONDITION},
    {LIST_SCAN, SCMP_SYS(sendto), ALLOW, NO_CONDITION},
    {LIST_SCAN, SCMP_SYS(recvfrom), ALLOW, NO_CONDITION},
    {LIST_SCAN, SCMP_SYS(shutdown), ALLOW, NO_CONDITION},

    /* Landlock says which files; a thread is no process. */
    {LIST_PROGRAM, SCMP_SYS(execve), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(clone), ALLOW, {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}},
    {LIST_PROGRAM, SCMP_SYS(clone3), REFUSE(ENOSYS), NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(prlimit64), ALLOW, {2, SCMP_CMP_EQ, 0, 0}},
    {LIST_PROGRAM, SCMP_SYS(ioctl), REFUSE(ENOTTY), NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(mmap), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(mprotect), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(open), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(openat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(access), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(faccessat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(faccessat2), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(stat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(lstat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(newfstatat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(statx), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(readlink), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(readlinkat), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getdents64), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getcwd), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(fcntl), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(dup), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(dup2), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(dup3), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(pipe2), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(select), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(pselect6), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(ppoll), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(arch_prctl), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(set_tid_address), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(set_robust_list), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(rseq), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(uname), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(umask), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getppid), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getpgrp), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getuid), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(geteuid), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getgid), ALLOW, NO_CONDITION},
    {LIST_PROGRAM, SCMP_SYS(getegid), ALLOW, NO_CONDITION},
};
/* clang-format on */

struct filters {
    struct sock_fprog programs[FILTER_COUNT];
};

static int rows_add(scmp_filter_ctx context, enum filter filter, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct row *row = &ROWS[i];
        if (!(row->lists & LISTS[filter]))
            continue;
        int r = seccomp_rule_add_array(context, row->action, row->call, row->condition.op != 0, &row->condition);
        if (r != 0) {
            errno = -r;
            return error_set_errno(err, E_INTERNAL, "Cannot make a filter of system calls");
        }
    }
    return 0;
}

/* The compiled filter as the kernel takes it: libseccomp writes it to a descriptor only. */
static int program_export(scmp_filter_ctx context, struct sock_fprog *ret, struct error *err)
{
    struct stat st;
    AUTO_FD int fd = memfd_create("filter", MFD_CLOEXEC);

    if (fd < 0 || seccomp_export_bpf(context, fd) != 0 || fstat(fd, &st) != 0)
        return error_set(err, E_INTERNAL, "Cannot compile a filter of system calls");
    size_t size = (size_t)st.st_size, count = size / sizeof(struct sock_filter);
    if (count == 0 || count > PROGRAM_MAX)
        return error_set(err, E_INTERNAL, "A filter of system calls has %zu instructions", count);
    AUTO_FREE struct sock_filter *code = xmalloc(size);
    if (pread(fd, code, size, 0) != (ssize_t)size)
        return error_set_errno(err, E_INTERNAL, "Cannot read a filter of system calls");
    *ret = (struct sock_fprog){.len = (unsigned short)count, .filter = TAKE_PTR(code)};
    return 0;
}

static int program_make(enum filter filter, struct sock_fprog *ret, struct error *err)
{
    scmp_filter_ctx context = seccomp_init(filter == FILTER_PROGRAM ? REFUSE(EPERM) : SCMP_ACT_KILL_PROCESS);

    if (!context)
        return error_set(err, E_INTERNAL, "libseccomp does not work here");
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0
                ? rows_add(context, filter, err)
                : error_set(err, E_INTERNAL, "libseccomp is too old");
    if (r == 0)
        r = program_export(context, ret, err);
    seccomp_release(context);
    return r;
}

int filters_new(struct filters **ret, struct error *err)
{
    struct filters *filters = xcalloc(1, sizeof *filters);
    int r = 0;

    for (int i = 0; i < FILTER_COUNT && r == 0; i++)
        r = program_make((enum filter)i, &filters->programs[i], err);
    if (r != 0)
        filters_free(filters);
    else
        *ret = filters;
    return r;
}

void filters_free(struct filters *filters)
{
    if (!filters)
        return;
    for (int i = 0; i < FILTER_COUNT; i++)
        free(filters->programs[i].filter);
    free(filters);
}

int filters_enter(const struct filters *filters, enum filter filter, struct error *err)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filters->programs[filter]) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot enter a filter of system calls");
    return 0;
}
