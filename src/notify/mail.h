/* Mail by SMTP, several at once, without blocking: one recipient each, TLS verified (plain on loopback only),
 * MAIL_TIMEOUT_S seconds for one. What it says comes from templates.h, its form from message.h. Part of airlock-notify.
 */
#ifndef AIRLOCK_NOTIFY_MAIL_H
#define AIRLOCK_NOTIFY_MAIL_H

#include "base/json.h"

#define MAIL_ROOM 8 /* at once */
#define MAIL_TIMEOUT_S 30
#define MAIL_DETAIL_MAX 300 /* bytes */

struct mail;

/* Texts of the settings mail.*; borrowed until mail_new returns. */
struct mail_config {
    const char *smtp_url; /* of mailbox.h's form */
    const char *from;
    const char *username, *password_file; /* "": the server takes mail without a log-in */
    const char *ca_file;                  /* "": the machine's authorities */
    const char *templates;                /* "": the built-in ones */
    int64_t timeout_ms;                   /* 0: MAIL_TIMEOUT_S */
};

/* What became of a mail. */
struct mail_outcome {
    const char *outcome; /* as event.result says it: delivered, failed (try again), refused (no try would mend it) */
    bool reached;        /* the server answered, whatever it was, or had not to be asked */
    const char *detail;  /* why it was not delivered, printable ASCII and UTF-8; borrowed */
};

typedef void mail_done_fn(void *ctx, const struct mail_outcome *outcome);

/* Reads what it needs of files: before the confinement. E_CONFIG, E_UNAVAILABLE. */
int mail_new(const struct mail_config *config, struct mail **ret, struct error *err) MUST_USE;
void mail_free(struct mail *mail); /* NULL is fine; done is not called any more. Waits for the server's farewell */

bool mail_has_room(const struct mail *mail);
/* Begins a mail as event.lease describes it: message, to {address, name}, template, data. done is called once: from
 * here when it cannot even begin, else from mail_turn. Without room it has failed. */
void mail_begin(struct mail *mail, const json_t *delivery, mail_done_fn *done, void *ctx);

/* Readable when mail_turn has something to do; -1 for NULL. */
int mail_fd(const struct mail *mail);
/* Moves all that is under way on, without waiting. */
void mail_turn(struct mail *mail);

#endif
