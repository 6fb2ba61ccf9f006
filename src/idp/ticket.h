/* The hidden field of the login form: an authorization request that was checked, sealed so that the form can neither be
 * changed nor be brought by another browser (cross-site request forgery). */
#ifndef AIRLOCK_IDP_TICKET_H
#define AIRLOCK_IDP_TICKET_H

#include "base/error.h"
#include "base/json.h"

#define TICKET_LIFETIME_S 600
#define TICKET_MAX 16384
#define TICKET_KEY_SIZE 32

/* browser is the secret value of the form's cookie. The text is the caller's. */
int ticket_seal(const unsigned char key[static TICKET_KEY_SIZE], const json_t *request, const char *browser,
                int64_t now_s, char **ret_text, struct error *err) MUST_USE;
/* E_INVALID when it is not ours, too old, or another browser's. *ret_request is the caller's. */
int ticket_open(const unsigned char key[static TICKET_KEY_SIZE], const char *text, const char *browser, int64_t now_s,
                json_t **ret_request, struct error *err) MUST_USE;

#endif
