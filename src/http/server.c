/* The server object: made, given other descriptors to watch, freed. No connection is served here. */
#include <assert.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "http/internal.h"

static int server_open(struct http_server *s, struct error *err)
{
    int flags = fcntl(s->settings.listen_fd, F_GETFL);
    if (flags < 0 || fcntl(s->settings.listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return error_set_errno(err, E_IO, "The listening socket cannot be used");
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->reserve_fd = fcntl(s->wake_fd, F_DUPFD_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->wake_kind};
    if (s->reserve_fd < 0 || s->epoll_fd < 0 || s->wake_fd < 0 ||
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &event) < 0)
        return error_set_errno(err, E_IO, "The event loop cannot be made");
    return 0;
}

int http_server_new(const struct http_settings *settings, struct http_server **ret, struct error *err)
{
    assert(settings->handler && settings->workers > 0 && settings->max_connections > 0 && settings->buffers > 0);
    struct http_server *s = xcalloc(1, sizeof *s);
    s->settings = *settings;
    s->listener_kind = POLL_LISTENER;
    s->wake_kind = POLL_WAKE;
    s->epoll_fd = s->wake_fd = s->reserve_fd = -1;
    s->grace_ms = HTTP_GRACE_MS;
    s->scratch = xmalloc(HTTP_DRAIN_MAX);
    s->connections = xcalloc(settings->max_connections, sizeof(struct http_connection *));
    s->addresses = http_addresses_new(settings->max_per_address, settings->max_connections);
    s->paces = buckets_new(&settings->pace);
    LIST_INIT(&s->watches);
    TAILQ_INIT(&s->work);
    TAILQ_INIT(&s->waiting);
    TAILQ_INIT(&s->dead);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work_ready, NULL);

    int rc = server_open(s, err);
    if (rc) {
        http_server_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    assert(s->connection_count == 0); /* http_server_run has returned, or was never called */
    while (!LIST_EMPTY(&s->watches)) {
        struct http_watch *watch = LIST_FIRST(&s->watches);
        LIST_REMOVE(watch, link);
        free(watch);
    }
    int fds[] = {s->epoll_fd, s->wake_fd, s->reserve_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]); /* none of them holds data */
    tls_context_free(s->tls);
    buffers_free(s);
    http_addresses_free(s->addresses);
    buckets_free(s->paces);
    pthread_cond_destroy(&s->work_ready);
    pthread_mutex_destroy(&s->lock);
    free(s->connections);
    free(s->scratch);
    free(s);
}

int http_server_set_certificate(struct http_server *s, const struct http_certificate *pair, struct error *err)
{
    struct ssl_ctx_st *context = NULL;
    int rc = tls_context_new(pair, &context, err);
    if (rc != 0)
        return rc;
    pthread_mutex_lock(&s->lock);
    struct ssl_ctx_st *before = s->tls;
    s->tls = context;
    pthread_mutex_unlock(&s->lock);
    tls_context_free(before); /* connections that began with it keep it */
    return 0;
}

int http_server_watch(struct http_server *s, int fd, void (*fn)(int fd, void *ctx), void *ctx, struct error *err)
{
    struct http_watch *watch = xcalloc(1, sizeof *watch);
    *watch = (struct http_watch){.kind = POLL_WATCH, .fd = fd, .fn = fn, .ctx = ctx};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(watch);
        return error_set_errno(err, E_IO, "A descriptor cannot be watched");
    }
    LIST_INSERT_HEAD(&s->watches, watch, link);
    return 0;
}

static struct http_watch *watch_find(struct http_server *s, int fd)
{
    struct http_watch *watch;
    LIST_FOREACH (watch, &s->watches, link)
        if (watch->fd == fd)
            return watch;
    return NULL;
}

void http_server_unwatch(struct http_server *s, int fd)
{
    struct http_watch *watch = watch_find(s, fd);
    if (!watch)
        return;
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* closed already: then it is not watched any more */
    watch->fd = -1; /* its event may be in the batch being read: freed after it */
}

void http_server_set_refusal(struct http_server *s, void (*fn)(struct http_exchange *x, int status, const char *detail))
{
    s->refusal = fn;
}
