/* Reading and writing long files while the page cache keeps little of them. Runs in airlock-blob and airlock-mover. */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "store/private.h"

#define WRITE_WINDOW ((uint64_t)8 * STORE_CHUNK)

int store_stream(struct store *store, int fd, uint64_t offset, uint64_t length,
                 int (*sink)(const void *bytes, size_t len, void *ctx, struct error *err), void *ctx, uint64_t *ret_got,
                 struct error *err)
{
    AUTO_FREE char *buffer = xmalloc(length < STORE_CHUNK ? (size_t)length + 1 : STORE_CHUNK);
    uint64_t done = 0;
    int r = store_tick(store, err);

    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint only, as is the other */
    while (r == 0 && done < length) {
        size_t want = length - done < STORE_CHUNK ? (size_t)(length - done) : STORE_CHUNK;
        ssize_t got = pread(fd, buffer, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, E_IO, "Reading failed");
        if (got == 0)
            break;
        r = sink(buffer, (size_t)got, ctx, err);
        (void)posix_fadvise(fd, (off_t)(offset + done), got, POSIX_FADV_DONTNEED);
        done += (uint64_t)got;
        if (r == 0)
            r = store_tick(store, err);
    }
    if (r == 0)
        *ret_got = done;
    return r;
}

/* Starts the writing of the window that has just filled, and drops this writer's window before, written by now. */
static void writer_behind(struct store_writer *writer)
{
    off_t start = (off_t)writer->started, len = (off_t)(writer->size - writer->started);

    (void)sync_file_range(writer->fd, start, len, SYNC_FILE_RANGE_WRITE); /* store_writer_finish is what counts */
    if (writer->before > 0) {
        off_t before = start - (off_t)writer->before;
        (void)sync_file_range(writer->fd, before, (off_t)writer->before,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        if (!writer->keep)
            (void)posix_fadvise(writer->fd, before, (off_t)writer->before, POSIX_FADV_DONTNEED);
    }
    writer->before = (uint64_t)len;
    writer->started = writer->size;
}

int store_writer_put(struct store_writer *writer, const void *bytes, size_t len, struct error *err)
{
    int r = file_pwrite_all(writer->fd, bytes, len, writer->size, err);
    if (r != 0)
        return r;
    writer->size += len;
    if (writer->size - writer->started >= WRITE_WINDOW)
        writer_behind(writer);
    return 0;
}

int store_writer_finish(struct store_writer *writer, struct error *err)
{
    if (fsync(writer->fd) != 0)
        return error_set_errno(err, E_IO, "Cannot sync a file");
    if (!writer->keep)
        (void)posix_fadvise(writer->fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}
