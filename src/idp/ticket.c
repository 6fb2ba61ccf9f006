/* base64url(JSON) "." base64url(HMAC). Pure. Runs in airlock-idp. */
#include "idp/ticket.h"

#include <string.h>

#include "base/crypto.h"

/* The message is the binding and the body, kept apart by a character that neither contains. */
static void ticket_mac(const unsigned char *key, const char *binding, const char *body, size_t body_len,
                       unsigned char out[static SHA256_SIZE])
{
    AUTO_STR struct str message = STR_INIT(2 * TICKET_MAX);
    str_printf(&message, "%s.", binding);
    str_append_len(&message, body, body_len);
    hmac_sha256(key, TICKET_KEY_SIZE, str_text(&message), message.len, out);
}

int ticket_seal(const unsigned char key[static TICKET_KEY_SIZE], const char *binding, const json_t *content,
                int64_t expires_s, char **ret_text, struct error *err)
{
    AUTO_JSON json_t *body = json_pack("{s:O, s:I}", "content", content, "expires", (json_int_t)expires_s);
    AUTO_STR struct str json = STR_INIT(TICKET_MAX);
    AUTO_STR struct str text = STR_INIT(TICKET_MAX);
    unsigned char mac[SHA256_SIZE];

    json_append_value(&json, body);
    base64url_append(&text, str_text(&json), json.len);
    ticket_mac(key, binding, str_text(&text), text.len, mac);
    str_append_char(&text, '.');
    base64url_append(&text, mac, sizeof mac);
    if (json.overflow || text.overflow)
        return error_set(err, E_INVALID, "The request is too long");
    *ret_text = TAKE_PTR(text.p);
    return 0;
}

static bool mac_holds(const unsigned char *key, const char *binding, const char *text, const char *dot)
{
    unsigned char given[SHA256_SIZE], wanted[SHA256_SIZE];
    size_t len;

    if (!base64url_decode(dot + 1, strlen(dot + 1), given, sizeof given, &len) || len != sizeof given)
        return false;
    ticket_mac(key, binding, text, (size_t)(dot - text), wanted);
    return equal_constant_time(given, wanted, sizeof given);
}

int ticket_open(const unsigned char key[static TICKET_KEY_SIZE], const char *binding, const char *text, int64_t now_s,
                json_t **ret_content, struct error *err)
{
    const char *dot = strnlen(text, TICKET_MAX + 1) <= TICKET_MAX ? strchr(text, '.') : NULL;
    AUTO_JSON json_t *body = NULL;

    if (!dot || *binding == '\0' || !mac_holds(key, binding, text, dot))
        return error_set(err, E_INVALID, "The form was not made for this browser");
    size_t json_len, room = (size_t)(dot - text);
    AUTO_FREE char *json = xmalloc(room + 1);
    if (!base64url_decode(text, room, (unsigned char *)json, room, &json_len) ||
        json_parse_object(json, json_len, &body, NULL) != 0)
        return error_set(err, E_INVALID, "The form is damaged");
    if (json_int(body, "expires") <= now_s)
        return error_set(err, E_INVALID, "The form is too old");
    *ret_content = json_incref(json_object_get(body, "content"));
    return 0;
}
