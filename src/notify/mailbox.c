/* Addresses and servers of mail. Runs in airlock-notify and airlockd. */
#include "notify/mailbox.h"

#include <string.h>

#include "base/str.h"
#include "base/url.h"
#include "notify/plain.h"

#define LOCAL_MAX 64                     /* RFC 5321 */
#define ADDRESS_SPECIALS "\"(),:;<>[\\]" /* RFC 5322, without the dot and the at sign */

bool mailbox_is_ascii(const char *address)
{
    for (; *address; address++)
        if ((unsigned char)*address >= 0x80)
            return false;
    return true;
}

/* Unchanged by what makes text fit for a line, and without spaces. */
static bool is_plain(const char *text)
{
    AUTO_STR struct str plain = STR_INIT(MAILBOX_ADDRESS_MAX);

    plain_append(&plain, text, strlen(text));
    return !plain.overflow && strcmp(str_text(&plain), text) == 0 && !strchr(text, ' ') &&
           plain_is_utf8(text, strlen(text));
}

static bool dots_are_good(const char *text, size_t len)
{
    return len > 0 && text[0] != '.' && text[len - 1] != '.' && !memmem(text, len, "..", 2);
}

int mailbox_check(const char *address, struct error *err)
{
    const char *at = strchr(address, '@');
    size_t len = strlen(address), local = at ? (size_t)(at - address) : 0;

    if (len > MAILBOX_ADDRESS_MAX || local > LOCAL_MAX)
        return error_set(err, E_INVALID, "is longer than an address can be");
    if (!is_plain(address) || strpbrk(address, ADDRESS_SPECIALS))
        return error_set(err, E_INVALID,
                         "has a character that no address has, such as a space, a quote or a line break");
    if (!at || strchr(at + 1, '@') || !dots_are_good(address, local) || !dots_are_good(at + 1, len - local - 1))
        return error_set(err, E_INVALID, "must be of the form NAME@DOMAIN");
    return 0;
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && **text == ' ') {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && (*text)[*len - 1] == ' ')
        (*len)--;
}

int mailbox_parse(const char *text, struct mailbox *ret, struct error *err)
{
    const char *open = strchr(text, '<'), *address = open ? open + 1 : text, *name = text;
    size_t name_len = open ? (size_t)(open - text) : 0, len = open ? strcspn(address, ">") : strlen(address);
    struct mailbox mailbox = {0};
    struct error why = {0};

    if (open && (address[len] != '>' || address[len + 1] != '\0'))
        return error_set(err, E_INVALID, "must be ADDRESS or NAME <ADDRESS>");
    trim(&name, &name_len);
    if (name_len > MAILBOX_NAME_MAX || len > MAILBOX_ADDRESS_MAX)
        return error_set(err, E_INVALID, "must not be so long");
    memcpy(mailbox.name, name, name_len);
    memcpy(mailbox.address, address, len);
    if (!plain_is_utf8(mailbox.name, name_len))
        return error_set(err, E_INVALID, "must be UTF-8");
    if (mailbox_check(mailbox.address, &why) != 0)
        return error_set(err, E_INVALID, "must be ADDRESS or NAME <ADDRESS>, and the address %s", why.detail);
    *ret = mailbox;
    return 0;
}

bool smtp_url_parse(const char *url, enum smtp_security *ret)
{
    static const char STARTTLS[] = "smtp://", TLS[] = "smtps://";
    bool is_tls = str_starts(url, TLS);

    if (!is_tls && !str_starts(url, STARTTLS))
        return false;
    const char *authority = url + (is_tls ? sizeof TLS : sizeof STARTTLS) - 1;
    AUTO_FREE char *as_https = xasprintf("https://%s", authority);
    AUTO_FREE char *as_http = xasprintf("http://%s", authority);
    if (strpbrk(authority, "/?#") || !url_is_private(as_https))
        return false;
    *ret = is_tls ? SMTP_TLS : url_is_private(as_http) ? SMTP_PLAIN : SMTP_STARTTLS;
    return true;
}
