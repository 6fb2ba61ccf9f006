/* libarchive on a descriptor. Runs in a sandboxed child; registers in-process readers by name and never "all": some of
 * those start programs. */
#include "gate/unpack.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define READ_BLOCK ((size_t)64 * 1024)

static la_ssize_t unpack_read(struct archive *archive, void *ctx, const void **ret)
{
    struct unpack *unpack = ctx;
    ssize_t n;

    unpack->late = unpack->late || clock_mono_ms() > unpack->deadline_ms;
    do
        n = unpack->late ? -1 : pread(unpack->fd, unpack->block, READ_BLOCK, (off_t)unpack->at);
    while (n < 0 && !unpack->late && errno == EINTR);
    if (n < 0) {
        unpack->failed = unpack->late ? 0 : errno;
        archive_set_error(archive, EIO, "the file could not be read");
        return ARCHIVE_FATAL;
    }
    unpack->at += (uint64_t)n;
    *ret = unpack->block;
    return n;
}

static la_int64_t unpack_seek(struct archive *archive, void *ctx, la_int64_t offset, int whence)
{
    struct unpack *unpack = ctx;
    int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_CUR ? unpack->at : unpack->size);
    int64_t target;

    (void)archive;
    if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > (int64_t)unpack->size)
        return ARCHIVE_FATAL;
    unpack->at = (uint64_t)target;
    return target;
}

static la_int64_t unpack_skip(struct archive *archive, void *ctx, la_int64_t request)
{
    struct unpack *unpack = ctx;
    int64_t left = (int64_t)(unpack->size - unpack->at);

    (void)archive;
    if (request < 0)
        return 0;
    if (request > left)
        request = left;
    unpack->at += (uint64_t)request;
    return request;
}

int unpack_support_plain(struct archive *archive)
{
    return archive_read_set_format(archive, ARCHIVE_FORMAT_RAW);
}

/* compress reads at once, so that it has to be found by libarchive's own look. */
static bool filter_add(struct archive *archive, int filter)
{
    int r = filter == ARCHIVE_FILTER_COMPRESS ? archive_read_support_filter_compress(archive)
                                              : archive_read_append_filter(archive, filter);

    return r >= ARCHIVE_WARN;
}

bool unpack_open(struct unpack *unpack, int filter, int (*support)(struct archive *))
{
    struct archive *archive = archive_read_new();

    unpack->archive = archive;
    unpack->block = xmalloc(READ_BLOCK);
    return archive && archive_read_set_read_callback(archive, unpack_read) == ARCHIVE_OK &&
           archive_read_set_seek_callback(archive, unpack_seek) == ARCHIVE_OK &&
           archive_read_set_skip_callback(archive, unpack_skip) == ARCHIVE_OK &&
           archive_read_set_callback_data(archive, unpack) == ARCHIVE_OK && support(archive) >= ARCHIVE_WARN &&
           filter_add(archive, filter) && archive_read_open1(archive) == ARCHIVE_OK;
}

void unpack_done(struct unpack *unpack)
{
    if (unpack->archive)
        (void)archive_read_free(unpack->archive);
    free(unpack->block);
}

uint64_t unpack_consumed(const struct unpack *unpack)
{
    la_int64_t consumed = archive_filter_bytes(unpack->archive, -1);

    return consumed < 0 ? 0 : (uint64_t)consumed;
}

bool unpack_lacks_memory(const struct unpack *unpack)
{
    return !unpack->archive || archive_errno(unpack->archive) == ENOMEM;
}
