/* airlock-api: HTTP and JSON in front of core. It has a listening socket and a channel to core; it must never have the
 * database, a key or a data directory, and after start it opens no file at all. It forwards credentials, never
 * verdicts. */
#include "api/handle.h"
#include "listener/listener.h"

int main(void)
{
    struct api api;
    struct listener listener;

    listener_init(&listener, &(struct listener_spec){.workers_setting = "api.workers",
                                                     .handler = api_handle,
                                                     .refusal = api_refuse,
                                                     .paced = true,
                                                     .ctx = &api});
    api_init(&api, listener.core, AIRLOCK_VERSION, child_setting(listener.child, "api.public_url"));
    listener_confine(&listener, NULL, 0, 1);
    listener_open(&listener);
    listener_run(&listener);
    return 0; /* a question to core may still be open: the process ends with all it has */
}
