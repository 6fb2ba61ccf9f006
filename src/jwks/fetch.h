/* One GET at a time by libcurl, without blocking: TLS verified, no redirect, 10 seconds, DOCUMENT_MAX bytes. Part of
 * airlock-jwks. */
#ifndef AIRLOCK_JWKS_FETCH_H
#define AIRLOCK_JWKS_FETCH_H

#include "base/error.h"
#include "base/json.h"

#define FETCH_TIMEOUT_S 10

struct fetcher;

/* ca_file "": the machine's authorities. Reads them at once, so that no file is needed later. E_CONFIG. */
int fetcher_new(const char *ca_file, struct fetcher **ret, struct error *err) MUST_USE;
void fetcher_free(struct fetcher *fetcher);

/* Begins; a fetch under way is given up. */
int fetcher_begin(struct fetcher *fetcher, const char *url, struct error *err) MUST_USE;
bool fetcher_is_busy(const struct fetcher *fetcher);

/* Waits for what is under way and for the descriptors (-1 is passed over), at most timeout_ms; sets readable[i]. */
void fetcher_wait(struct fetcher *fetcher, const int *fds, bool *readable, size_t count, int timeout_ms);

/* true: the fetch has ended. Then *ret_result is 0 and *ret_document (the caller's) a JSON object, *ret_fresh_s the
 * seconds for which it holds; or *ret_result is an error, explained in err. */
bool fetcher_finish(struct fetcher *fetcher, int *ret_result, json_t **ret_document, int64_t *ret_fresh_s,
                    struct error *err);

#endif
