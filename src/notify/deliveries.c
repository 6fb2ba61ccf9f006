/* Deliveries under way. Runs in airlock-notify; reads nothing of what it carries. */
#include "notify/deliveries.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "notify/rooms.h"

#define ASK_MS 1000   /* between two questions that nobody's word brought about */
#define REPORT_MAX 64 /* results in a frame */

struct delivery {
    struct delivery *next;
    struct deliveries *all;
    struct room *room;
    int64_t id, token;
    json_t *message; /* as event.lease has it */
    const char *outcome;
    char detail[300];
};

struct queue {
    struct delivery *first, **end;
};

struct deliveries {
    struct ipc_client *core;
    struct caller *caller;
    const struct terms *terms;
    struct broker *broker;
    struct mail *mail;
    struct rooms rooms;
    struct queue waiting; /* until there is room to send it */
    struct queue ended;   /* until core knows */
    int64_t ask_ms;       /* not before */
};

/* --- Queues --- */

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){.end = &queue->first};
}

static void queue_push(struct queue *queue, struct delivery *delivery)
{
    delivery->next = NULL;
    *queue->end = delivery;
    queue->end = &delivery->next;
}

static struct delivery *queue_pop(struct queue *queue)
{
    struct delivery *delivery = queue->first;

    if (delivery && !(queue->first = delivery->next))
        queue->end = &queue->first;
    return delivery;
}

struct deliveries *deliveries_new(struct ipc_client *core, struct caller *caller, const struct terms *terms,
                                  struct broker *broker, struct mail *mail)
{
    struct deliveries *all = xcalloc(1, sizeof *all);

    *all = (struct deliveries){.core = core, .caller = caller, .terms = terms, .broker = broker, .mail = mail};
    queue_init(&all->waiting);
    queue_init(&all->ended);
    return all;
}

void deliveries_wake(struct deliveries *all)
{
    all->ask_ms = 0;
}

/* It is over, and its room has place for others. */
static void delivery_free(struct delivery *delivery)
{
    delivery->room->in_hand--;
    json_decref(delivery->message);
    free(delivery);
}

void deliveries_forget(struct deliveries *all)
{
    for (struct delivery *delivery; (delivery = queue_pop(&all->waiting));)
        delivery_free(delivery);
    all->ask_ms = 0;
}

/* --- Sending --- */

static const char *outcome_of(bool taken)
{
    return taken ? "delivered" : "failed";
}

/* Kept until the loop tells core: this may run while a question to core waits. */
static void delivery_end(struct delivery *delivery, const char *outcome, const char *detail)
{
    delivery->room->under_way--;
    delivery->outcome = outcome;
    (void)snprintf(delivery->detail, sizeof delivery->detail, "%s", detail); /* a long one is cut */
    queue_push(&delivery->all->ended, delivery);
}

static void on_answer(void *ctx, const struct caller_answer *answer)
{
    struct delivery *delivery = ctx;

    room_note(delivery->room, answer->reached, answer->pause_s, clock_mono_ms());
    delivery_end(delivery, outcome_of(answer->taken), answer->detail);
}

static void send_webhook(struct delivery *delivery)
{
    const json_t *message = delivery->message;

    caller_begin(delivery->all->caller, &(struct caller_post){.terms = delivery->all->terms,
                                                              .url = json_text(message, "url"),
                                                              .body = json_text(message, "body"),
                                                              .headers = json_object_get(message, "headers"),
                                                              .done = on_answer,
                                                              .ctx = delivery});
}

static void send_broker(struct delivery *delivery)
{
    const json_t *message = delivery->message;
    struct broker *broker = delivery->all->broker;

    if (!broker || !broker_send(broker, &(struct broker_message){.id = json_text(message, "message"),
                                                                 .routing_key = json_text(message, "routing_key"),
                                                                 .content_type = json_text(message, "content_type"),
                                                                 .body = json_text(message, "body"),
                                                                 .ctx = delivery}))
        delivery_end(delivery, "failed", "no broker takes it");
}

static void on_mail(void *ctx, const struct mail_outcome *outcome)
{
    struct delivery *delivery = ctx;

    room_note(delivery->room, outcome->reached, 0, clock_mono_ms());
    delivery_end(delivery, outcome->outcome, outcome->detail);
}

static void send_mail(struct delivery *delivery)
{
    if (delivery->all->mail)
        mail_begin(delivery->all->mail, delivery->message, on_mail, delivery);
    else
        delivery_end(delivery, "failed", "no mail server takes it");
}

static void (*const SENDERS[ROOM_KINDS])(struct delivery *delivery) = {
    [ROOM_WEBHOOK] = send_webhook, [ROOM_BROKER] = send_broker, [ROOM_MAIL] = send_mail};

void deliveries_collect(struct deliveries *all)
{
    struct broker_outcome outcome;

    while (broker_collect(all->broker, &outcome)) {
        struct delivery *delivery = outcome.ctx;
        room_note(delivery->room, outcome.reached, 0, clock_mono_ms());
        delivery_end(delivery, outcome_of(outcome.taken), outcome.detail);
    }
}

/* What is waiting, in its order, as far as its rooms are open. */
void deliveries_begin(struct deliveries *all)
{
    struct queue looked_at = all->waiting;

    if (looked_at.end == &all->waiting.first)
        return;
    queue_init(&all->waiting);
    for (struct delivery *delivery = looked_at.first, *next; delivery; delivery = next) {
        next = delivery->next;
        if (!room_is_open(delivery->room)) {
            queue_push(&all->waiting, delivery);
            continue;
        }
        delivery->room->under_way++;
        SENDERS[delivery->room->kind](delivery);
    }
}

/* --- Core --- */

static json_t *result_of(const struct delivery *delivery)
{
    json_t *detail = json_string(delivery->detail); /* NULL for a text of the other side that is no UTF-8 */

    return json_pack("{s:I, s:I, s:s, s:o}", "id", (json_int_t)delivery->id, "token", (json_int_t)delivery->token,
                     "outcome", delivery->outcome, "detail", detail ? detail : json_string("it failed"));
}

/* Core is away, or has no place: it will take them later. */
static bool may_be_taken_later(int error)
{
    return error == E_UNAVAILABLE || error == E_UNKNOWN || error == E_NO_SPACE;
}

/* As many as a frame takes. More may end meanwhile, behind them. */
static bool tell_some(struct deliveries *all)
{
    json_t *results = json_array();
    size_t count = 0;
    struct error err = {0};

    for (struct delivery *d = all->ended.first; d && count < REPORT_MAX; d = d->next, count++)
        json_array_append_new(results, result_of(d));
    int r = ipc_call(all->core, MESSAGE_EVENT_RESULT, json_pack("{s:o}", "results", results), NULL, &err);
    if (may_be_taken_later(r))
        return false;
    if (r != 0)
        log_error("core did not take what became of %zu deliveries, they are tried again: %s", count, err.detail);
    while (count-- > 0)
        delivery_free(queue_pop(&all->ended));
    all->ask_ms = 0; /* there is room again */
    return true;
}

static void tell_ended(struct deliveries *all)
{
    while (all->ended.first && tell_some(all))
        ;
}

static void take(struct deliveries *all, json_t *message)
{
    struct room *room = rooms_get(&all->rooms, json_text(message, "endpoint"), json_text(message, "kind"));

    if (!room)
        return; /* its lease lapses */
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    *delivery = (struct delivery){.all = all,
                                  .room = room,
                                  .id = json_int(message, "id"),
                                  .token = json_int(message, "token"),
                                  .message = json_incref(message)};
    room->in_hand++;
    queue_push(&all->waiting, delivery);
}

/* Receiver by receiver, until none with room has anything due. */
static void ask_due(struct deliveries *all)
{
    for (int64_t now = clock_mono_ms(); now >= all->ask_ms; now = clock_mono_ms()) {
        AUTO_JSON json_t *ok = NULL;
        size_t i;
        json_t *message;
        int64_t rest_end = rooms_rest_end(&all->rooms, now);
        all->ask_ms = now + ASK_MS < rest_end ? now + ASK_MS : rest_end;
        json_t *fields = json_pack("{s:o, s:i}", "busy", rooms_busy(&all->rooms, now), "max", ROOM_BATCH);
        if (ipc_call(all->core, MESSAGE_EVENT_LEASE, fields, &ok, NULL) != 0)
            return; /* core is away: it comes back with a new channel */
        const json_t *list = json_object_get(ok, "deliveries");
        json_array_foreach(list, i, message)
        {
            take(all, message);
        }
        if (json_array_size(list) == 0)
            return;
        deliveries_begin(all);
        all->ask_ms = 0; /* there may be more */
    }
}

void deliveries_turn(struct deliveries *all)
{
    tell_ended(all);
    deliveries_begin(all);
    ask_due(all);
}
