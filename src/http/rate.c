/* The minimum rate of body transfers, up and down. Only time in which the client keeps us waiting counts: not slow
 * disks, busy workers or the line for a buffer. A transfer starts with a credit of ten seconds; every byte earns more,
 * up to a minute. So a trickle is cut after the grace however steadily it drips, and a stall whatever came before it.
 */
#include "http/internal.h"

void rate_start(struct http_exchange *x, bool sending)
{
    x->budget_us = x->conn->server->grace_ms * 1000;
    x->moved = x->credited = 0;
    x->sending = sending;
}

void rate_waited(struct http_exchange *x, int64_t now_ms)
{
    x->budget_us -= (now_ms - x->parked_at_ms) * 1000;
    x->parked_at_ms = now_ms;
}

/* Bytes that the client has taken: what the socket buffer still holds does not count. */
static uint64_t rate_taken(const struct http_exchange *x)
{
    uint64_t held = x->sending ? io_unacknowledged(x->conn) : 0;
    return x->moved > held ? x->moved - held : 0;
}

int64_t rate_deadline(struct http_exchange *x, int64_t now_ms)
{
    const struct http_server *s = x->conn->server;
    uint64_t rate = s->settings.min_body_rate;
    int64_t most = (s->grace_ms > HTTP_CREDIT_MS ? s->grace_ms : HTTP_CREDIT_MS) * 1000;

    x->parked_at_ms = now_ms;
    if (rate == 0)
        return INT64_MAX;
    uint64_t taken = rate_taken(x);
    if (taken > x->credited) {
        uint64_t gain = taken - x->credited;
        x->budget_us = gain / rate >= (uint64_t)most / 1000000 ? most : x->budget_us + (int64_t)(gain * 1000000 / rate);
        x->credited = taken;
    }
    if (x->budget_us > most)
        x->budget_us = most;
    return now_ms + x->budget_us / 1000;
}
