/* The running uploads and downloads of this process, so that core can end those of a container before its bytes are
 * sealed or moved. Runs in airlock-blob.
 *
 * A transfer is registered before core is asked about it and learns its container's generation from the answer. A drain
 * therefore meets every transfer that an older generation ever allowed: those without an answer yet are told to refuse
 * it, downloads are cut, uploads still receiving are refused at their next bytes (and cut when none come), and uploads
 * whose bytes are complete are waited for, since core itself refuses their commit. "Drained" is answered when all of
 * them have ended, that is, have closed their files. */
#ifndef AIRLOCK_BLOB_TRANSFERS_H
#define AIRLOCK_BLOB_TRANSFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "http/http.h"

#define TRANSFERS_GRACE_MS 300 /* for a receiving upload to notice by itself; core expects "drained" within 2 s */

enum transfer_kind { TRANSFER_UPLOAD, TRANSFER_DOWNLOAD };

struct transfers;
struct transfer;

/* drained is called without locks held, on whatever thread ended the last transfer. E_IO without a timer. */
int transfers_new(void (*drained)(int64_t drain, void *ctx), void *ctx, struct transfers **ret,
                  struct error *err) MUST_USE;
void transfers_free(struct transfers *transfers); /* when no transfer is left */

/* Worker threads. account and container are copied. transfer_end must come before the exchange ends. */
struct transfer *transfer_begin(struct transfers *transfers, enum transfer_kind kind, struct http_exchange *x,
                                const char *account, const char *container);
/* So many bytes come, or have been let in so far, which core counts only at their commit. Answers what the other
 * uploads into the same container have announced. */
uint64_t transfer_announce(struct transfer *transfer, uint64_t bytes);
/* Core's answer named this generation. E_SAS when the container has moved on since: nothing may be opened. */
int transfer_admit(struct transfer *transfer, int64_t generation, struct error *err) MUST_USE;
/* May the upload go on (E_SAS when not)? is_complete: its bytes are all here, from now on it is not cut any more. */
int transfer_check(struct transfer *transfer, bool is_complete, struct error *err) MUST_USE;
/* The download is cut that many milliseconds from now: core says how long it may outlive its link. */
void transfer_limit(struct transfer *transfer, int64_t left_ms);
/* Its files are closed. NULL is allowed. */
void transfer_end(struct transfer *transfer);

/* Loop thread: blob.drain, the timer's descriptor and what to do when it is readable, and a new channel to core, which
 * will ask again for what it still wants drained. */
void transfers_drain(struct transfers *transfers, int64_t drain, const char *account, const char *container,
                     int64_t generation);
int transfers_timer_fd(const struct transfers *transfers);
void transfers_tick(struct transfers *transfers);
void transfers_forget_drains(struct transfers *transfers);

#endif
