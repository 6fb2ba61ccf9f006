/* libmagic. One database a process, which a child inherits from the process that made it: it is read-only. */
#include "gate/magic_type.h"

#include <errno.h>
#include <magic.h>
#include <string.h>

#include "base/str.h"

#define DATABASE "/usr/lib/file/magic.mgc"

/* No look into compressed bytes, which would start programs or unpack without a limit; the walk unpacks. */
#define FLAGS (MAGIC_MIME_TYPE | MAGIC_ERROR | MAGIC_NO_CHECK_COMPRESS)

static magic_t cookie;

int magic_type_open(struct error *err)
{
    if (cookie)
        return 0;
    magic_t opened = magic_open(FLAGS);
    if (!opened)
        return error_set_errno(err, E_INTERNAL, "libmagic");
    if (magic_load(opened, DATABASE) != 0) {
        int r = error_set(err, E_CONFIG, "%s cannot be read: install the package libmagic-mgc (%s)", DATABASE,
                          magic_error(opened));
        magic_close(opened);
        return r;
    }
    cookie = opened;
    return 0;
}

int magic_type_of(const void *head, size_t len, char ret_type[static MAGIC_TYPE_MAX], struct error *err)
{
    if (!cookie)
        return error_set(err, E_INTERNAL, "libmagic's database was not loaded");
    const char *type = magic_buffer(cookie, head, len);
    if (!type && magic_errno(cookie) == ENOMEM)
        return error_set(err, E_INTERNAL, "libmagic has no memory");
    /* A head that confuses it is of no known type. */
    if (!type || !str_copy(ret_type, MAGIC_TYPE_MAX, type) || !strchr(ret_type, '/'))
        (void)str_copy(ret_type, MAGIC_TYPE_MAX, MAGIC_TYPE_UNKNOWN);
    return 0;
}
