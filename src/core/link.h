/* Links: handing them out, and judging one when it is used. */
#ifndef AIRLOCK_CORE_LINK_H
#define AIRLOCK_CORE_LINK_H

#include "core/request.h"
#include "model/authz.h"

call_handler request_link, request_link_revoke_all;

/* A link in use: what was checked, and the request it opens. */
struct access {
    struct request request;
    enum zone zone;
    unsigned permissions; /* of the link */
    struct sas_fields sas; /* borrowed from the frame */
    char subject[SUBJECT_MAX]; /* who asked for the link */
};
void access_done(struct access *a);
#define AUTO_ACCESS CLEANUP(access_done)

/* Judges the access fields of a frame of airlock-blob (ipc/messages.md): zone, signature under the present generation,
 * time, address, protocol, and needed (enum permission bits of which one is enough). Fills call->request, link_id. */
int access_check(struct core *core, struct call *call, unsigned needed, struct access *ret, struct error *err) MUST_USE;

call_handler blob_access;

#endif
