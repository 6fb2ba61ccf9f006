/* Mail addresses, by the form that is in use, not all that RFC 5321 allows. Runs in a sandboxed child of airlock-gate;
 * pure. */
#include "gate/identifier.h"

#include <string.h>

#include "base/macros.h"

#define LOCAL_MAX 64
#define DOMAIN_MAX 255

static bool is_local(char c)
{
    return letter(c) & (LETTER_WORD | LETTER_DOT | LETTER_SIGN) || (c != '\0' && strchr("_%'&!#$*/=?^`{|}~", c));
}

static bool is_domain(char c)
{
    return letter(c) & (LETTER_WORD | LETTER_DOT) || c == '-';
}

/* Endings of file names that no domain has: "icon@2x.png". */
static bool is_file_ending(const char *text, size_t len)
{
    static const char *const ENDINGS[] = {"png", "jpg", "jpeg", "gif",  "svg", "webp",
                                          "js",  "css", "html", "json", "csv"};

    for (size_t i = 0; i < ARRAY_LEN(ENDINGS); i++)
        if (letters_equal(text, len, ENDINGS[i]))
            return true;
    return false;
}

/* Labels with dots between, and at the end letters only, at least two. */
static bool domain_is_good(const char *p, const char *end)
{
    const char *label = p;

    for (const char *q = p; q < end; q++) {
        if (*q != '.')
            continue;
        if (q == label || *label == '-' || q[-1] == '-')
            return false;
        label = q + 1;
    }
    if (label == p || end - label < 2 || is_file_ending(label, (size_t)(end - label)))
        return false;
    return !(letters_of(label, (size_t)(end - label)) & ~(unsigned)LETTER_ALPHA);
}

/* scheme://name:password@host is for secrets_find; user@host:path is a place for scp and git. */
static bool is_address_of_machine(const struct span *whole, const char *local, const char *end)
{
    if (end + 1 < whole->end && *end == ':' && letter(end[1]) & (LETTER_WORD | LETTER_DOT | LETTER_OTHER))
        return true;
    return local - whole->start >= 2 && local[-1] == ':' && letter(local[-2]) & LETTER_WORD &&
           letters_contain(whole->start, (size_t)(local - whole->start), "://");
}

bool email_around(const struct span *whole, const char *at)
{
    const char *local = at, *end = at + 1;

    while (local > whole->start && at - local < LOCAL_MAX && is_local(local[-1]))
        local--;
    while (local < at && (strchr(".'/=#&?", *local) || *local == '-'))
        local++;
    while (end < whole->end && end - at < DOMAIN_MAX && is_domain(*end))
        end++;
    while (end > at + 1 && !(letter(end[-1]) & LETTER_WORD))
        end--;
    if (local == at || at[-1] == '.' || !(letters_of(local, (size_t)(at - local)) & LETTER_WORD))
        return false;
    if (local - whole->start >= 2 && memcmp(local - 2, "//", 2) == 0)
        return false;
    return domain_is_good(at + 1, end) && !is_address_of_machine(whole, local, end);
}
