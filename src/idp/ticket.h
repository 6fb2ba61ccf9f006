/* Sealed texts that a browser keeps for us and brings back: the login form's hidden field (an authorization request
 * that was checked) and the session cookie. Nobody can make or change one, or use it in another's place. */
#ifndef AIRLOCK_IDP_TICKET_H
#define AIRLOCK_IDP_TICKET_H

#include "base/error.h"
#include "base/json.h"

#define TICKET_MAX 16384
#define TICKET_KEY_SIZE 32

/* binding: what the ticket is for, without a dot; it opens only with the same one. The text is the caller's. */
int ticket_seal(const unsigned char key[static TICKET_KEY_SIZE], const char *binding, const json_t *content,
                int64_t expires_s, char **ret_text, struct error *err) MUST_USE;
/* E_INVALID when it is not ours, too old, or bound to something else. *ret_content is the caller's. */
int ticket_open(const unsigned char key[static TICKET_KEY_SIZE], const char *binding, const char *text, int64_t now_s,
                json_t **ret_content, struct error *err) MUST_USE;

#endif
