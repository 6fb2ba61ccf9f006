/* Writing long files while the page cache keeps little of them. Runs in airlock-blob and airlock-mover. */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "store/private.h"

#define WRITE_WINDOW ((uint64_t)8 * STORE_CHUNK)

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
