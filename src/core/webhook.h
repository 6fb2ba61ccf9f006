/* Signing of what airlock-notify posts, which never sees a key. */
#ifndef AIRLOCK_CORE_WEBHOOK_H
#define AIRLOCK_CORE_WEBHOOK_H

#include "base/json.h"
#include "model/webhook.h"

/* Headers of a POST as [[name, value]…], the caller's: the content type, and those of Standard Webhooks, which cover
 * id, time and body, so that neither a replay nor a change passes for ours. now: microseconds. */
json_t *webhook_headers(const struct webhook_keys *keys, const char *content_type, const char *message, int64_t now,
                        const char *body);

/* The keys in a file, before the process is confined: a changed file counts from the next start. webhook_keys_wipe.
 * E_CONFIG names the file. */
int webhook_keys_read(const char *path, struct webhook_keys *ret, struct error *err) MUST_USE;

#endif
