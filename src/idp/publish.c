/* The publishing thread. Runs in airlock-idp. */
#include "idp/publish.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define RETRY_FIRST_S 1
#define RETRY_MAX_S 60

struct publisher {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned wanted; /* connections and changes so far */
    struct ipc_client *core;
    struct idp *idp;
};

/* Waits for a connection after the seen-th, or for so many seconds; 0: as long as it takes. */
static unsigned publisher_wait(struct publisher *publisher, unsigned seen, int64_t seconds)
{
    struct timespec until = {.tv_sec = clock_mono_ms() / 1000 + seconds};
    bool in_time = true;

    pthread_mutex_lock(&publisher->lock);
    while (publisher->wanted == seen && in_time)
        if (seconds > 0)
            in_time = pthread_cond_timedwait(&publisher->woken, &publisher->lock, &until) == 0;
        else
            (void)pthread_cond_wait(&publisher->woken, &publisher->lock);
    unsigned wanted = publisher->wanted;
    pthread_mutex_unlock(&publisher->lock);
    return wanted;
}

/* Tells core once; retry_s is the pause so far. Returns the next one, 0 when core has taken it. */
static int64_t publisher_tell(struct publisher *publisher, int64_t retry_s)
{
    struct error err = {0};

    if (ipc_call(publisher->core, MESSAGE_IDP_PUBLISH, idp_publication(publisher->idp), NULL, &err) == 0)
        return 0;
    log_warning("core did not take the keys and people: %s", err.detail);
    if (retry_s == 0)
        return RETRY_FIRST_S;
    return 2 * retry_s < RETRY_MAX_S ? 2 * retry_s : RETRY_MAX_S;
}

static void *publisher_run(void *arg)
{
    struct publisher *publisher = arg;
    unsigned seen = 0;
    int64_t retry_s = 0;

    for (;;) {
        unsigned wanted = publisher_wait(publisher, seen, retry_s);
        retry_s = publisher_tell(publisher, wanted == seen ? retry_s : 0);
        seen = wanted;
    }
    return NULL;
}

int publisher_start(struct ipc_client *core, struct idp *idp, struct publisher **ret, struct error *err)
{
    struct publisher *publisher = xcalloc(1, sizeof *publisher);
    pthread_t thread;
    pthread_condattr_t attr;

    pthread_mutex_init(&publisher->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&publisher->woken, &attr);
    pthread_condattr_destroy(&attr);
    publisher->core = core;
    publisher->idp = idp;
    if (pthread_create(&thread, NULL, publisher_run, publisher) != 0)
        return error_set(err, E_UNAVAILABLE, "The publishing thread could not be started");
    pthread_detach(thread);
    *ret = publisher;
    return 0;
}

void publisher_wake(struct publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    publisher->wanted++;
    pthread_cond_signal(&publisher->woken);
    pthread_mutex_unlock(&publisher->lock);
}
