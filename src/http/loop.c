/* The loop thread: accepts, routes events, enforces deadlines, stops. It never blocks on a client and never runs a
 * handler.
 *
 * Deadlines are kept as one number per connection and swept ten times a second: a few thousand comparisons cost less
 * than keeping an ordered structure that workers would have to change under the lock at every hand-over. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "http/internal.h"

#define EVENTS_MAX 256
#define ACCEPT_BATCH 64
#define ACCEPT_PAUSE_MS 200
#define HEAP_KEPT (4 * 1024 * 1024)

void server_wake(struct http_server *s)
{
    uint64_t one = 1;
    if (write(s->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: the loop is awake already */
}

static void listener_arm(struct http_server *s)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->listener_kind};
    s->listening = epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->settings.listen_fd, &event) == 0;
    s->listen_again_ms = clock_mono_ms() + ACCEPT_PAUSE_MS; /* looked at only when that has failed */
}

static void listener_disarm(struct http_server *s)
{
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->settings.listen_fd, NULL); /* armed, so it cannot fail */
    s->listening = false;
    s->listen_again_ms = clock_mono_ms() + ACCEPT_PAUSE_MS;
}

/* Out of descriptors: the reserve serves to take one client off the line and close it, so that clients are refused
 * rather than left hanging, and the loop does not spin on a listener that stays readable. */
static void accept_and_refuse(struct http_server *s)
{
    (void)close(TAKE_FD(s->reserve_fd)); /* a duplicate of wake_fd */
    int fd = accept4(s->settings.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    s->reserve_fd = fcntl(s->wake_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0 || s->reserve_fd < 0)
        listener_disarm(s);
}

/* Returns whether to go on accepting. */
static bool accept_failed(struct http_server *s, int why)
{
    switch (why) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        accept_and_refuse(s);
        return false;
    case EINTR:
    case ECONNABORTED:
        return true;
    default: /* memory, or the network's own errors, which accept(2) passes on */
        listener_disarm(s);
        return false;
    }
}

static void loop_accept(struct http_server *s)
{
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = accept4(s->settings.listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (accept_failed(s, errno))
                continue;
            return;
        }
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a socket that is not TCP needs none */
        conn_open(s, fd, &peer);
    }
}

/* A ready descriptor: a transfer goes to a worker, what is the loop's is served here. A connection that somebody took
 * up meanwhile (a cut) is left to them. */
static void loop_connection(struct http_connection *c)
{
    struct http_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    if (c->place == PLACE_PARKED)
        conn_resume_locked(c);
    bool ours = c->place == PLACE_LOOP;
    pthread_mutex_unlock(&s->lock);
    if (ours)
        conn_loop_step(c);
}

static void loop_event(struct http_server *s, void *what)
{
    switch (*(const enum http_poll_kind *)what) {
    case POLL_LISTENER:
        if (s->listening)
            loop_accept(s);
        break;
    case POLL_WAKE: {
        uint64_t count;
        if (read(s->wake_fd, &count, sizeof count) < 0)
            break; /* read already: nothing is learnt from it but that the loop runs */
        break;
    }
    case POLL_WATCH: {
        const struct http_watch *watch = what;
        if (watch->fd >= 0)
            watch->fn(watch->fd, watch->ctx);
        break;
    }
    case POLL_CONNECTION:
        loop_connection(what);
        break;
    }
}

/* Between batches: what no event can point at any more. */
static void loop_bury(struct http_server *s)
{
    struct http_queue dead = TAILQ_HEAD_INITIALIZER(dead);
    pthread_mutex_lock(&s->lock);
    TAILQ_CONCAT(&dead, &s->dead, link);
    pthread_mutex_unlock(&s->lock);
    while (!TAILQ_EMPTY(&dead)) {
        struct http_connection *c = TAILQ_FIRST(&dead);
        TAILQ_REMOVE(&dead, c, link);
        free(c);
    }

    struct http_watch *watch = LIST_FIRST(&s->watches);
    while (watch) {
        struct http_watch *next = LIST_NEXT(watch, link);
        if (watch->fd < 0) {
            LIST_REMOVE(watch, link);
            free(watch);
        }
        watch = next;
    }
}

/* Lock held. Whether the loop must end what the connection is doing. */
static bool conn_is_due(const struct http_server *s, const struct http_connection *c, int64_t now)
{
    if (c->place == PLACE_LOOP && c->idle && s->stopping)
        return true;
    if (c->place == PLACE_PARKED && stream_wants_end(c))
        return true;
    return c->deadline_ms <= now && (c->place == PLACE_LOOP || c->place == PLACE_PARKED);
}

/* Lock held. A transfer is cut, unless the client has taken bytes meanwhile that earn it more time. A stream sees for
 * itself what is due. */
static void transfer_overdue(struct http_connection *c, int64_t now)
{
    if (c->x->stream) {
        conn_resume_locked(c);
        return;
    }
    rate_waited(c->x, now);
    c->deadline_ms = rate_deadline(c->x, now);
    if (c->deadline_ms <= now)
        conn_cut_locked(c);
}

static void loop_sweep(struct http_server *s, int64_t now)
{
    struct http_queue overdue = TAILQ_HEAD_INITIALIZER(overdue);
    pthread_mutex_lock(&s->lock);
    bool grace_over = s->stopping && now >= s->stop_at_ms;
    for (unsigned i = 0; i < s->connection_count; i++) {
        struct http_connection *c = s->connections[i];
        if (grace_over && c->place != PLACE_LOOP)
            conn_cut_locked(c);
        else if (!grace_over && !conn_is_due(s, c, now))
            continue;
        else if (c->place == PLACE_LOOP)
            TAILQ_INSERT_TAIL(&overdue, c, link); /* ours: nobody else touches it when the lock is gone */
        else
            transfer_overdue(c, now);
    }
    pthread_mutex_unlock(&s->lock);
    while (!TAILQ_EMPTY(&overdue)) {
        struct http_connection *c = TAILQ_FIRST(&overdue);
        TAILQ_REMOVE(&overdue, c, link);
        if (grace_over)
            conn_close(c);
        else
            conn_overdue(c);
    }
    if (!s->listening && !s->stopping && now >= s->listen_again_ms)
        listener_arm(s);
}

/* Milliseconds until the next sweep; -1 while there is nothing to sweep. */
static int loop_timeout(struct http_server *s, int64_t next_sweep)
{
    pthread_mutex_lock(&s->lock);
    bool nothing = s->connection_count == 0 && s->listening;
    pthread_mutex_unlock(&s->lock);
    int64_t left = next_sweep - clock_mono_ms();
    if (nothing)
        return -1;
    return left > 0 ? (int)left : 0;
}

/* Whether all is done after http_server_stop. */
static bool loop_stopped(struct http_server *s)
{
    if (!s->stopping)
        return false;
    if (s->listening)
        listener_disarm(s);
    pthread_mutex_lock(&s->lock);
    bool done = s->connection_count == 0;
    pthread_mutex_unlock(&s->lock);
    return done;
}

void http_server_run(struct http_server *s)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t next_sweep = 0;

    /* Each request frees what it took; giving the heap's top back to the kernel and faulting it in again for the next
     * would cost more than serving a small request. */
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
    workers_start(s);
    listener_arm(s);
    while (!loop_stopped(s)) {
        int count = epoll_wait(s->epoll_fd, events, EVENTS_MAX, loop_timeout(s, next_sweep));
        for (int i = 0; i < count; i++)
            loop_event(s, events[i].data.ptr);
        int64_t now = clock_mono_ms();
        if (now >= next_sweep) {
            loop_sweep(s, now);
            next_sweep = now + HTTP_TICK_MS;
        }
        loop_bury(s);
    }
    workers_join(s);
    loop_bury(s);
}

void http_server_stop(struct http_server *s, unsigned grace_ms)
{
    pthread_mutex_lock(&s->lock);
    s->stop_at_ms = clock_mono_ms() + grace_ms;
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    server_wake(s);
}
