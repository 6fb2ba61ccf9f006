/* Growable bounded strings and fatal-on-failure allocation. Linked into every program; no I/O but a last word on
 * stderr. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static NORETURN void out_of_memory(void)
{
    static const char LAST_WORD[] = "airlock: out of memory\n";
    if (write(STDERR_FILENO, LAST_WORD, sizeof LAST_WORD - 1) < 0)
        abort();
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *xstrndup(const char *text, size_t len)
{
    char *p = xmalloc(len + 1);
    memcpy(p, text, len);
    p[len] = '\0';
    return p;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xasprintf(const char *fmt, ...)
{
    char *p = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&p, fmt, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    return p;
}

void str_done(struct str *s)
{
    free(s->p);
    *s = STR_INIT(s->max);
}

void str_reset(struct str *s)
{
    s->len = 0;
    s->overflow = false;
    if (s->p)
        s->p[0] = '\0';
}

const char *str_text(const struct str *s)
{
    return s->p ? s->p : "";
}

/* Makes room for extra more bytes and the NUL; false sets the latch. */
static bool str_room(struct str *s, size_t extra)
{
    if (s->overflow || extra > s->max || s->len > s->max - extra) {
        s->overflow = true;
        return false;
    }
    size_t need = s->len + extra + 1;
    if (need <= s->cap)
        return true;
    size_t cap = s->cap ? s->cap : 64;
    while (cap < need)
        cap *= 2;
    s->p = xrealloc(s->p, cap);
    s->cap = cap;
    return true;
}

void str_append_len(struct str *s, const void *bytes, size_t len)
{
    if (!str_room(s, len))
        return;
    if (len)
        memcpy(s->p + s->len, bytes, len);
    s->len += len;
    s->p[s->len] = '\0';
}

void str_append(struct str *s, const char *text)
{
    str_append_len(s, text, strlen(text));
}

void str_append_char(struct str *s, char c)
{
    str_append_len(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len >= 0 && str_room(s, (size_t)len)) {
        (void)vsnprintf(s->p + s->len, (size_t)len + 1, fmt, again); /* sized one line above */
        s->len += (size_t)len;
    }
    va_end(again);
}

void str_append_xml(struct str *s, const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (*c == '&')
            str_append(s, "&amp;");
        else if (*c == '<')
            str_append(s, "&lt;");
        else if (*c == '>')
            str_append(s, "&gt;");
        else if (*c == '"')
            str_append(s, "&quot;");
        else if (u < 0x20 && *c != '\t' && *c != '\n' && *c != '\r')
            str_append_char(s, '?');
        else
            str_append_char(s, *c);
    }
}

void str_append_url(struct str *s, const char *text)
{
    static const char UNRESERVED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *c = text; *c; c++)
        if (strchr(UNRESERVED, *c))
            str_append_char(s, *c);
        else
            str_printf(s, "%%%02X", (unsigned)(unsigned char)*c);
}

bool str_copy(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) {
        dst[0] = '\0';
        return false;
    }
    memcpy(dst, text, len + 1);
    return true;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void secret_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}
