/* Streams of events. One thread reads for all of them, woken by core or every 15 s; what happens while it reads is one
 * more look, not one an event. Part of airlock-api. It forwards each stream's token and believes core alone: a refusal
 * ends the stream. Never waits for a client, and never asks core with the lock held. */
#include "api/feed.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "base/clock.h"

#define LOOK_MS 15000                         /* without news */
#define GAP_MS 100                            /* between two looks, and as long as the first took: core has others */
#define AGAIN_MS 1000                         /* core is away */
#define BEHIND_MS 250                         /* a client has not yet taken what it was sent */
#define LIFE_S 3600                           /* then the client comes back with a token of that day */
#define RETRY_MS 2000                         /* what clients are told to wait before that */
#define BEHIND_BYTES ((size_t)64 * 1024)      /* that wait for a client: no more is read for it */
#define WAITING_MAX ((size_t)8 * 1024 * 1024) /* these and one answer of core: 1000 long names */
#define RENDER_MAX ((size_t)32 * 1024 * 1024) /* a frame */
#define FULL_RETRY_S 30

struct feed_stream {
    TAILQ_ENTRY(feed_stream) link;
    struct feed *feed;
    enum message message;
    char *token;
    char *address;
    char *workspace; /* "" is the TRE */
    char *subject;
    int64_t expires_s;

    struct http_exchange *x; /* under the feed's lock, as all below; NULL: not begun, or over */
    unsigned refs;           /* the exchange's, and the thread's while it asks */
    int64_t after;
    bool due; /* there is more to read than was read */
    unsigned round;
};

TAILQ_HEAD(feed_list, feed_stream);

struct feed {
    struct ipc_client *core;
    unsigned max;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t hurried;
    pthread_t thread;
    bool started;
    bool ending;
    struct feed_list streams; /* those of this round at the end */
    unsigned count;
    unsigned round;
    bool news;
    int64_t look_at; /* monotonic ms: when the next round is */
    int64_t all_at;  /* and when the next is of all streams, whatever was heard */
    int64_t rest_until;
};

struct feed *feed_new(struct ipc_client *core, unsigned max)
{
    struct feed *feed = xcalloc(1, sizeof *feed);
    pthread_condattr_t monotonic;

    feed->core = core;
    feed->max = max;
    TAILQ_INIT(&feed->streams);
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->hurried, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return feed;
}

/* Lock held. */
static void feed_hurry(struct feed *feed, int64_t at)
{
    if (at < feed->rest_until)
        at = feed->rest_until;
    if (at >= feed->look_at)
        return;
    feed->look_at = at;
    pthread_cond_signal(&feed->hurried);
}

void feed_news(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->news = true;
    feed_hurry(feed, clock_mono_ms());
    pthread_mutex_unlock(&feed->lock);
}

/* --- Streams --- */

/* Lock held. */
static void stream_release(struct feed_stream *stream)
{
    if (--stream->refs > 0)
        return;
    secret_wipe(stream->token, strlen(stream->token));
    free(stream->token);
    free(stream->address);
    free(stream->workspace);
    free(stream->subject);
    free(stream);
}

/* The exchange has ended. */
static void stream_gone(void *state)
{
    struct feed_stream *stream = state;
    struct feed *feed = stream->feed;

    pthread_mutex_lock(&feed->lock);
    stream->x = NULL;
    TAILQ_REMOVE(&feed->streams, stream, link);
    feed->count--;
    stream_release(stream);
    pthread_mutex_unlock(&feed->lock);
}

void feed_render(const json_t *answer, bool first, struct str *out)
{
    const json_t *events = json_object_get(answer, "events");
    size_t i;
    const json_t *event;

    if (first)
        str_printf(out, "retry: %d\n", RETRY_MS);
    if (json_flag(answer, "reset"))
        str_append(out, "event: reset\ndata: {\"detail\":\"Events after the given id are not kept any more: read the "
                        "list of requests anew\"}\n");
    if (out->len > 0 && json_array_size(events) == 0) /* else theirs follow */
        str_printf(out, "id: %lld\n", (long long)json_int(answer, "next"));
    if (out->len > 0)
        str_append(out, "\n");
    json_array_foreach(events, i, event)
        str_printf(out, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)json_int(event, "id"), json_text(event, "kind"),
                   json_text(event, "event"));
}

/* Lock held. */
static void stream_tell(struct feed_stream *stream, const json_t *answer, bool first)
{
    AUTO_STR struct str text = STR_INIT(RENDER_MAX);

    feed_render(answer, first, &text);
    if (text.len > 0)
        (void)http_stream_write(stream->x, str_text(&text), text.len); /* else it is over, and stream_gone comes */
    stream->after = json_int(answer, "next");
    stream->due = json_flag(answer, "more");
}

/* --- The thread --- */

static int stream_ask(const struct feed_stream *stream, json_t **ret, struct error *err)
{
    json_t *question = json_pack("{s:s, s:s, s:I, s:b}", "token", stream->token, "address", stream->address, "after",
                                 (json_int_t)stream->after, "again", 1);
    if (stream->workspace[0] != '\0')
        json_object_set_new(question, "workspace", json_string(stream->workspace));
    return ipc_call(stream->feed->core, stream->message, question, ret, err);
}

/* Lock held, given up while core is asked. false: core is away, and the rest must wait as well. */
static bool stream_read(struct feed_stream *stream)
{
    struct feed *feed = stream->feed;
    AUTO_JSON json_t *answer = NULL;
    struct error err = {0};

    stream->refs++;
    pthread_mutex_unlock(&feed->lock);
    int r = stream_ask(stream, &answer, &err);
    pthread_mutex_lock(&feed->lock);
    bool away = r != 0 && error_http_status(err.code) >= 500;
    if (stream->x && r == 0)
        stream_tell(stream, answer, false);
    else if (stream->x && !away)
        http_stream_end(stream->x);
    if (stream->due)
        feed_hurry(feed, clock_mono_ms());
    stream_release(stream);
    return !away;
}

/* Lock held. One look for each stream, or for those with something left to read. */
static void feed_look(struct feed *feed, bool at_all)
{
    struct feed_stream *stream;

    feed->round++;
    /* NOLINTNEXTLINE: who stands in the list has a reference until stream_gone takes both away */
    while (!feed->ending && (stream = TAILQ_FIRST(&feed->streams)) && stream->round != feed->round) {
        stream->round = feed->round;
        TAILQ_REMOVE(&feed->streams, stream, link);
        TAILQ_INSERT_TAIL(&feed->streams, stream, link);
        if (!stream->x || (!at_all && !stream->due))
            continue;
        stream->due = true; /* until it was read to the end */
        if (http_stream_waiting(stream->x) > BEHIND_BYTES) {
            feed_hurry(feed, clock_mono_ms() + BEHIND_MS);
        } else if (!stream_read(stream)) {
            feed->news = true;
            feed->rest_until = clock_mono_ms() + AGAIN_MS;
            feed_hurry(feed, 0);
            return;
        }
    }
}

/* Lock held. */
static void feed_rest(struct feed *feed, int64_t until)
{
    if (until > feed->rest_until)
        feed->rest_until = until;
    if (feed->look_at < feed->rest_until)
        feed->look_at = feed->rest_until;
}

/* Lock held: waits until the next look is due. */
static void feed_wait(struct feed *feed)
{
    while (!feed->ending && clock_mono_ms() < feed->look_at) {
        struct timespec until = {.tv_sec = feed->look_at / 1000, .tv_nsec = feed->look_at % 1000 * 1000000};
        (void)pthread_cond_timedwait(&feed->hurried, &feed->lock, &until);
    }
}

static void *feed_main(void *ctx)
{
    struct feed *feed = ctx;

    pthread_mutex_lock(&feed->lock);
    for (feed_wait(feed); !feed->ending; feed_wait(feed)) {
        int64_t now = clock_mono_ms();
        bool at_all = feed->news || now >= feed->all_at;
        feed->news = false;
        if (at_all)
            feed->all_at = now + LOOK_MS;
        feed->look_at = feed->all_at;
        feed_look(feed, at_all);
        feed_rest(feed, 2 * clock_mono_ms() - now + GAP_MS);
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

/* Lock held. Once somebody follows, so that nothing runs before the process is confined. */
static int feed_start(struct feed *feed, struct error *err)
{
    sigset_t all;
    sigset_t before;

    if (feed->started)
        return 0;
    feed->all_at = feed->look_at = clock_mono_ms() + LOOK_MS;
    (void)sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    feed->started = pthread_create(&feed->thread, NULL, feed_main, feed) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return feed->started ? 0 : error_set(err, E_UNAVAILABLE, "Events cannot be followed just now; try again later");
}

void feed_free(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->ending = true;
    pthread_cond_signal(&feed->hurried);
    bool started = feed->started;
    pthread_mutex_unlock(&feed->lock);
    if (started)
        pthread_join(feed->thread, NULL);
    pthread_cond_destroy(&feed->hurried);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

/* --- New streams --- */

/* Lock held. */
static int feed_check_room(const struct feed *feed, const char *subject, struct error *err)
{
    const struct feed_stream *stream;
    unsigned own = 0;

    TAILQ_FOREACH(stream, &feed->streams, link)
        own += strcmp(stream->subject, subject) == 0;
    int code = own >= FEED_EACH_MAX ? E_RATE : feed->count >= feed->max ? E_UNAVAILABLE : 0;
    if (code == E_RATE)
        (void)error_set(err, code, "You follow events %d times already, which is the most: end one first",
                        FEED_EACH_MAX);
    else if (code != 0)
        (void)error_set(err, code, "Too many people follow events just now; try again later");
    if (err && code != 0)
        err->retry_after_s = FULL_RETRY_S;
    return code;
}

int feed_admit(struct feed *feed, enum message message, const json_t *question, const json_t *first,
               struct feed_stream **ret, struct error *err)
{
    const char *subject = json_text(first, "subject");

    pthread_mutex_lock(&feed->lock);
    int r = feed_start(feed, err);
    if (r == 0)
        r = feed_check_room(feed, subject, err);
    if (r == 0) {
        struct feed_stream *stream = xcalloc(1, sizeof *stream);
        *stream = (struct feed_stream){.feed = feed,
                                       .message = message,
                                       .token = xstrdup(json_text(question, "token")),
                                       .address = xstrdup(json_text(question, "address")),
                                       .workspace = xstrdup(json_text(question, "workspace")),
                                       .subject = xstrdup(subject),
                                       .expires_s = json_int(first, "expiresS"),
                                       .refs = 1,
                                       .round = feed->round};
        TAILQ_INSERT_TAIL(&feed->streams, stream, link);
        feed->count++;
        *ret = stream;
    }
    pthread_mutex_unlock(&feed->lock);
    return r;
}

static unsigned life_ms(const struct feed_stream *stream)
{
    int64_t left_s = stream->expires_s - clock_now_s();

    if (left_s > LIFE_S)
        left_s = LIFE_S;
    return left_s > 1 ? (unsigned)left_s * 1000 : 1000;
}

void feed_begin(struct feed_stream *stream, struct http_exchange *x, const json_t *first)
{
    struct feed *feed = stream->feed;
    const struct http_stream_limits limits = {.waiting_max = WAITING_MAX,
                                              .stall_ms = 30000,
                                              .life_ms = life_ms(stream),
                                              .heartbeat = ":\n\n",
                                              .heartbeat_ms = 15000};

    http_exchange_set_state(x, stream, stream_gone);
    http_stream_begin(x, 200, FEED_TYPE, &limits);
    pthread_mutex_lock(&feed->lock);
    stream->x = x;
    stream_tell(stream, first, true);
    stream->due = true; /* what happened since core's first answer */
    feed_hurry(feed, clock_mono_ms());
    pthread_mutex_unlock(&feed->lock);
}
