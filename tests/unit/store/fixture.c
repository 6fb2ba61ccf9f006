/* The temporary directory and the sandbox around the tests of src/store and src/mover. */
#include "unit/store/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "mover/confine.h"
#include "store/aio.h"

#define ABOVE "/tmp"
#define MOUNT "mount"

static int base_fd = -1;
static bool has_mount;

static void fixture_must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        _exit(1);
    }
}

/* Removes the directory once the tests, which may not do so themselves, are over. */
static void fixture_stay_behind(const char *base, pid_t child)
{
    AUTO_FD int above = open(ABOVE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = 1;
    (void)waitpid(child, &status, 0);
    if (file_remove_tree(above, base + sizeof ABOVE, NULL) != 0)
        (void)fprintf(stderr, "%s could not be removed\n", base);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Before the directory is opened: a descriptor from before would not see the mount. */
static void fixture_mount(const char *base)
{
    AUTO_FREE char *path = xasprintf("%s/" MOUNT, base);

    fixture_must(mkdir(path, 0750) == 0, "mkdir");
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        has_mount = mount("tmpfs", path, "tmpfs", MS_NODEV | MS_NOSUID, "size=64m") == 0;
}

static void fixture_confine(void)
{
    const struct sandbox_rule rules[] = {
        {.dirfd = base_fd, .access = MOVER_ACCESS},
        {.path = "/proc", .access = SANDBOX_READ}, /* for the leak checker */
    };
    const struct sandbox sandbox = {
        .rules = rules, .rule_count = ARRAY_LEN(rules), .keep_caps = MOVER_CAPS, .reduced_ok = true};
    unsigned char digest[SHA256_SIZE];
    struct error err = {0};
    bool reduced;

    sha256("", 0, digest); /* OpenSSL reads its configuration at the first use */
    (void)signal(SIGIO, SIG_IGN);
    if (sandbox_enter(&sandbox, &reduced, &err) != 0) {
        (void)fprintf(stderr, "sandbox: %s\n", err.detail);
        _exit(1);
    }
    if (reduced)
        (void)fprintf(stderr, "no Landlock here: the tests run without it\n");
    (void)prctl(PR_SET_DUMPABLE, 1); /* the leak checker looks at this process from outside */
}

void fixture_enter(void)
{
    static char base[] = ABOVE "/airlock-test-XXXXXX";

    fixture_must(mkdtemp(base) != NULL, "mkdtemp");
    pid_t child = fork();
    fixture_must(child >= 0, "fork");
    if (child > 0)
        fixture_stay_behind(base, child);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    fixture_mount(base);
    base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fixture_must(base_fd >= 0, base);
    fixture_confine();
}

bool fixture_has_mount(void)
{
    if (!has_mount)
        print_message("not run: mounting a second file system needs root\n");
    return has_mount;
}

struct store *fixture_store(void **state)
{
    return *state;
}

int fixture_begin(void **state)
{
    *state = store_new(fcntl(base_fd, F_DUPFD_CLOEXEC, 0), 0);
    return 0;
}

static int fixture_begin_engine(void **state, enum aio_kind kind)
{
    struct aio *aio = NULL;
    int r = fixture_begin(state);
    if (r == 0)
        r = aio_new(kind, &aio, NULL);
    store_use_aio(*state, aio);
    return r;
}

int fixture_begin_auto(void **state)
{
    return fixture_begin_engine(state, AIO_AUTO);
}

int fixture_begin_threads(void **state)
{
    return fixture_begin_engine(state, AIO_THREADS);
}

/* cmocka: non-zero fails the test. */
int fixture_end(void **state)
{
    DIR *dir = fdopendir(openat(base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int r = 0;

    for (struct dirent *entry = readdir(dir); entry && r == 0; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, MOUNT) != 0)
            r = file_remove_tree(base_fd, entry->d_name, NULL);
    (void)closedir(dir);
    store_free(*state);
    return r;
}

int fixture_put_open(struct store *store, const char *dir, const char *object, const void *bytes, size_t len)
{
    int fd = store_object_create(store, dir, object, NULL);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, len, NULL), 0);
    assert_int_equal(fsync(fd), 0);
    return fd;
}

void fixture_put(struct store *store, const char *dir, const char *object, const void *bytes, size_t len)
{
    (void)close(fixture_put_open(store, dir, object, bytes, len));
}

void fixture_expect(struct store *store, const char *dir, const char *object, const void *bytes, size_t len)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, object);
    AUTO_FREE char *is = NULL;
    size_t is_len = 0;
    assert_int_equal(file_read(store_root(store), path, len + 1, &is, &is_len, NULL), 0);
    assert_int_equal(is_len, len);
    assert_memory_equal(is, bytes, len);
}

static int count_one(const char *name, void *ctx)
{
    (void)name;
    ++*(size_t *)ctx;
    return 0;
}

size_t fixture_count(struct store *store, const char *dir)
{
    size_t count = 0;
    assert_int_equal(store_dir_list(store, dir, count_one, &count, NULL), 0);
    return count;
}

unsigned fixture_dice(unsigned sides)
{
    unsigned value;
    random_fill(&value, sizeof value);
    return value % sides;
}
