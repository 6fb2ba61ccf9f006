/* A message broker that speaks AMQP 0-9-1: messages of a topic exchange, each counted as taken only when the broker has
 * confirmed it. Its library blocks, so it has a thread of its own, with a bounded queue in each direction: whatever it
 * does or does not do, the loop of airlock-notify goes on. Part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_BROKER_H
#define AIRLOCK_NOTIFY_BROKER_H

#include <stdbool.h>

#include "base/error.h"

#define BROKER_MESSAGES_MAX 64 /* that were handed over and not taken back: as many as its room holds (rooms.c) */
#define BROKER_DETAIL_MAX 300

struct broker;

struct broker_config {
    const char *url;           /* of base/url.h's form */
    const char *exchange;
    const char *password_file; /* read at once, as ca_file is */
    const char *ca_file;       /* "": the machine's authorities */
};

/* Borrowed until broker_collect gives ctx back. */
struct broker_message {
    const char *id, *routing_key, *content_type, *body;
    void *ctx;
};

/* What became of one. */
struct broker_outcome {
    void *ctx;
    bool taken;   /* the broker confirmed it */
    bool reached; /* the broker answered, whatever it was */
    char detail[BROKER_DETAIL_MAX];
};

/* Reads what it needs of files. E_CONFIG. */
int broker_new(const struct broker_config *config, struct broker **ret, struct error *err) MUST_USE;
/* Starts its thread: after the confinement of the process. E_UNAVAILABLE. */
int broker_start(struct broker *broker, struct error *err) MUST_USE;
void broker_free(struct broker *broker); /* waits for the thread; NULL is fine */

/* Readable when broker_collect has something; -1 for NULL. */
int broker_fd(const struct broker *broker);
/* False: there is no room. */
bool broker_send(struct broker *broker, const struct broker_message *message);
/* The next one that ended; false: none. */
bool broker_collect(struct broker *broker, struct broker_outcome *ret);

#endif
