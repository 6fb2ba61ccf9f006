/* A connection to a message broker, by librabbitmq: opened, published over, and closed. Every function may block, some for
 * LINK_TIMEOUT_S: only the broker's thread calls them. Part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_AMQP_LINK_H
#define AIRLOCK_NOTIFY_AMQP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/url.h"

#define LINK_TIMEOUT_S 10

struct amqp_link;

/* Borrowed for as long as a link made from it lives. */
struct amqp_link_config {
    struct broker_url url;
    const char *password, *exchange;
    const char *ca; /* PEM; NULL where there is none: only a broker on this machine can be reached */
    size_t ca_len;
};

struct amqp_message {
    const char *id, *routing_key, *content_type, *body;
};

/* What the broker says of one message, or of all up to it. */
struct amqp_confirm {
    uint64_t tag;
    bool multiple, taken;
};

/* Connected, logged in, the exchange declared, confirms asked for. *ret_spoke: the broker answered, if only with a
 * refusal. E_UNAVAILABLE says what is wrong. */
int amqp_link_open(const struct amqp_link_config *config, struct amqp_link **ret, bool *ret_spoke, struct error *err)
    MUST_USE;
void amqp_link_close(struct amqp_link *link); /* NULL is fine */

int amqp_link_fd(const struct amqp_link *link);
/* *ret_tag: what a confirm will name it by. E_UNAVAILABLE: the connection is of no more use. */
int amqp_link_publish(struct amqp_link *link, const struct amqp_message *message, uint64_t *ret_tag, struct error *err)
    MUST_USE;
/* Without waiting: 1 a confirm, 0 none just now, E_UNAVAILABLE the connection is of no more use. To be called every
 * second at least: it keeps the heartbeat. */
int amqp_link_confirm(struct amqp_link *link, struct amqp_confirm *ret, struct error *err) MUST_USE;

#endif
