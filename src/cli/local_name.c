/* Names between blobs and local files. */
#include "cli/local_name.h"

#include <string.h>

#include "base/str.h"
#include "cli/text.h"

#define COMPONENT_MAX 240
#define PATH_BYTES_MAX 3072

static const char *component_fault(const char *component, size_t len)
{
    if (len == 0)
        return "has an empty component";
    if ((len == 1 && component[0] == '.') || (len == 2 && memcmp(component, "..", 2) == 0))
        return "would leave the directory";
    if (len > COMPONENT_MAX)
        return "has a component that is too long for a file name";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)component[i] < 0x20 || component[i] == 0x7F || component[i] == '\\')
            return "has a character that has no place in a file name";
    return NULL;
}

static const char *name_fault(const char *name)
{
    if (strlen(name) > PATH_BYTES_MAX)
        return "is too long";
    for (;;) {
        size_t len = strcspn(name, "/");
        const char *fault = component_fault(name, len);
        if (fault || name[len] == '\0')
            return fault;
        name += len + 1;
    }
}

int local_name_check(const char *name, struct error *err)
{
    AUTO_STR struct str safe = STR_INIT(256);
    const char *fault = name_fault(name);

    if (!fault)
        return 0;
    text_append_safe(&safe, name);
    return error_set(err, E_INVALID, "The name \"%s\" %s: it is not downloaded", str_text(&safe), fault);
}

const char *local_name_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    bool plain = *base && strcmp(base, ".") != 0 && strcmp(base, "..") != 0;
    return plain ? base : NULL;
}
