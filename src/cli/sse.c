/* Reading server-sent events: lines into fields, fields into blocks. No I/O; every length is bounded. */
#include "cli/sse.h"

#include <string.h>

void sse_done(struct sse *sse)
{
    str_done(&sse->line);
    str_done(&sse->data);
}

static void block_forget(struct sse *sse)
{
    str_reset(&sse->data);
    sse->kind[0] = '\0';
    sse->begun = false;
}

void sse_restart(struct sse *sse)
{
    block_forget(sse);
    str_reset(&sse->line);
}

/* A value that is too long counts as absent. */
static void take_text(char *to, size_t size, const char *value)
{
    if (!str_copy(to, size, value))
        to[0] = '\0';
}

static void take_field(struct sse *sse, const char *name, const char *value)
{
    if (strcmp(name, "id") == 0)
        take_text(sse->id, sizeof sse->id, value);
    else if (strcmp(name, "event") == 0)
        take_text(sse->kind, sizeof sse->kind, value);
    else if (strcmp(name, "data") == 0)
        str_printf(&sse->data, "%s%s", sse->data.len ? "\n" : "", value);
    else
        return; /* "retry", or what we do not know */
    sse->begun = true;
}

static int block_tell(struct sse *sse, struct error *err)
{
    const struct sse_event event = {.id = sse->id, .kind = sse->kind, .data = str_text(&sse->data)};
    int r = sse->begun ? sse->told(sse->ctx, &event, err) : 0;

    block_forget(sse);
    return r;
}

/* "name: value", "name:value" or "name"; ": a comment"; or nothing, the end of a block. */
static int take_line(struct sse *sse, struct error *err)
{
    AUTO_STR struct str line = sse->line;
    sse->line = STR_INIT(SSE_EVENT_MAX);

    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.p[--line.len] = '\0';
    if (line.len == 0)
        return block_tell(sse, err);
    char *colon = strchr(line.p, ':');
    const char *value = colon ? colon + 1 : "";
    if (colon)
        *colon = '\0';
    if (*line.p)
        take_field(sse, line.p, *value == ' ' ? value + 1 : value);
    return 0;
}

int sse_push(struct sse *sse, const char *bytes, size_t len, struct error *err)
{
    int r = 0;

    while (len > 0 && r == 0) {
        const char *feed = memchr(bytes, '\n', len);
        size_t plain = feed ? (size_t)(feed - bytes) : len;
        size_t used = feed ? plain + 1 : len;

        str_append_len(&sse->line, bytes, plain);
        if (!sse->line.overflow && feed)
            r = take_line(sse, err);
        if (sse->line.overflow || sse->data.overflow)
            return error_set(err, E_LIMIT, "The server tells an event of more than %zu MiB", SSE_EVENT_MAX >> 20);
        bytes += used;
        len -= used;
    }
    return r;
}
