/* Receivers of webhooks and the keys that sign what they get, as settings and key files write them (Standard Webhooks).
 * Pure; used by airlockd, which checks the settings, and by core, which follows them. */
#ifndef AIRLOCK_MODEL_WEBHOOK_H
#define AIRLOCK_MODEL_WEBHOOK_H

#include <stddef.h>

#include "base/error.h"
#include "base/uuid.h"

#define WEBHOOK_KEY_MIN 24 /* bytes */
#define WEBHOOK_KEY_MAX 64
#define WEBHOOK_KEYS_MAX 3
#define WEBHOOK_KEY_FILE_MAX 4096
#define WEBHOOK_NAME_MAX 32
#define WEBHOOK_URL_MAX 1000
#define WEBHOOKS_MAX 32

/* All of them sign; the first is the newest. Secret: webhook_keys_wipe. */
struct webhook_keys {
    size_t count;
    struct {
        size_t len;
        unsigned char bytes[WEBHOOK_KEY_MAX];
    } items[WEBHOOK_KEYS_MAX];
};

/* The text of a key file: one to three lines, each "whsec_" (which may be left out) and a key in base64. E_INVALID with
 * a sentence that goes on after the file's name. */
int webhook_keys_parse(const char *text, struct webhook_keys *ret, struct error *err) MUST_USE;
void webhook_keys_wipe(struct webhook_keys *keys);

struct webhook {
    char name[WEBHOOK_NAME_MAX + 1];
    char workspace[UUID_TEXT_SIZE]; /* "": all of them */
    unsigned kinds;                 /* bits 1 << enum cloud_event */
    char url[WEBHOOK_URL_MAX + 1];  /* https, or http on loopback */
};

struct webhooks {
    size_t count;
    struct webhook items[WEBHOOKS_MAX];
};

/* May a receiver of one's own be called so? A lower-case letter, then letters, digits and hyphens; none of the names
 * that airlock's own receivers have (webhook, broker, mail), nor off, which rules of notices say. */
bool webhook_name_is_own(const char *name);
/* May a webhook be sent there? */
bool webhook_url_is_valid(const char *url);
/* "NAME=WORKSPACE,URL[,KIND+KIND…]" with spaces between; WORKSPACE * is all. E_INVALID as above. */
int webhooks_parse(const char *text, struct webhooks *ret, struct error *err) MUST_USE;
const struct webhook *webhooks_find(const struct webhooks *webhooks, const char *name); /* or NULL */

#endif
