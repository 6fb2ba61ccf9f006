/* A mail as it goes over the wire (RFC 5322, MIME): headers in ASCII, then a text and an HTML part. Whatever the texts
 * hold, there is one header block, and nobody is added to it. Pure; part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_MESSAGE_H
#define AIRLOCK_NOTIFY_MESSAGE_H

#include "base/error.h"
#include "base/str.h"
#include "notify/mailbox.h"
#include "notify/templates.h"

#define MESSAGE_MAX (2 * 1024 * 1024) /* bytes of a whole mail */
#define MESSAGE_SUBJECT_MAX 250       /* bytes; a longer one is cut */
#define MESSAGE_COLUMNS 76            /* of the text part; what has no space in it may be longer */

/* All borrowed. */
struct message_head {
    const struct mailbox *from;
    const char *to_name, *to_address; /* the address has passed mailbox_check */
    const char *id;                   /* the same at every try of the same mail */
    const char *request, *status;     /* "": the mail is about several */
    int64_t now_us;
};

/* E_LIMIT: it is longer than MESSAGE_MAX. The bytes in ret, which is empty before, are the caller's. */
int message_build(const struct message_head *head, const struct letter *letter, struct str *ret,
                  struct error *err) MUST_USE;

/* The steps, for tests. A header, its text encoded where it has to be (RFC 2047). */
void message_append_header(struct str *out, const char *name, const char *text);
void message_append_mailbox(struct str *out, const char *name, const char *display, const char *address);
/* Lines of at most MESSAGE_COLUMNS characters, broken at spaces. */
void message_wrap(struct str *out, const char *text);
/* Quoted-printable, with lines that end in CRLF. */
void message_append_quoted(struct str *out, const char *text);

#endif
