/* Questions to core from many threads over one channel that may be replaced. Runs in api, blob, mover, idp, jwks and
 * gate; the last asks the mover, too. */
#include "ipc/client.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

enum call_state { CALL_WAITING, CALL_ANSWERED, CALL_CUT };

struct answer {
    json_t *message;
    int fd; /* that rode along; -1: none */
};

/* One question on the wire; lives on the asking thread's stack. */
struct call {
    struct call *next;
    int64_t id;
    enum call_state state;
    struct answer answer;
    pthread_cond_t ended; /* its own: an answer wakes the thread that asked and no other */
};

struct ipc_client {
    pthread_mutex_t lock;
    pthread_condattr_t monotonic;
    pthread_cond_t attached;
    struct channel *channel;
    bool broken; /* sending failed: the reading thread will see the end and close it */
    struct call *calls;
    int64_t last_id;
    void (*push)(const char *op, const json_t *message, void *ctx);
    void (*pump)(int timeout_ms, void *ctx);
    void *ctx;
};

struct ipc_client *ipc_client_new(void (*push)(const char *op, const json_t *message, void *ctx),
                                  void (*pump)(int timeout_ms, void *ctx), void *ctx)
{
    struct ipc_client *client = xcalloc(1, sizeof *client);

    pthread_condattr_init(&client->monotonic);
    pthread_condattr_setclock(&client->monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&client->attached, &client->monotonic);
    pthread_mutex_init(&client->lock, NULL);
    client->push = push;
    client->pump = pump;
    client->ctx = ctx;
    return client;
}

void ipc_client_free(struct ipc_client *client)
{
    if (!client)
        return;
    channel_free(client->channel);
    pthread_cond_destroy(&client->attached);
    pthread_condattr_destroy(&client->monotonic);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

/* With the lock held: the call is over. */
static void call_end(struct call *call, enum call_state state)
{
    call->state = state;
    pthread_cond_signal(&call->ended);
}

/* With the lock held: every question on the wire has lost its answer. */
static void client_drop_calls(struct ipc_client *client)
{
    for (struct call *call = client->calls; call; call = call->next)
        if (call->state == CALL_WAITING)
            call_end(call, CALL_CUT);
}

/* With the lock held, reading thread only: the channel is gone. */
static void client_cut(struct ipc_client *client)
{
    channel_free(TAKE_PTR(client->channel));
    client->broken = false;
    client_drop_calls(client);
}

/* With the lock held, any thread: sending failed. The descriptor stays open, because the reading thread watches it:
 * closed here, its number could come back as another connection. */
static void client_break(struct ipc_client *client)
{
    client->broken = true;
    (void)shutdown(channel_fd(client->channel), SHUT_RDWR); /* it is unusable already: this only wakes the reader */
    client_drop_calls(client);
}

void ipc_client_attach(struct ipc_client *client, int fd)
{
    pthread_mutex_lock(&client->lock);
    client_cut(client);
    client->channel = channel_new(fd);
    pthread_cond_broadcast(&client->attached);
    pthread_mutex_unlock(&client->lock);
}

int ipc_client_fd(struct ipc_client *client)
{
    pthread_mutex_lock(&client->lock);
    int fd = client->channel ? channel_fd(client->channel) : -1;
    pthread_mutex_unlock(&client->lock);
    return fd;
}

/* With the lock held. The caller's thread takes the message over whole: no JSON is ever shared between threads. A late
 * answer, whose caller has given up, stays in the frame and is dropped with it. */
static void client_answer(struct ipc_client *client, struct frame *frame)
{
    int64_t id = json_int(frame->message, "id");
    for (struct call *call = client->calls; call; call = call->next)
        if (call->id == id && call->state == CALL_WAITING) {
            call->answer.message = TAKE_PTR(frame->message);
            if (frame->fd_count > 0)
                call->answer.fd = TAKE_FD(frame->fds[0]);
            call_end(call, CALL_ANSWERED);
            return;
        }
}

void ipc_client_readable(struct ipc_client *client)
{
    for (;;) {
        struct frame frame = {0};
        pthread_mutex_lock(&client->lock);
        int r = client->channel ? channel_receive(client->channel, &frame, NULL) : 0;
        if (r < 0)
            client_cut(client);
        bool is_answer = r == 1 && json_int(frame.message, "id") > 0;
        if (is_answer)
            client_answer(client, &frame);
        pthread_mutex_unlock(&client->lock);
        if (r == 1 && !is_answer && client->push)
            client->push(json_text(frame.message, "op"), frame.message, client->ctx);
        frame_done(&frame);
        if (r != 1)
            return;
    }
}

/* With the lock held: waits for news until deadline (monotonic ms). false: the time is over. */
static bool client_wait(struct ipc_client *client, pthread_cond_t *news, int64_t deadline)
{
    int64_t left = deadline - clock_mono_ms();

    if (left <= 0)
        return false;
    if (client->pump) {
        pthread_mutex_unlock(&client->lock);
        client->pump((int)left, client->ctx);
        pthread_mutex_lock(&client->lock);
        return true;
    }
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    (void)pthread_cond_timedwait(news, &client->lock, &until);
    return true;
}

static void client_forget(struct ipc_client *client, struct call *call)
{
    struct call **at = &client->calls;

    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    pthread_cond_destroy(&call->ended);
}

/* With the lock held: sends once and waits for the end of that try. E_UNAVAILABLE: it was not sent. */
static int client_try(struct ipc_client *client, json_t *message, struct answer *ret_answer, struct error *err)
{
    struct call call = {.next = client->calls, .id = ++client->last_id, .answer.fd = -1};
    int64_t deadline = clock_mono_ms() + IPC_ANSWER_MS;

    json_object_set_new(message, "id", json_integer(call.id));
    pthread_cond_init(&call.ended, &client->monotonic);
    /* cppcheck-suppress autoVariables ; client_forget takes it out on every way from here */
    client->calls = &call;
    int r = channel_send(client->channel, message, NULL, 0, err);
    if (r == E_LIMIT) {
        client_forget(client, &call);
        return r;
    }
    if (r == 0)
        r = channel_flush_wait(client->channel, IPC_ANSWER_MS, err); /* core always reads: this is short */
    if (r != 0)
        client_break(client);
    while (call.state == CALL_WAITING && client_wait(client, &call.ended, deadline))
        ;
    client_forget(client, &call);
    if (call.state != CALL_ANSWERED)
        return error_set(err, E_UNKNOWN, "The service was interrupted; look at the present state, then try again");
    *ret_answer = call.answer;
    return 0;
}

static int client_ask(struct ipc_client *client, enum message kind, json_t *message, struct answer *ret_answer,
                      struct error *err)
{
    int64_t hold = clock_mono_ms() + IPC_HOLD_MS;

    for (;;) {
        while (!client->channel || client->broken)
            if (!client_wait(client, &client->attached, hold))
                return error_set(err, E_UNAVAILABLE, "The service is restarting; try again in a moment");
        int r = client_try(client, message, ret_answer, err);
        if (r != E_UNKNOWN || !message_repeatable(kind) || clock_mono_ms() >= hold)
            return r;
    }
}

/* Turns an answer into its ok part or its error. */
static int answer_open(json_t *answer, json_t **ret_ok, struct error *err)
{
    json_t *refusal = json_object_get(answer, "error");

    if (refusal) {
        int64_t wait_s = json_int(refusal, "retryAfterS");
        int r = error_set_field(err, error_code_by_name(json_text(refusal, "code")), json_text(refusal, "field"), "%s",
                                json_text(refusal, "detail"));
        if (err && wait_s > 0 && wait_s <= UINT32_MAX)
            err->retry_after_s = (unsigned)wait_s;
        return r;
    }
    if (ret_ok)
        *ret_ok = json_incref(json_object_get(answer, "ok"));
    return 0;
}

int ipc_call_fd(struct ipc_client *client, enum message kind, json_t *fields, json_t **ret_ok, int *ret_fd,
                struct error *err)
{
    AUTO_JSON json_t *message = fields;
    struct answer answer = {.fd = -1};

    json_object_set_new(message, "op", json_string(message_op(kind)));
    pthread_mutex_lock(&client->lock);
    int r = client_ask(client, kind, message, &answer, err);
    pthread_mutex_unlock(&client->lock);
    AUTO_JSON json_t *answered = answer.message;
    AUTO_FD int fd = answer.fd;
    if (r == 0)
        r = answer_open(answered, ret_ok, err);
    if (r == 0 && ret_fd)
        *ret_fd = TAKE_FD(fd);
    return r;
}

int ipc_call(struct ipc_client *client, enum message kind, json_t *fields, json_t **ret_ok, struct error *err)
{
    return ipc_call_fd(client, kind, fields, ret_ok, NULL, err);
}

void ipc_push(struct ipc_client *client, enum message kind, json_t *fields)
{
    AUTO_JSON json_t *message = fields;

    json_object_set_new(message, "op", json_string(message_op(kind)));
    pthread_mutex_lock(&client->lock);
    if (client->channel && !client->broken &&
        (channel_send(client->channel, message, NULL, 0, NULL) != 0 ||
         channel_flush_wait(client->channel, IPC_ANSWER_MS, NULL) != 0))
        client_break(client);
    pthread_mutex_unlock(&client->lock);
}
