/* Standard Webhooks: HMAC-SHA256 over "ID.TIME.BODY" with each key. Part of airlock-core, which keeps the keys. */
#include "core/webhook.h"

#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "core/core.h"

#define SIGNATURES_MAX 400
#define SIGNED_OVERHEAD 200 /* id and time */

json_t *webhook_headers(const struct webhook_keys *keys, const char *content_type, const char *message, int64_t now,
                        const char *body)
{
    AUTO_STR struct str text = STR_INIT(strlen(body) + strlen(message) + SIGNED_OVERHEAD);
    AUTO_STR struct str signatures = STR_INIT(SIGNATURES_MAX);
    AUTO_FREE char *time = xasprintf("%lld", (long long)(now / SECOND_US));

    str_printf(&text, "%s.%s.", message, time);
    str_append(&text, body);
    for (size_t i = 0; i < keys->count; i++) {
        unsigned char mac[SHA256_SIZE];
        hmac_sha256(keys->items[i].bytes, keys->items[i].len, str_text(&text), text.len, mac);
        str_append(&signatures, i > 0 ? " v1," : "v1,");
        base64_append(&signatures, mac, sizeof mac);
    }
    return json_pack("[[s,s],[s,s],[s,s],[s,s]]", "content-type", content_type, "webhook-id", message,
                     "webhook-timestamp", time, "webhook-signature", str_text(&signatures));
}

int webhook_keys_read(const char *path, struct webhook_keys *ret, struct error *err)
{
    AUTO_FREE char *text = NULL;
    struct error why = {0};
    size_t len = 0;
    int r = file_read_secret(path, WEBHOOK_KEY_FILE_MAX, &text, &len, err);

    if (r != 0)
        return r;
    r = webhook_keys_parse(text, ret, &why);
    secret_wipe(text, len);
    return r ? error_set(err, E_CONFIG, "%s %s", path, why.detail) : 0;
}
