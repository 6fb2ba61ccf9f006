/* What a member's name tells and hides. Runs in a sandboxed child; must never use one as a path. */
#include "gate/member_name.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define NAMES_FIRST ((size_t)256)
#define DIGEST_SEED 0xcbf29ce484222325ULL /* FNV-1a: who makes two names collide only gets a finding for it */
#define DIGEST_PRIME 0x100000001b3ULL

struct member_names {
    uint64_t *digests; /* 0: a free place */
    size_t places, used;
};

const char *member_name_escape(const char *name)
{
    if (name[0] == '/')
        return "it begins at the root";
    if (isalpha((unsigned char)name[0]) && name[1] == ':')
        return "it names a drive";
    if (strchr(name, '\\'))
        return "it has backslashes";
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += strspn(part, "/");
        if (strcspn(part, "/") == 2 && strncmp(part, "..", 2) == 0)
            return "it climbs to a parent";
    }
    return NULL;
}

const char *member_name_last(const char *name)
{
    const char *last = name;

    for (const char *p = name; *p; p++)
        if ((*p == '/' || *p == '\\') && p[1])
            last = p + 1;
    return last;
}

char *member_name_unpacked(const char *name)
{
    static const struct {
        const char *suffix, *instead;
    } SUFFIXES[] = {{".gz", ""},       {".bz2", ""},     {".xz", ""},       {".zst", ""},      {".lz4", ""},
                    {".lzma", ""},     {".lz", ""},      {".z", ""},        {".bgz", ""},      {".tgz", ".tar"},
                    {".tbz2", ".tar"}, {".txz", ".tar"}, {".tzst", ".tar"}, {".svgz", ".svg"}, {".rpm", ".cpio"}};
    const char *last = member_name_last(name);
    size_t len = strlen(last);

    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++) {
        size_t suffix_len = strlen(SUFFIXES[i].suffix);
        if (len > suffix_len && strcasecmp(last + len - suffix_len, SUFFIXES[i].suffix) == 0)
            return xasprintf("%.*s%s", (int)(len - suffix_len), last, SUFFIXES[i].instead);
    }
    return xstrdup("data");
}

struct member_names *member_names_new(void)
{
    struct member_names *names = xcalloc(1, sizeof *names);

    names->places = NAMES_FIRST;
    names->digests = xcalloc(names->places, sizeof *names->digests);
    return names;
}

void member_names_free(struct member_names *names)
{
    if (!names)
        return;
    free(names->digests);
    free(names);
}

static uint64_t name_digest(const char *name)
{
    uint64_t digest = DIGEST_SEED;

    while (*name) {
        size_t len = strcspn(name, "/");
        bool counts = len > 0 && !(len == 1 && name[0] == '.');
        for (size_t i = 0; counts && i <= len; i++) /* its end as a NUL */
            digest = (digest ^ (i < len ? (unsigned char)name[i] : 0)) * DIGEST_PRIME;
        name += len + (name[len] == '/');
    }
    return digest ? digest : 1;
}

/* The digest's place: the one that holds it, or a free one. */
static uint64_t *names_place(const struct member_names *names, uint64_t digest)
{
    size_t at = (size_t)(digest ^ digest >> 32) & (names->places - 1);

    while (names->digests[at] && names->digests[at] != digest)
        at = (at + 1) & (names->places - 1);
    return &names->digests[at];
}

static void names_grow(struct member_names *names)
{
    struct member_names larger = {.places = names->places * 2, .used = names->used};

    larger.digests = xcalloc(larger.places, sizeof *larger.digests);
    for (size_t i = 0; i < names->places; i++)
        if (names->digests[i])
            *names_place(&larger, names->digests[i]) = names->digests[i];
    free(names->digests);
    *names = larger;
}

bool member_names_add(struct member_names *names, const char *name)
{
    uint64_t digest = name_digest(name), *place = names_place(names, digest);

    if (*place)
        return false;
    *place = digest;
    if (++names->used > names->places / 2)
        names_grow(names);
    return true;
}
