/* Mail in the making. Runs in airlock-notify; the texts are anybody's. */
#include "notify/message.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "notify/plain.h"

#define LINE_MAX_BYTES 76  /* of an encoded line, without its end */
#define WORD_BYTES 30      /* of text in an encoded word: with the longest header name it fits a line */
#define NAME_BYTES_MAX 200 /* of a display name */
#define ID_MAX 200
#define ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
#define PHRASE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_'"
#define STATUS_LABEL "Status:"
/* No quoted-printable text has "=_" in it. */
#define BOUNDARY_FORM "=_airlock_%.32s"

/* --- Headers --- */

/* The longest piece of at most max bytes that ends between characters. */
static size_t piece_len(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

/* text is plain. */
static void append_words(struct str *out, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len;) {
        size_t piece = piece_len(text + at, len - at, WORD_BYTES);
        str_append(out, at > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_append(out, text + at, piece);
        str_append(out, "?=");
        at += piece;
    }
}

/* At most max bytes of what is fit for a line; the caller's. */
static char *plain_line(const char *text, size_t max)
{
    AUTO_FREE char *cut = plain_cut(text, max);
    AUTO_STR struct str line = STR_INIT(max);

    plain_append(&line, cut, strlen(cut));
    return xstrdup(str_text(&line));
}

/* May it stand as it is? Nothing is taken for an encoded word, and no space is lost at the ends. */
static bool needs_no_words(const char *text, size_t room)
{
    size_t len = strlen(text);
    return mailbox_is_ascii(text) && len <= room && !strstr(text, "=?") && len > 0 && text[0] != ' ' &&
           text[len - 1] != ' ';
}

void message_append_header(struct str *out, const char *name, const char *text)
{
    AUTO_FREE char *line = plain_line(text, MESSAGE_SUBJECT_MAX);

    str_printf(out, "%s: ", name);
    if (needs_no_words(line, LINE_MAX_BYTES - strlen(name) - 2))
        str_append(out, line);
    else
        append_words(out, line);
    str_append(out, "\r\n");
}

void message_append_mailbox(struct str *out, const char *name, const char *display, const char *address)
{
    AUTO_FREE char *line = plain_line(display, NAME_BYTES_MAX);

    str_printf(out, "%s: ", name);
    if (*line && needs_no_words(line, LINE_MAX_BYTES - strlen(name) - 2) &&
        line[strspn(line, PHRASE_CHARACTERS)] == '\0')
        str_append(out, line);
    else
        append_words(out, line);
    str_printf(out, "%s<%s>\r\n", *line ? "\r\n " : "", address);
}

static void append_date(struct str *out, int64_t now_us)
{
    char http[CLOCK_TEXT_MAX];

    clock_format_http(now_us, http);
    str_printf(out, "Date: %.*s+0000\r\n", (int)(strlen(http) - strlen("GMT")), http);
}

/* An id of other characters than an id may have is told by its digest. */
static void append_id(struct str *out, const struct message_head *head)
{
    char digest[SHA256_HEX_SIZE];
    const char *domain = strchr(head->from->address, '@'), *id = head->id;

    if (*id == '\0' || strlen(id) > ID_MAX || id[strspn(id, ID_CHARACTERS)] != '\0') {
        sha256_hex(id, strlen(id), digest);
        id = digest;
    }
    str_printf(out, "Message-ID: <%s%s>\r\n", id, domain);
}

/* --- Bodies --- */

static bool is_soft_start(const char *text)
{
    return strncmp(text, STATUS_LABEL, strlen(STATUS_LABEL)) != 0; /* only a template begins a line with that */
}

/* Where the line that begins at text ends: at a space that fits best, or where it ends anyway. */
static size_t line_end(const char *text)
{
    size_t columns = 0, last = 0, at = 0;

    for (; text[at] && text[at] != '\n'; at++) {
        columns += ((unsigned char)text[at] & 0xC0) != 0x80;
        if (text[at] == ' ' && at > 0 && text[at - 1] != ' ' && is_soft_start(text + at + 1))
            last = at;
        if (columns > MESSAGE_COLUMNS && last > 0)
            return last;
    }
    return at;
}

void message_wrap(struct str *out, const char *text)
{
    while (*text) {
        size_t len = line_end(text);
        str_append_len(out, text, len);
        str_append_char(out, '\n');
        text += len;
        text += *text != '\0'; /* the space or the line's end that the new line replaces */
    }
}

static bool is_literal(const char *c)
{
    unsigned char u = (unsigned char)*c;
    if (u == ' ' || u == '\t')
        return c[1] != '\n' && c[1] != '\0';
    return u > ' ' && u < 0x7F && u != '=';
}

void message_append_quoted(struct str *out, const char *text)
{
    size_t column = 0;

    for (; *text; text++) {
        bool literal = is_literal(text) && !(column == 0 && (*text == '.' || str_starts(text, "From ")));
        size_t width = literal ? 1 : 3;
        if (*text == '\n') {
            str_append(out, "\r\n");
            column = 0;
            continue;
        }
        if (column + width > LINE_MAX_BYTES - 1) {
            str_append(out, "=\r\n");
            column = 0;
            literal = literal && *text != '.';
            width = literal ? 1 : 3;
        }
        if (literal)
            str_append_char(out, *text);
        else
            str_printf(out, "=%02X", (unsigned)(unsigned char)*text);
        column += width;
    }
    if (column > 0)
        str_append(out, "\r\n");
}

static void append_part(struct str *out, const char *boundary, const char *type, const char *text)
{
    str_printf(out, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
               boundary, type);
    message_append_quoted(out, text);
}

static void append_head(struct str *out, const struct message_head *head, const char *subject)
{
    append_date(out, head->now_us);
    append_id(out, head);
    message_append_mailbox(out, "From", head->from->name, head->from->address);
    message_append_mailbox(out, "To", head->to_name, head->to_address);
    message_append_header(out, "Subject", subject);
    str_append(out, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n");
    if (*head->request)
        message_append_header(out, "X-Airlock-Request", head->request);
    if (*head->status)
        message_append_header(out, "X-Airlock-Status", head->status);
}

int message_build(const struct message_head *head, const struct letter *letter, struct str *ret, struct error *err)
{
    AUTO_STR struct str wrapped = STR_INIT(MESSAGE_MAX);
    char digest[SHA256_HEX_SIZE];

    sha256_hex(head->id, strlen(head->id), digest);
    AUTO_FREE char *boundary = xasprintf(BOUNDARY_FORM, digest);
    message_wrap(&wrapped, str_text(&letter->text));
    append_head(ret, head, str_text(&letter->subject));
    str_printf(ret, "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
    append_part(ret, boundary, "text/plain", str_text(&wrapped));
    append_part(ret, boundary, "text/html", str_text(&letter->html));
    str_printf(ret, "--%s--\r\n", boundary);
    if (ret->overflow || wrapped.overflow)
        return error_set(err, E_LIMIT, "the mail is longer than %d bytes", MESSAGE_MAX);
    return 0;
}
