/* Which web pages may use links from a browser: the origins of the configured web interface and of a list. Pure but for
 * the answers; airlock-blob only.
 * Source: Azure "Cross-Origin Resource Sharing (CORS) support", the Fetch standard. A link is its own proof, so a page
 * never gets to send cookies or credentials: Access-Control-Allow-Credentials is not answered. */
#ifndef AIRLOCK_BLOB_CORS_H
#define AIRLOCK_BLOB_CORS_H

#include <stdbool.h>

#include "base/error.h"
#include "blob/azure.h"
#include "http/http.h"

#define CORS_ORIGINS_MAX 17 /* the web interface and sixteen more: airlockd/form.c */

struct cors; /* only read once it was made */

/* public_url: the web interface's address, without a path. more: origins separated by spaces, "*" is none of them.
 * E_CONFIG names what is not an origin. */
int cors_new(const char *public_url, const char *more, struct cors **ret, struct error *err) MUST_USE;
void cors_free(struct cors *cors);

/* Is this origin (as a browser sends it) one of ours? Letter case does not matter. */
bool cors_allows_origin(const struct cors *cors, const char *origin);
/* May a page there use this method with these headers (a comma list, or NULL)? */
enum azure_code cors_check_preflight(const struct cors *cors, const char *origin, const char *method,
                                     const char *headers) MUST_USE;
/* What every answer carries, errors too. */
void cors_add_headers(const struct cors *cors, const struct http_head *head, struct http_exchange *x);

#endif
