/* Makes an object final and proves that nobody can still write it. Runs in airlock-mover.
 *
 * A descriptor that was opened for writing survives a rename and a chmod, so neither is a fence. What is one: a read
 * lease is refused as long as the file is open for writing anywhere, or mapped writable (fcntl(2), F_SETLEASE); and
 * once the file is read-only nobody can open it for writing anew. So: read-only first, then the proof. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/private.h"

#define PROOF_PAUSE_MS 10

static int seal_prove_no_writer(struct store *store, int fd, const char *path, struct error *err)
{
    int64_t deadline = clock_mono_ms() + STORE_PROOF_MS;

    while (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
        if (errno != EAGAIN)
            return error_set_errno(err, E_IO, "Cannot prove that nobody writes %s", path);
        if (clock_mono_ms() >= deadline)
            return error_set(err, E_CONFLICT, "%s is still open for writing", path);
        (void)poll(NULL, 0, PROOF_PAUSE_MS);
        int r = store_tick(store, err);
        if (r != 0)
            return r;
    }
    if (fcntl(fd, F_SETLEASE, F_UNLCK) != 0)
        return error_set_errno(err, E_IO, "Cannot give the lease on %s back", path);
    return 0;
}

/* Cuts what blocks left behind the end. Bytes that a writer adds from now on are found after the proof. */
static int seal_cut(struct store *store, int fd, const char *path, uint64_t size, struct error *err)
{
    if (fchmod(fd, STORE_DRAFT_MODE) != 0) /* it may have been sealed before, longer */
        return error_set_errno(err, E_IO, "Cannot change the mode of %s", path);
    AUTO_FD int writable = file_open_beneath(store->root, path, O_WRONLY, 0, err);
    if (writable < 0)
        return writable;
    if (ftruncate(writable, (off_t)size) != 0)
        return error_set_errno(err, E_IO, "Cannot cut %s to its length", path);
    return 0;
}

static int seal_is_longer(int fd, const char *path, uint64_t size, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at %s", path);
    return (uint64_t)st.st_size > size;
}

/* The object as this process's own, open for reading. */
static int seal_open(struct store *store, const char *path, struct error *err)
{
    int r = path_own(store, path, S_IFREG, (gid_t)-1, err);
    return r ? r : file_open_beneath(store->root, path, O_RDONLY | O_NONBLOCK, 0, err);
}

static int seal_make_final(struct store *store, int fd, const char *path, uint64_t size, struct error *err)
{
    int r = seal_is_longer(fd, path, size, err);
    if (r > 0)
        r = seal_cut(store, fd, path, size, err);
    if (r == 0 && fchmod(fd, STORE_SEALED_MODE) != 0)
        r = error_set_errno(err, E_IO, "Cannot make %s read-only for good", path);
    return r;
}

int store_object_seal_open(struct store *store, const char *dir, const char *object, uint64_t size, bool sync,
                           struct error *err)
{
    AUTO_FREE char *path = NULL;
    int r = path_of_object(dir, object, &path, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = seal_open(store, path, err);
    if (fd < 0)
        return fd;
    r = seal_make_final(store, fd, path, size, err);
    if (r == 0 && sync && fsync(fd) != 0)
        r = error_set_errno(err, E_IO, "Cannot sync %s", path);
    if (r == 0)
        r = seal_prove_no_writer(store, fd, path, err);
    if (r == 0)
        r = seal_is_longer(fd, path, size, err);
    if (r > 0)
        r = error_set(err, E_CONFLICT, "%s was written while it was being sealed", path);
    return r ? r : TAKE_FD(fd);
}

int store_object_seal(struct store *store, const char *dir, const char *object, uint64_t size, struct error *err)
{
    AUTO_FD int fd = store_object_seal_open(store, dir, object, size, true, err);
    return fd < 0 ? fd : 0;
}

int store_sync_open(struct store *store, const char *dir, struct error *err)
{
    int r = path_check(dir, err);
    return r ? r : file_open_beneath(store->root, dir, O_RDONLY | O_DIRECTORY, 0, err);
}

int store_sync_all(int fd, struct error *err)
{
    return syncfs(fd) == 0 ? 0 : error_set_errno(err, E_IO, "Cannot sync the storage");
}
