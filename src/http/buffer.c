/* The pool of body buffers: bounded, made on demand, shared by all transfers of the process. Workers only.
 *
 * A transfer holds a buffer while bytes flow. One that waits for its client gives it back, unless it is partly filled
 * and fewer than half of the pool rest that way; so however many slow clients there are, half of the pool moves, and
 * the waiting line is served first come, first served. A sink may keep buffers for a while that the disk determines and
 * no client can stretch; their transfer stands in line like any other. */
#include <string.h>
#include <sys/mman.h>

#include "http/internal.h"

/* Lock held. */
static char *buffer_take_locked(struct http_server *s)
{
    char *buffer = s->free_buffers;
    if (buffer) {
        memcpy(&s->free_buffers, buffer, sizeof s->free_buffers);
        return buffer;
    }
    if (s->buffers_made == s->settings.buffers)
        return NULL;
    /* Page-aligned, so that a sink may write it with O_DIRECT; untouched pages cost nothing. */
    buffer = mmap(NULL, HTTP_BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED)
        abort(); /* as xmalloc: out of memory, and the parent restarts the process */
    s->buffers_made++;
    return buffer;
}

char *buffer_take(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    char *buffer = buffer_take_locked(s);
    pthread_mutex_unlock(&s->lock);
    return buffer;
}

void buffer_give(struct http_server *s, char *buffer)
{
    pthread_mutex_lock(&s->lock);
    struct http_connection *c = TAILQ_FIRST(&s->waiting);
    if (c) {
        TAILQ_REMOVE(&s->waiting, c, link);
        c->x->buffer = buffer;
        conn_enqueue_locked(c);
    } else {
        memcpy(buffer, &s->free_buffers, sizeof s->free_buffers);
        s->free_buffers = buffer;
    }
    pthread_mutex_unlock(&s->lock);
}

void http_buffer_release(struct http_exchange *x, void *buffer)
{
    buffer_give(x->conn->server, buffer);
}

bool buffer_wait(struct http_connection *c)
{
    struct http_server *s = c->server;
    bool goes_on = true;

    pthread_mutex_lock(&s->lock);
    c->x->buffer = TAILQ_EMPTY(&s->waiting) ? buffer_take_locked(s) : NULL;
    if (!c->x->buffer && !c->cut) {
        c->place = PLACE_BUFFER;
        TAILQ_INSERT_TAIL(&s->waiting, c, link);
        goes_on = false;
    }
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

bool buffer_may_rest(struct http_exchange *x)
{
    struct http_server *s = x->conn->server;
    pthread_mutex_lock(&s->lock);
    x->resting = TAILQ_EMPTY(&s->waiting) && s->resting < s->settings.buffers / 2;
    s->resting += x->resting;
    pthread_mutex_unlock(&s->lock);
    return x->resting;
}

bool buffers_wanted(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool wanted = !TAILQ_EMPTY(&s->waiting);
    pthread_mutex_unlock(&s->lock);
    return wanted;
}

void buffers_free(struct http_server *s)
{
    while (s->free_buffers) {
        void *buffer = s->free_buffers;
        memcpy(&s->free_buffers, buffer, sizeof s->free_buffers);
        (void)munmap(buffer, HTTP_BUFFER_SIZE); /* a mapping of ours */
    }
}
