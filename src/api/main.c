/* airlock-api: HTTP and JSON in front of core. It has a listening socket and a channel to core; it must never have the
 * database, a key or a data directory, and after start it opens no file at all. It forwards credentials, never
 * verdicts. */
#include "api/handle.h"
#include "listener/listener.h"

#include <string.h>

#define STREAMS_PART 2 /* of the connections, so that those who follow leave room for those who ask */

/* Core says that there are new events, or is back: there may have been some meanwhile. */
static void on_push(const char *op, const json_t *message UNUSED, void *ctx)
{
    struct api *api = ctx;
    if (strcmp(op, message_op(MESSAGE_EVENT_NEWS)) == 0)
        feed_news(api->feed);
}

static void after_channel(void *ctx)
{
    struct api *api = ctx;
    feed_news(api->feed);
}

int main(void)
{
    struct api api;
    struct listener listener;

    listener_init(&listener, &(struct listener_spec){.workers_setting = "api.workers",
                                                     .handler = api_handle,
                                                     .refusal = api_refuse,
                                                     .paced = true,
                                                     .push = on_push,
                                                     .after_channel = after_channel,
                                                     .ctx = &api});
    api_init(&api, listener.core, AIRLOCK_VERSION, child_setting(listener.child, "api.public_url"),
             (unsigned)child_setting_int(listener.child, "http.max_connections") / STREAMS_PART);
    listener_confine(&listener, NULL, 0, 1);
    listener_open(&listener);
    listener_run(&listener);
    return 0; /* a question to core may still be open: the process ends with all it has */
}
