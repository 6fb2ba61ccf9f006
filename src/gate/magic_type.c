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

/* Patterns are compiled when they are first needed, which takes longer than all the rest: here, once, and not in every
 * child anew. */
static void warm_up(magic_t opened)
{
    static const char *const SAMPLES[] = {
        "a,b\n1,2\n", "plain words, and some more of them\n", "<!doctype html><p>x</p>\n", "{\"a\": [1, 2]}\n",
        "#!/bin/sh\n:\n", "%PDF-1.7\n%%EOF\n", "GIF89a\x01\x01", "PK\x03\x04", "\x89PNG\r\n\x1a\n", "\x7f\x45LF\x02\x01\x01",
    };

    for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++)
        (void)magic_buffer(opened, SAMPLES[i], strlen(SAMPLES[i]));
}

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
    warm_up(opened);
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
