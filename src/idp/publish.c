/* The publishing thread. Runs in airlock-idp. */
#include "idp/publish.h"

#include <pthread.h>

#include "base/log.h"

#define RETRY_S 1

struct publisher {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned wanted; /* connections so far */
    struct ipc_client *core;
    json_t *publication;
};

static unsigned publisher_wait(struct publisher *publisher, unsigned done)
{
    pthread_mutex_lock(&publisher->lock);
    while (publisher->wanted == done)
        pthread_cond_wait(&publisher->woken, &publisher->lock);
    unsigned wanted = publisher->wanted;
    pthread_mutex_unlock(&publisher->lock);
    return wanted;
}

static void *publisher_run(void *arg)
{
    struct publisher *publisher = arg;
    unsigned done = 0;

    for (;;) {
        unsigned wanted = publisher_wait(publisher, done);
        struct error err = {0};
        int r = ipc_call(publisher->core, MESSAGE_IDP_PUBLISH, json_copy(publisher->publication), NULL, &err);
        if (r == 0) {
            done = wanted;
            continue;
        }
        log_warning("core did not take the keys and people: %s", err.detail);
        (void)sleep(RETRY_S);
    }
    return NULL;
}

int publisher_start(struct ipc_client *core, json_t *publication_stolen, struct publisher **ret, struct error *err)
{
    struct publisher *publisher = xcalloc(1, sizeof *publisher);
    pthread_t thread;

    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->woken, NULL);
    publisher->core = core;
    publisher->publication = publication_stolen;
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
