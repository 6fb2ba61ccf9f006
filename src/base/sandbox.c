/* Confinement by the kernel's own means, through raw system calls. Runs once in every process; never grants. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Landlock's interface, complete up to version 7: the distribution's header ends at version 2. The numbers are the
 * kernel's (include/uapi/linux/landlock.h). */
#define LANDLOCK_VERSION_FLAG (1U << 0)
#define LANDLOCK_RULE_PATH 1

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_DIR (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_VERSION_1 ((1ULL << 13) - 1) /* the thirteen rights that came first */
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)

#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)

#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

/* Rights that fit a rule on something that is not a directory; the kernel refuses the others there. */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

struct path_attr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

/* What each version of Landlock added, and how much of struct ruleset_attr it reads. */
/* clang-format off */
static const struct landlock_row {
    int version;
    uint64_t fs, net, scoped;
    size_t attr_size;
} LANDLOCK_ROWS[] = {
    {1, FS_VERSION_1, 0, 0, 8},
    {2, FS_REFER, 0, 0, 8},
    {3, FS_TRUNCATE, 0, 0, 8},
    {4, 0, NET_BIND_TCP | NET_CONNECT_TCP, 0, 16},
    {5, FS_IOCTL_DEV, 0, 0, 16},
    {6, 0, 0, SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL, 24},
};
/* clang-format on */

static const struct {
    unsigned access;
    uint64_t fs;
} ACCESS_ROWS[] = {
    {SANDBOX_READ, FS_READ_FILE | FS_READ_DIR},
    {SANDBOX_WRITE, FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_MAKE_DIR | FS_REMOVE_FILE | FS_REMOVE_DIR},
    {SANDBOX_REFER, FS_REFER},
    {SANDBOX_EXECUTE, FS_EXECUTE},
};

static int set_limit(__rlimit_resource_t resource, rlim_t value, const char *what, struct error *err)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot read the limit on %s", what);
    if (value > limit.rlim_max)
        value = limit.rlim_max;
    limit = (struct rlimit){.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &limit) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot set the limit on %s", what);
    return 0;
}

static int cap_call(long number, uint64_t *caps, struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)*caps, .permitted = (uint32_t)*caps},
        {.effective = (uint32_t)(*caps >> 32), .permitted = (uint32_t)(*caps >> 32)},
    };

    if (syscall(number, &header, data) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot %s capabilities", number == SYS_capset ? "drop" : "read");
    *caps = (uint64_t)data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

static int drop_capabilities(uint64_t keep, struct error *err)
{
    uint64_t have = 0;
    int r = cap_call(SYS_capget, &have, err);

    if (r != 0)
        return r;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* old kernels have no such set to clear */
    if (have & (1ULL << CAP_SETPCAP)) /* who may not change the bounding set cannot gain from it: no_new_privs is on */
        for (unsigned long cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
            if (!(keep & (1ULL << cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
                return error_set_errno(err, E_INTERNAL, "Cannot drop capability %lu for good", cap);
    have &= keep;
    return cap_call(SYS_capset, &have, err);
}

int sandbox_landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION_FLAG);
    return version > 0 ? (int)version : 0;
}

static int landlock_add(int ruleset, const struct sandbox_rule *rule, uint64_t handled, struct error *err)
{
    const char *name = rule->path ? rule->path : "a directory it was given";
    AUTO_FD int opened = rule->path ? open(rule->path, O_PATH | O_CLOEXEC) : -1;
    struct path_attr attr = {.parent_fd = rule->path ? opened : rule->dirfd};
    struct stat st;

    if (attr.parent_fd < 0 || fstat(attr.parent_fd, &st) != 0)
        return error_set_errno(err, E_CONFIG, "The sandbox cannot look at %s", name);
    for (size_t i = 0; i < ARRAY_LEN(ACCESS_ROWS); i++)
        if (rule->access & ACCESS_ROWS[i].access)
            attr.allowed |= ACCESS_ROWS[i].fs & handled;
    if (!S_ISDIR(st.st_mode))
        attr.allowed &= FS_OF_FILES;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH, &attr, 0) != 0)
        return error_set_errno(err, E_INTERNAL, "The sandbox cannot allow %s", name);
    return 0;
}

static int landlock_enter(const struct sandbox *spec, int version, struct error *err)
{
    struct ruleset_attr attr = {0};
    size_t attr_size = 0;

    for (size_t i = 0; i < ARRAY_LEN(LANDLOCK_ROWS) && LANDLOCK_ROWS[i].version <= version; i++) {
        attr.fs |= LANDLOCK_ROWS[i].fs;
        attr.net |= LANDLOCK_ROWS[i].net;
        attr.scoped |= LANDLOCK_ROWS[i].scoped;
        attr_size = LANDLOCK_ROWS[i].attr_size;
    }
    if (spec->tcp_bind)
        attr.net &= ~NET_BIND_TCP;
    if (spec->tcp_connect)
        attr.net &= ~NET_CONNECT_TCP;
    AUTO_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size, 0);
    if (ruleset < 0)
        return error_set_errno(err, E_INTERNAL, "Cannot make a Landlock rule set");
    for (size_t i = 0; i < spec->rule_count; i++) {
        int r = landlock_add(ruleset, &spec->rules[i], attr.fs, err);
        if (r != 0)
            return r;
    }
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot enter the Landlock sandbox");
    return 0;
}

/* The version to use, or 0. Version 1 refuses every rename between directories: of no use to who needs one. */
static int landlock_usable(const struct sandbox *spec)
{
    int version = sandbox_landlock_version();

    for (size_t i = 0; i < spec->rule_count; i++)
        if ((spec->rules[i].access & SANDBOX_REFER) && version < 2)
            return 0;
    return version;
}

int sandbox_drop(uint64_t keep_caps, struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, E_INTERNAL, "Cannot set no_new_privs");
    int r = set_limit(RLIMIT_CORE, 0, "core dumps", err);
    if (r == 0)
        r = drop_capabilities(keep_caps, err);
    if (r != 0)
        return r;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) /* after the capabilities: changing those may set it anew */
        return error_set_errno(err, E_INTERNAL, "Cannot refuse core dumps and ptrace");
    return 0;
}

int sandbox_enter(const struct sandbox *spec, bool *ret_reduced, struct error *err)
{
    int version = landlock_usable(spec);

    if (spec->rule_count > SANDBOX_RULES_MAX)
        return error_set(err, E_INTERNAL, "Too many sandbox rules");
    if (version == 0 && !spec->reduced_ok)
        return error_set_field(err, E_CONFIG, "sandbox.reduced",
                               "The kernel offers no usable Landlock, which keeps airlock's processes apart; "
                               "set sandbox.reduced = true to run without it");
    int r = sandbox_drop(spec->keep_caps, err);
    if (r == 0 && spec->max_files > 0)
        r = set_limit(RLIMIT_NOFILE, spec->max_files, "open files", err);
    if (r == 0 && version > 0)
        r = landlock_enter(spec, version, err);
    if (r != 0)
        return r;
    *ret_reduced = version == 0;
    return 0;
}
