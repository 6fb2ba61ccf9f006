/* libcurl's sockets and its timer in one epoll descriptor. Runs in airlock-notify; knows no protocol. */
#include "notify/transfers.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/macros.h"
#include "base/str.h"

#define EVENTS_AT_ONCE 16
#define MS_NS 1000000L

struct transfers {
    CURLM *multi;
    int epoll, timer;
    transfers_ended_fn *ended;
    void *ctx;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    static const uint32_t EVENTS[] = {
        [CURL_POLL_IN] = EPOLLIN, [CURL_POLL_OUT] = EPOLLOUT, [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT};
    struct transfers *transfers = ctx;

    (void)easy;
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, NULL) != 0 &&
               known == NULL; /* it may be closed already */
    struct epoll_event event = {.events = EVENTS[what], .data.fd = fd};
    if (epoll_ctl(transfers->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        return -1;
    return curl_multi_assign(transfers->multi, fd, transfers) == CURLM_OK ? 0 : -1;
}

/* -1: no timer; 0: at once, and not from here. */
static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    const struct transfers *transfers = ctx;
    struct itimerspec at = {0};

    (void)multi;
    if (timeout_ms == 0)
        at.it_value.tv_nsec = 1;
    if (timeout_ms > 0)
        at.it_value = (struct timespec){.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * MS_NS};
    return timerfd_settime(transfers->timer, 0, &at, NULL);
}

int transfers_new(long connections, transfers_ended_fn *ended, void *ctx, struct transfers **ret, struct error *err)
{
    struct transfers *t = xcalloc(1, sizeof *t);

    *t = (struct transfers){.epoll = epoll_create1(EPOLL_CLOEXEC),
                            .timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                            .ended = ended,
                            .ctx = ctx};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = t->timer};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(t->multi = curl_multi_init()) ||
        epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->timer, &event) != 0) {
        transfers_free(t);
        return error_set(err, E_UNAVAILABLE, "The transfer library cannot start");
    }
    (void)curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    (void)curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
    (void)curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, connections);
    *ret = t;
    return 0;
}

void transfers_free(struct transfers *t)
{
    if (!t)
        return;
    (void)curl_multi_cleanup(t->multi);
    cleanup_fd_(&t->timer);
    cleanup_fd_(&t->epoll);
    free(t);
}

int transfers_add(struct transfers *t, CURL *easy, struct error *err)
{
    CURLMcode code = curl_multi_add_handle(t->multi, easy);
    return code == CURLM_OK ? 0 : error_set(err, E_UNAVAILABLE, "%s", curl_multi_strerror(code));
}

void transfers_drop(struct transfers *t, CURL *easy)
{
    (void)curl_multi_remove_handle(t->multi, easy);
}

int transfers_fd(const struct transfers *t)
{
    return t->epoll;
}

static void turn_one(const struct transfers *t, const struct epoll_event *event)
{
    int running, what = 0;
    uint64_t ticks;

    if (event->data.fd == t->timer) {
        (void)!read(t->timer, &ticks, sizeof ticks);
        (void)curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        return;
    }
    if (event->events & EPOLLIN)
        what |= CURL_CSELECT_IN;
    if (event->events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (event->events & (EPOLLERR | EPOLLHUP))
        what |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(t->multi, event->data.fd, what, &running);
}

void transfers_turn(struct transfers *t)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    const CURLMsg *message;
    int left, count = epoll_wait(t->epoll, events, EVENTS_AT_ONCE, 0);

    for (int i = 0; i < count; i++)
        turn_one(t, &events[i]);
    while ((message = curl_multi_info_read(t->multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        transfers_drop(t, easy);
        t->ended(t->ctx, easy, result);
    }
}
