/* Reads clamd's answers. Pure; must never guess. */
#include "gate/reply.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"

#define DESCRIPTOR_MAX 10000000 /* of clamd's own: it proves nothing, but has a form */
#define VERSION_PREFIX "ClamAV "

/* A piece of the answer that is still to be read. */
struct rest {
    const char *p;
    size_t len;
};

static bool rest_is(const struct rest *rest, const char *text)
{
    return rest->len == strlen(text) && memcmp(rest->p, text, rest->len) == 0;
}

static bool rest_begins(const struct rest *rest, const char *text)
{
    return rest->len >= strlen(text) && memcmp(rest->p, text, strlen(text)) == 0;
}

/* Takes the text off the front. */
static bool rest_skip(struct rest *rest, const char *text)
{
    if (!rest_begins(rest, text))
        return false;
    rest->p += strlen(text);
    rest->len -= strlen(text);
    return true;
}

/* Takes the text off the end, if something stands in front of it. */
static bool rest_ends(struct rest *rest, const char *text)
{
    size_t len = strlen(text);

    if (rest->len <= len || memcmp(rest->p + rest->len - len, text, len) != 0)
        return false;
    rest->len -= len;
    return true;
}

/* Takes what stands in front of c, and c itself; everything, where there is no c. */
static struct rest rest_until(struct rest *rest, char c)
{
    const char *found = memchr(rest->p, c, rest->len);
    struct rest head = {rest->p, found ? (size_t)(found - rest->p) : rest->len};
    size_t taken = head.len + (found ? 1 : 0);

    rest->p += taken;
    rest->len -= taken;
    return head;
}

/* Copies printable ASCII; false when it is something else or does not fit. */
static bool rest_copy(const struct rest *rest, char *dst, size_t size)
{
    dst[0] = '\0';
    if (rest->len >= size)
        return false;
    for (size_t i = 0; i < rest->len; i++)
        if (rest->p[i] < ' ' || rest->p[i] > '~')
            return false;
    memcpy(dst, rest->p, rest->len);
    dst[rest->len] = '\0';
    return true;
}

static enum reply_kind found_kind(const char *name)
{
    if (str_starts(name, "Heuristics.Encrypted."))
        return REPLY_ENCRYPTED;
    if (str_starts(name, "Heuristics.Limits.Exceeded"))
        return REPLY_LIMIT;
    return REPLY_FOUND;
}

/* "fd[9]: " */
static bool skip_descriptor(struct rest *rest)
{
    uint64_t number;

    if (!rest_skip(rest, "fd["))
        return false;
    struct rest digits = rest_until(rest, ']');
    return num_parse_len(digits.p, digits.len, 0, DESCRIPTOR_MAX, &number) && rest_skip(rest, ": ");
}

void reply_scan(const char *bytes, size_t len, struct reply *ret)
{
    struct rest rest = {bytes, len};
    bool of_file = skip_descriptor(&rest);

    *ret = (struct reply){.kind = REPLY_NONSENSE};
    if (of_file && rest_is(&rest, "OK"))
        ret->kind = REPLY_CLEAN;
    else if (of_file && rest_ends(&rest, " FOUND") && rest_copy(&rest, ret->text, sizeof ret->text))
        ret->kind = found_kind(ret->text);
    else if (rest_ends(&rest, " ERROR") && rest_copy(&rest, ret->text, sizeof ret->text))
        ret->kind = REPLY_ERROR;
}

/* ctime(3): "Mon Nov 23 08:26:24 2026", days below ten with a space in front. 0: it is none. */
static int64_t read_date(const struct rest *rest)
{
    int64_t seconds;
    char day[3] = "";

    if (rest->len != strlen("Mon Nov 23 08:26:24 2026"))
        return 0;
    const char *p = rest->p;
    memcpy(day, p + 8, 2);
    if (day[0] == ' ')
        day[0] = '0';
    /* clock_parse_http wants "Mon, 23 Nov 2026 08:26:24 GMT" */
    AUTO_FREE char *http = xasprintf("%.3s, %s %.3s %.4s %.8s GMT", p, day, p + 4, p + 20, p + 11);
    return clock_parse_http(http, &seconds) && seconds > 0 ? seconds : 0;
}

bool reply_version(const char *bytes, size_t len, struct version *ret)
{
    struct rest rest = {bytes, len};
    struct version version = {.base_s = 0};

    if (!rest_copy(&rest, version.text, sizeof version.text) || !rest_skip(&rest, VERSION_PREFIX))
        return false;
    struct rest engine = rest_until(&rest, '/');
    struct rest base = rest_until(&rest, '/');
    if (engine.len == 0 || !rest_copy(&engine, version.engine, sizeof version.engine) ||
        !rest_copy(&base, version.base, sizeof version.base))
        return false;
    version.base_s = read_date(&rest);
    *ret = version;
    return true;
}

json_t *version_render(const struct version *version)
{
    json_t *engine = json_pack("{s:s, s:s}", "name", "clamav", "version", version->engine);
    char date[CLOCK_TEXT_MAX];

    if (version->base[0])
        json_object_set_new(engine, "base", json_string(version->base));
    if (version->base_s > 0) {
        clock_format_iso(version->base_s * 1000000, date);
        json_object_set_new(engine, "baseDate", json_string(date));
    }
    return engine;
}
