/* Following events across broken connections, restarts and tokens that end; and `airlock events`, which prints them. */
#include "cli/feed.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "cli/api.h"
#include "cli/request.h"
#include "cli/table.h"
#include "cli/workspace.h"

#define SILENCE_MS 45000 /* the server says something every 15 s */
#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS 15000
#define SETTLED_MS 5000 /* a stream that lasted as long was a good one */
#define TIMEOUT_MAX_S (30 * 24 * 3600)

/* One after the other, the streams of one following. */
struct following {
    struct cli *cli;
    struct web *web;
    const struct feed_reader *reader;
    const char *workspace;
    int64_t until_ms;
    struct sse sse;
    bool placed; /* the reader knows of this stream */
    int answer;  /* the reader's last one */
    struct error *err;
    uint64_t retry_s; /* what the server asked for */
};

static bool is_passing(int code)
{
    return code == E_UNAVAILABLE || code == E_UNKNOWN || code == E_RATE || code == E_INTERNAL;
}

static int on_event(void *ctx, const struct sse_event *event, struct error *err)
{
    struct following *f = ctx;
    int r = !f->placed && f->reader->opened ? f->reader->opened(f->reader->ctx, err) : FEED_ON;

    f->placed = true;
    return r == FEED_ON && *event->data ? f->reader->heard(f->reader->ctx, event, err) : r;
}

static bool on_bytes(void *ctx, const char *bytes, size_t len)
{
    struct following *f = ctx;

    f->answer = sse_push(&f->sse, bytes, len, f->err);
    return f->answer == FEED_ON;
}

/* One stream, to its end. */
static int listen_once(struct following *f, struct error *err)
{
    struct web_listener listener = {.hear = on_bytes, .ctx = f, .until_ms = f->until_ms, .silence_ms = SILENCE_MS};
    AUTO_FREE char *path = f->workspace ? xasprintf("/workspaces/%s/events", f->workspace) : xstrdup("/events");
    const struct api_call call = {.method = "GET", .path = path, .workspace = f->workspace};
    const struct api_listening listening = {.web = f->web, .listener = &listener, .last_id = f->sse.id};

    f->placed = false;
    f->answer = FEED_ON;
    f->err = err;
    f->retry_s = 0;
    sse_restart(&f->sse);
    int r = api_listen_any(f->cli, &call, &listening, &f->retry_s, err);
    return r ? r : f->answer;
}

/* Half of it at least, so that those whom a restart has cut off do not come back together. */
static int64_t spread(int64_t pause_ms)
{
    uint16_t jitter;

    random_fill(&jitter, sizeof jitter);
    return pause_ms / 2 + pause_ms / 2 * jitter / UINT16_MAX;
}

static int follow(struct following *f, struct error *err)
{
    int64_t pause = PAUSE_FIRST_MS;

    for (;;) {
        int64_t began = clock_mono_ms();
        int r = listen_once(f, err);
        int64_t now = clock_mono_ms();
        if (r == FEED_ENOUGH || (r < 0 && !is_passing(r)))
            return r;
        if (now - began > SETTLED_MS)
            pause = PAUSE_FIRST_MS;
        int64_t wait = f->retry_s > 0 ? (int64_t)f->retry_s * 1000 : spread(pause);
        if (now + wait >= f->until_ms)
            wait = f->until_ms - now;
        if (wait <= 0)
            return FEED_ON;
        request_pause(wait);
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

int feed_follow(struct cli *cli, const char *workspace, const char *since, int64_t until_ms,
                const struct feed_reader *reader, struct error *err)
{
    AUTO_WEB struct web *web = web_new(); /* of its own: readers use the other meanwhile */
    struct following f = {.cli = cli, .web = web, .reader = reader, .workspace = workspace, .until_ms = until_ms};

    f.sse = SSE_INIT(on_event, &f);
    (void)str_copy(f.sse.id, sizeof f.sse.id, since ? since : "");
    int r = follow(&f, err);
    sse_done(&f.sse);
    return r;
}

/* --- airlock events --- */

/* One line of JSON an event, so that programs can read it as it comes. */
static int print_event(void *ctx UNUSED, const struct sse_event *event, struct error *err)
{
    AUTO_STR struct str line = STR_INIT(2 * SSE_EVENT_MAX);
    AUTO_JSON json_t *data = NULL;

    if (json_parse_object(event->data, strlen(event->data), &data, err) != 0)
        return error_set(err, E_PROTOCOL, "The server tells an event that is no JSON");
    AUTO_JSON json_t *told = json_pack("{s:s, s:s, s:O}", "id", event->id, "kind", event->kind, "event", data);
    if (!told)
        return error_set(err, E_PROTOCOL, "The server tells an event that is no text");
    json_append_value(&line, told);
    str_append_char(&line, '\n');
    return output_write(str_text(&line), err);
}

int events_run(struct cli *cli, const struct args *args, struct error *err)
{
    static const struct feed_reader PRINTER = {.heard = print_event};
    AUTO_FREE char *workspace = NULL;
    AUTO_FREE char *since = NULL;
    AUTO_JSON json_t *caller = NULL;
    uint64_t id, timeout;
    int r = args_number(args, "since", 0, 0, INT64_MAX / 2, &id, err);

    if (!r)
        r = args_number(args, "timeout", TIMEOUT_MAX_S, 1, TIMEOUT_MAX_S, &timeout, err);
    if (!r && workspace_option(args))
        r = workspace_need(cli, args, &workspace, err);
    if (!r)
        r = api_caller(cli, workspace, &caller, err); /* who has no login, or no server, hears of it now */
    if (r)
        return r;
    int64_t until_ms = clock_mono_ms() + (int64_t)timeout * 1000;
    if (args_has(args, "since"))
        since = xasprintf("%llu", (unsigned long long)id);
    r = feed_follow(cli, workspace, since, until_ms, &PRINTER, err);
    return r < 0 ? r : 0;
}
