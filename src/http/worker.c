/* The worker threads and every hand-over of a connection between them and the loop. A worker takes a connection from
 * the queue and runs its steps until it would have to wait for something; it never waits for a client. */
#include <assert.h>
#include <signal.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "http/internal.h"

void conn_arm(struct http_connection *c, uint32_t events)
{
    struct epoll_event event = {.events = io_events(c, events) | EPOLLONESHOT, .data.ptr = c};
    int rc = epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
    assert(rc == 0); /* the descriptor is ours and registered since conn_open */
}

/* Waking a thread costs more than a small request: one worker is called at a time, and calls the next one itself as
 * long as there is work left when it has taken its own. So no work waits while a worker sleeps, and a burst that one
 * worker can finish at once wakes one. */
static void worker_call_locked(struct http_server *s)
{
    if (s->workers_called || s->workers_idle == 0 || TAILQ_EMPTY(&s->work))
        return;
    s->workers_called = true;
    pthread_cond_signal(&s->work_ready);
}

void conn_enqueue_locked(struct http_connection *c)
{
    struct http_server *s = c->server;
    c->place = PLACE_QUEUED;
    TAILQ_INSERT_TAIL(&s->work, c, link);
    worker_call_locked(s);
}

void conn_enqueue(struct http_connection *c)
{
    struct http_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    conn_enqueue_locked(c);
    pthread_mutex_unlock(&s->lock);
}

void conn_resume_locked(struct http_connection *c)
{
    rate_waited(c->x, clock_mono_ms());
    if (c->x->resting) {
        c->x->resting = false;
        c->server->resting--;
    }
    conn_enqueue_locked(c);
}

void conn_cut_locked(struct http_connection *c)
{
    if (!c->cut) {
        c->cut = true;
        (void)shutdown(c->fd, SHUT_RDWR); /* it may be shut already */
    }
    if (c->place == PLACE_PARKED) {
        conn_resume_locked(c);
    } else if (c->place == PLACE_BUFFER) {
        TAILQ_REMOVE(&c->server->waiting, c, link);
        conn_enqueue_locked(c);
    }
}

/* A transfer waits for its socket. false: it was cut meanwhile and goes on with that. */
static bool conn_park(struct http_connection *c, uint32_t events)
{
    struct http_server *s = c->server;
    int64_t now = clock_mono_ms();
    int64_t deadline = rate_deadline(c->x, now);

    pthread_mutex_lock(&s->lock);
    bool parked = !c->cut;
    if (parked) {
        c->place = PLACE_PARKED;
        c->deadline_ms = deadline;
        conn_arm(c, events);
    } else if (c->x->resting) {
        c->x->resting = false;
        s->resting--;
    }
    pthread_mutex_unlock(&s->lock);
    return parked;
}

/* Back to the loop: for the next head, or to discard input. false: cut, to be closed. */
static bool conn_return(struct http_connection *c)
{
    struct http_server *s = c->server;
    int64_t deadline = conn_loop_deadline(c);

    pthread_mutex_lock(&s->lock);
    bool returned = !c->cut;
    if (returned) {
        c->place = PLACE_LOOP;
        c->deadline_ms = deadline;
        conn_arm(c, EPOLLIN);
    }
    pthread_mutex_unlock(&s->lock);
    return returned;
}

bool work_waits(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool waits = !TAILQ_EMPTY(&s->work);
    pthread_mutex_unlock(&s->lock);
    return waits;
}

static enum http_step to_loop(struct http_connection *c)
{
    (void)c;
    return STEP_LOOP;
}

static enum http_step (*const STEPS[PHASE_COUNT])(struct http_connection *c) = {
    [PHASE_PROXY] = to_loop,          [PHASE_HANDSHAKE] = conn_handshake, [PHASE_HEAD] = conn_next_head,
    [PHASE_HANDLE] = exchange_handle, [PHASE_REFUSE] = exchange_refuse,   [PHASE_WORK] = exchange_work,
    [PHASE_BODY] = body_step,         [PHASE_REPLY] = send_step,          [PHASE_STREAM] = stream_step,
    [PHASE_DRAIN] = to_loop,          [PHASE_LINGER] = to_loop,
};

/* Runs a connection until somebody else owns it. */
static void conn_work(struct http_connection *c)
{
    for (;;) {
        switch (c->cut ? STEP_CLOSE : STEPS[c->phase](c)) {
        case STEP_NEXT:
            break;
        case STEP_READ:
            if (conn_park(c, EPOLLIN))
                return;
            break;
        case STEP_WRITE:
            if (conn_park(c, EPOLLOUT))
                return;
            break;
        case STEP_STREAM:
            if (stream_park(c))
                return;
            break;
        case STEP_BUFFER:
            if (!buffer_wait(c))
                return;
            break;
        case STEP_YIELD:
            conn_enqueue(c);
            return;
        case STEP_LOOP:
            if (conn_return(c))
                return;
            break;
        case STEP_CLOSE:
            conn_close(c);
            return;
        }
    }
}

static void *worker_main(void *ctx)
{
    struct http_server *s = ctx;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct http_connection *c = TAILQ_FIRST(&s->work);
        if (c) {
            TAILQ_REMOVE(&s->work, c, link);
            c->place = PLACE_WORKER;
            worker_call_locked(s);
            pthread_mutex_unlock(&s->lock);
            conn_work(c);
            pthread_mutex_lock(&s->lock);
        } else if (s->workers_end) {
            break;
        } else {
            s->workers_idle++;
            pthread_cond_wait(&s->work_ready, &s->lock);
            s->workers_idle--;
            s->workers_called = false;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void workers_start(struct http_server *s)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's main thread's; see io_send_file */
    s->threads = xcalloc(s->settings.workers, sizeof *s->threads);
    while (s->thread_count < s->settings.workers &&
           pthread_create(&s->threads[s->thread_count], NULL, worker_main, s) == 0)
        s->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (s->thread_count == 0)
        abort(); /* as out of memory: the parent restarts the process */
}

void workers_join(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->workers_end = true;
    pthread_cond_broadcast(&s->work_ready);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->thread_count; i++)
        pthread_join(s->threads[i], NULL);
    free(s->threads);
    s->threads = NULL;
    s->thread_count = 0;
}
