/* Links: handing them out, and judging one when it is used. */
#ifndef AIRLOCK_CORE_LINK_H
#define AIRLOCK_CORE_LINK_H

#include "core/request.h"
#include "model/authz.h"

#define TRANSFER_GRACE_S 3600 /* what began before a link's end may end so much later */
#define TRANSFER_GRACE_US (INT64_C(1000000) * TRANSFER_GRACE_S)

call_handler request_link, request_link_revoke_all;

/* A link for the requestor of an approved request, to be sent by mail: it reads, lives so long, and opens to the first
 * address that uses it only. Appended to url, which nobody may log; nothing is where they have no role there any more. */
int link_for_notice(struct core *core, const struct call *call, const struct request *req, int64_t seconds,
                    struct str *url, struct error *err) MUST_USE;

/* Ends every link that is alive, and what runs by it. */
int links_end_all(struct core *core, struct call *call, struct error *err) MUST_USE;
/* Forgets, a batch at a time, links that expired and downloads that were told over a day ago. */
int links_prune(struct core *core, int64_t now, struct error *err) MUST_USE;
/* After a refusal was rolled back: a link for TLS that was seen outside it is on record as leaked, once. */
int link_note_leak(struct core *core, struct call *call, const struct error *why, struct error *err) MUST_USE;

/* Appends where a container is, without any right to it. base: of its zone, which holds the account in its host name, or
 * else the account begins the path. */
void link_append_container(struct str *url, const char *base, const char *account, const char *container);

/* A link in use: what was checked, and the request it opens. */
struct access {
    struct request request;
    enum zone zone;
    enum account account;
    char workspace[UUID_TEXT_SIZE]; /* that the account's name tells; empty for accounts of the TRE */
    unsigned permissions; /* of the link */
    struct sas_fields sas; /* borrowed from the frame */
    char subject[SUBJECT_MAX]; /* who asked for the link */
    bool is_unbound;           /* the address that uses it now is to be its only one */
};
void access_done(struct access *a);
#define AUTO_ACCESS CLEANUP(access_done)

/* Judges the access fields of a frame of airlock-blob (ipc/messages.md): zone and networks, before anything that would
 * tell of a request; signature under the present generation, time, address, protocol, and needed (enum permission bits
 * of which one is enough). Fills call->request and link_id. */
int access_check(struct core *core, struct call *call, unsigned needed, struct access *ret, struct error *err) MUST_USE;

/* How long a transfer by this link may run from now on. */
int64_t access_left_ms(const struct access *a, int64_t now);

call_handler blob_access;

#endif
