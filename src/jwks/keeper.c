/* Looking at the provider. Runs in airlock-jwks. */
#include "jwks/keeper.h"

#include "base/log.h"
#include "jwks/document.h"

#define TELL_RETRY_MS 1000

/* Nothing of what was under way counts; the keys that core has stay. */
static void keeper_fail(struct keeper *keeper, const struct error *why, int64_t now_ms)
{
    keeper->has_discovery = false;
    schedule_failed(&keeper->schedule, now_ms);
    log_warning("the identity provider's keys cannot be fetched, the next try is in %d s: %s",
                (int)(keeper->schedule.retry_ms / 1000), why->detail);
}

static void keeper_tell_due(struct keeper *keeper, int64_t now_ms)
{
    struct error err = {0};

    if (!keeper->publication || keeper->is_told || now_ms < keeper->tell_ms)
        return;
    keeper->is_told = keeper->publish(keeper->ctx, json_incref(keeper->publication), &err) == 0;
    keeper->tell_ms = now_ms + TELL_RETRY_MS;
    if (!keeper->is_told)
        log_warning("core did not take the keys: %s", err.detail);
}

void keeper_tell_again(struct keeper *keeper)
{
    keeper->is_told = false;
    keeper->tell_ms = 0;
}

static int begin_keys(struct keeper *keeper, struct error *err)
{
    AUTO_FREE char *found = NULL;
    int r = *keeper->keys_url ? 0 : document_keys_url(keeper->discovery, keeper->issuer, &found, err);

    keeper->has_discovery = true;
    return r ? r : fetcher_begin(keeper->fetcher, found ? found : keeper->keys_url, err);
}

/* The settings themselves, which airlockd has judged by the same rule: nothing is fetched on its word alone. */
static int check_settings(const struct keeper *keeper, struct error *err)
{
    int r = document_check_url(keeper->issuer, err);
    return r == 0 && *keeper->keys_url ? document_check_url(keeper->keys_url, err) : r;
}

void keeper_start_due(struct keeper *keeper, int64_t now_ms)
{
    AUTO_FREE char *url = document_discovery_url(keeper->issuer);
    struct error err = {0};

    keeper_tell_due(keeper, now_ms);
    if (fetcher_is_busy(keeper->fetcher) || !schedule_is_due(&keeper->schedule, now_ms))
        return;
    schedule_begun(&keeper->schedule, now_ms);
    int r = check_settings(keeper, &err);
    if (r == 0)
        r = *keeper->keys_url ? begin_keys(keeper, &err) : fetcher_begin(keeper->fetcher, url, &err);
    if (r != 0)
        keeper_fail(keeper, &err, now_ms);
}

static void take_keys(struct keeper *keeper, json_t *keys, int64_t now_ms, int64_t fresh_s)
{
    const char *token_endpoint = json_text(keeper->discovery, "token_endpoint");

    json_decref(keeper->publication);
    keeper->publication = json_pack("{s:s, s:O}", "issuer", keeper->issuer, "keys", keys);
    if (*token_endpoint)
        json_object_set_new(keeper->publication, "token_endpoint", json_string(token_endpoint));
    keeper->has_discovery = false;
    schedule_succeeded(&keeper->schedule, now_ms, fresh_s);
    keeper_tell_again(keeper);
}

void keeper_take(struct keeper *keeper, int64_t now_ms)
{
    AUTO_JSON json_t *document = NULL;
    struct error err = {0};
    int64_t fresh_s = 0;
    int r = 0;

    if (!fetcher_is_busy(keeper->fetcher) || !fetcher_finish(keeper->fetcher, &r, &document, &fresh_s, &err))
        return;
    if (r == 0 && keeper->has_discovery) {
        take_keys(keeper, document, now_ms, fresh_s);
        return;
    }
    if (r == 0) {
        json_decref(keeper->discovery);
        keeper->discovery = TAKE_PTR(document);
        r = begin_keys(keeper, &err);
    }
    if (r != 0)
        keeper_fail(keeper, &err, now_ms);
}

void keeper_done(struct keeper *keeper)
{
    json_decref(TAKE_PTR(keeper->discovery));
    json_decref(TAKE_PTR(keeper->publication));
    fetcher_free(TAKE_PTR(keeper->fetcher));
}
