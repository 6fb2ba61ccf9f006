/* How often each client address may ask: a token bucket for each IPv4 address and each IPv6 /64. Workers; it is looked
 * at before the handler runs, so that a flood costs no more than its heads. Never sees a header: the address is the
 * socket's, or the one that a trusted proxy names. */
#include "base/clock.h"
#include "http/internal.h"

/* false: the address is unknown, and not limited. */
static bool pace_key(const struct http_exchange *x, unsigned char key[static HTTP_ADDRESS_KEY_SIZE])
{
    return x->conn->server->paces && http_address_key(&x->conn->peer, key);
}

bool pace_refuses(struct http_exchange *x, struct error *err)
{
    unsigned char key[HTTP_ADDRESS_KEY_SIZE];

    if (!pace_key(x, key))
        return false;
    int64_t wait = buckets_take(x->conn->server->paces, key, sizeof key, 1, clock_mono_us());
    if (wait == 0)
        return false;
    (void)bucket_refuse(wait, "requests from your address", err);
    http_header_addf(x, "Retry-After", "%u", err->retry_after_s);
    return true;
}

void pace_credential_refused(struct http_exchange *x)
{
    unsigned char key[HTTP_ADDRESS_KEY_SIZE];

    if (pace_key(x, key)) /* one of them was paid when it came */
        buckets_charge(x->conn->server->paces, key, sizeof key, HTTP_PACE_REFUSED_COST - 1, clock_mono_us());
}
