/* What airlockd holds open for its children as long as it lives: listening sockets, the storage root, seeds, the
 * certificate. From these the descriptors of each start message are made. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_RESOURCES_H
#define AIRLOCK_AIRLOCKD_RESOURCES_H

#include "airlockd/certificate.h"
#include "airlockd/layout.h"
#include "airlockd/process.h"

#define SEED_MAX (1024 * 1024) /* bytes of a seed as JSON */

struct resources {
    const struct settings *settings; /* borrowed */
    struct layout layout;
    int listeners[PROCESS_COUNT]; /* -1 where there is none */
    struct certificate certificate;
    json_t *seeds[PROCESS_COUNT]; /* what a new database and a new accounts file begin with; NULL for most */
};

/* Opens the sockets and the directories. On an error what was opened is closed. */
int resources_open(struct resources *ret, const struct settings *settings, struct error *err) MUST_USE;
void resources_done(struct resources *resources);

/* The certificate's files may have changed: reads them. On an error the certificate that was there stays. */
int resources_read_certificate(struct resources *resources, struct error *err) MUST_USE;
/* Certificate and key as descriptors (the caller's) for the message "tls". */
int resources_open_certificate(const struct resources *resources, int ret_fds[static 2], struct error *err) MUST_USE;

/* The start message of a process and its descriptors (the caller's, at most PROCESS_GRANTS_MAX). */
int resources_start_message(const struct resources *resources, size_t process, json_t **ret_message,
                            int ret_fds[static PROCESS_GRANTS_MAX], size_t *ret_fd_count, struct error *err) MUST_USE;

#endif
