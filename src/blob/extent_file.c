/* Opening the objects that a blob lies in, one after the other. Runs in airlock-blob on worker threads. Must never open
 * an object that core has not named. */
#include "blob/extent_file.h"

#include <string.h>

#include "base/str.h"

int extent_file_open(struct extent_file *file, struct store *store, const char *dir, const char *object,
                     struct error *err)
{
    if (file->fd >= 0 && strcmp(file->object, object) == 0)
        return file->fd;
    extent_file_close(file);
    int fd = store_object_open_read(store, dir, object, err);
    if (fd == E_NOT_FOUND)
        return error_set(err, E_UNAVAILABLE, "The blob was replaced while it was read");
    if (fd < 0)
        return fd;
    (void)str_copy(file->object, sizeof file->object, object);
    file->fd = fd;
    return fd;
}

void extent_file_close(struct extent_file *file)
{
    if (file->fd >= 0)
        (void)close(TAKE_FD(file->fd));
}
