/* The broker's queues and its thread. Runs in airlock-notify: what stands under "The loop" in its main thread, what stands
 * under "The thread" in the other; they share the queues, and nothing else but what was fixed before. */
#include "notify/broker.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "notify/amqp_link.h"
#include "outward/outward.h"

#define PASSWORD_FILE_MAX 4096
#define LOOK_MS 1000 /* between two looks at the heartbeat */
#define CONFIRM_MS 20000
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 15000

/* Published, and not confirmed yet. */
struct flight {
    struct broker_message message;
    uint64_t tag;
    int64_t since;
};

struct broker {
    struct amqp_link_config config;
    char *exchange, *password, *ca;
    size_t password_len;
    int work_fd, done_fd; /* eventfds: there is something to do; something ended */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* over the next ones, up to the thread's own */
    struct broker_message todo[BROKER_MESSAGES_MAX];
    size_t todo_count;
    struct broker_outcome done[BROKER_MESSAGES_MAX];
    size_t done_count;
    size_t in_hand; /* todo, done and all between */
    bool stopping;

    /* the thread's own */
    struct amqp_link *link; /* NULL: not connected */
    struct flight flights[BROKER_MESSAGES_MAX];
    size_t flight_count;
    int64_t retry_ms, connect_at; /* not before */
    struct error why;             /* it is not connected */
    bool spoke;                   /* it answered when it was last tried */
};

/* --- The loop --- */

/* The first line of the file. */
static int read_password(const char *path, struct broker *broker, struct error *err)
{
    int r = file_read_secret(path, PASSWORD_FILE_MAX, &broker->password, &broker->password_len, err);

    if (r == 0)
        broker->password[strcspn(broker->password, "\r\n")] = '\0';
    return r;
}

int broker_new(const struct broker_config *config, struct broker **ret, struct error *err)
{
    struct broker *broker = xcalloc(1, sizeof *broker);
    size_t ca_len = 0;

    pthread_mutex_init(&broker->lock, NULL);
    broker->work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broker->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broker->exchange = xstrdup(config->exchange);
    int r = broker->work_fd >= 0 && broker->done_fd >= 0 ? 0 : error_set_errno(err, E_UNAVAILABLE, "No event descriptor");
    if (r == 0)
        r = read_password(config->password_file, broker, err);
    if (r == 0)
        r = outward_read_authorities("events.broker_ca_file", config->ca_file, &broker->ca, &ca_len, err);
    broker->config = (struct amqp_link_config){
        .password = broker->password, .exchange = broker->exchange, .ca = broker->ca, .ca_len = ca_len};
    if (r == 0 && !broker_url_parse(config->url, &broker->config.url))
        r = error_set(err, E_CONFIG, "events.broker_url has no good form");
    if (r != 0)
        broker_free(broker);
    else
        *ret = broker;
    return r;
}

static void signal_fd(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* fails only where it is readable already */
}

static void drain_fd(int fd)
{
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

void broker_free(struct broker *broker)
{
    if (!broker)
        return;
    if (broker->started) {
        pthread_mutex_lock(&broker->lock);
        broker->stopping = true;
        pthread_mutex_unlock(&broker->lock);
        signal_fd(broker->work_fd);
        (void)pthread_join(broker->thread, NULL);
    }
    cleanup_fd_(&broker->work_fd);
    cleanup_fd_(&broker->done_fd);
    if (broker->password)
        secret_wipe(broker->password, broker->password_len);
    free(broker->password);
    free(broker->exchange);
    free(broker->ca);
    pthread_mutex_destroy(&broker->lock);
    free(broker);
}

int broker_fd(const struct broker *broker)
{
    return broker ? broker->done_fd : -1;
}

bool broker_send(struct broker *broker, const struct broker_message *message)
{
    pthread_mutex_lock(&broker->lock);
    bool room = broker->in_hand < BROKER_MESSAGES_MAX;
    if (room) {
        broker->in_hand++;
        broker->todo[broker->todo_count++] = *message;
    }
    pthread_mutex_unlock(&broker->lock);
    if (room)
        signal_fd(broker->work_fd);
    return room;
}

bool broker_collect(struct broker *broker, struct broker_outcome *ret)
{
    drain_fd(broker->done_fd);
    pthread_mutex_lock(&broker->lock);
    bool any = broker->done_count > 0;
    if (any) {
        *ret = broker->done[0];
        broker->in_hand--;
        memmove(broker->done, broker->done + 1, --broker->done_count * sizeof *broker->done);
    }
    pthread_mutex_unlock(&broker->lock);
    return any;
}

/* --- The thread --- */

static void message_end(struct broker *broker, const struct broker_message *message, bool taken, bool reached,
                        const char *detail)
{
    pthread_mutex_lock(&broker->lock);
    struct broker_outcome *outcome = &broker->done[broker->done_count++]; /* in_hand is the bound of all of them */
    *outcome = (struct broker_outcome){.ctx = message->ctx, .taken = taken, .reached = reached};
    (void)snprintf(outcome->detail, sizeof outcome->detail, "%s", detail); /* a long one is cut */
    pthread_mutex_unlock(&broker->lock);
    signal_fd(broker->done_fd);
}

static bool next_todo(struct broker *broker, struct broker_message *ret)
{
    pthread_mutex_lock(&broker->lock);
    bool any = broker->todo_count > 0;
    if (any) {
        *ret = broker->todo[0];
        memmove(broker->todo, broker->todo + 1, --broker->todo_count * sizeof *broker->todo);
    }
    pthread_mutex_unlock(&broker->lock);
    return any;
}

/* The confirms of a connection that is gone do not come any more: all of it is sent again, later. */
static void lose_link(struct broker *broker)
{
    log_warning("%s; trying again", broker->why.detail);
    amqp_link_close(broker->link);
    broker->link = NULL;
    for (size_t i = 0; i < broker->flight_count; i++)
        message_end(broker, &broker->flights[i].message, false, broker->spoke, broker->why.detail);
    broker->flight_count = 0;
}

/* While it is away, messages are not kept here: core keeps them, and gives them out again. */
static void refuse_todo(struct broker *broker)
{
    struct broker_message message;

    while (next_todo(broker, &message))
        message_end(broker, &message, false, broker->spoke, broker->why.detail);
}

static void try_connect(struct broker *broker)
{
    bool first = broker->retry_ms == 0;
    struct error why = {0};

    if (amqp_link_open(&broker->config, &broker->link, &broker->spoke, &why) == 0) {
        log_info("connected to the broker at %s", broker->config.url.host);
        broker->retry_ms = 0;
        return;
    }
    broker->why = why;
    broker->retry_ms = first ? RETRY_MIN_MS : broker->retry_ms * 2 < RETRY_MAX_MS ? broker->retry_ms * 2 : RETRY_MAX_MS;
    broker->connect_at = clock_mono_ms() + broker->retry_ms;
    if (first)
        log_warning("%s; trying again", why.detail);
}

/* One that could not be published is in flight already: it ends with the others. */
static bool publish_todo(struct broker *broker)
{
    struct broker_message m;

    while (next_todo(broker, &m)) {
        struct flight *flight = &broker->flights[broker->flight_count++];
        const struct amqp_message message = {m.id, m.routing_key, m.content_type, m.body};
        *flight = (struct flight){.message = m, .since = clock_mono_ms()};
        if (amqp_link_publish(broker->link, &message, &flight->tag, &broker->why) != 0)
            return false;
    }
    return true;
}

static void take_confirm(struct broker *broker, const struct amqp_confirm *confirm)
{
    size_t kept = 0;

    for (size_t i = 0; i < broker->flight_count; i++) {
        struct flight flight = broker->flights[i];
        if (flight.tag == confirm->tag || (confirm->multiple && (flight.tag < confirm->tag || confirm->tag == 0)))
            message_end(broker, &flight.message, confirm->taken, true, confirm->taken ? "" : "the broker refuses it");
        else
            broker->flights[kept++] = flight;
    }
    broker->flight_count = kept;
}

static bool take_confirms(struct broker *broker)
{
    struct amqp_confirm confirm;
    int r;

    while ((r = amqp_link_confirm(broker->link, &confirm, &broker->why)) == 1)
        take_confirm(broker, &confirm);
    if (r == 0 && broker->flight_count > 0 && clock_mono_ms() - broker->flights[0].since > CONFIRM_MS)
        r = error_set(&broker->why, E_UNAVAILABLE, "The broker confirmed nothing for %d s", CONFIRM_MS / 1000);
    return r == 0;
}

/* For work, the broker's word, or the time of the next try. */
static void wait_for_work(struct broker *broker)
{
    struct pollfd fds[] = {{.fd = broker->work_fd, .events = POLLIN},
                           {.fd = broker->link ? amqp_link_fd(broker->link) : -1, .events = POLLIN}};
    int64_t left = broker->link ? LOOK_MS : broker->connect_at - clock_mono_ms();

    if (left > 0)
        (void)poll(fds, ARRAY_LEN(fds), left < LOOK_MS ? (int)left : LOOK_MS);
    drain_fd(broker->work_fd);
}

static bool is_stopping(struct broker *broker)
{
    pthread_mutex_lock(&broker->lock);
    bool stopping = broker->stopping;
    pthread_mutex_unlock(&broker->lock);
    return stopping;
}

static void *thread_main(void *arg)
{
    struct broker *broker = arg;

    while (!is_stopping(broker)) {
        if (!broker->link && clock_mono_ms() >= broker->connect_at)
            try_connect(broker);
        if (!broker->link)
            refuse_todo(broker);
        else if (!publish_todo(broker) || !take_confirms(broker))
            lose_link(broker);
        wait_for_work(broker);
    }
    amqp_link_close(broker->link);
    return NULL;
}

int broker_start(struct broker *broker, struct error *err)
{
    if (pthread_create(&broker->thread, NULL, thread_main, broker) != 0)
        return error_set(err, E_UNAVAILABLE, "No thread for the broker");
    broker->started = true;
    return 0;
}
