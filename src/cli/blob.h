/* The data plane: one request's container behind a link of the airlock API, spoken to as any Azure Blob client does. */
#ifndef AIRLOCK_CLI_BLOB_H
#define AIRLOCK_CLI_BLOB_H

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/blob_xml.h"
#include "cli/cli.h"
#include "cli/url.h"
#include "cli/web.h"

struct container {
    struct cli *cli;       /* asks for a new link, under the lock, while the main thread only waits */
    const char *workspace; /* borrowed */
    const char *request;   /* borrowed */
    pthread_mutex_t lock;
    struct link link;
    int64_t linked_ms; /* when the link came, monotonic */
};

/* Asks for a link with the default life and permissions. */
int container_open(struct container *container, struct cli *cli, const char *workspace, const char *request,
                   struct error *err) MUST_USE;
void container_done(struct container *container);

/* Sends request to a blob ("": the container) with query added; request->url is filled in here. Network errors and
 * passing statuses are tried again with back-off (Retry-After is obeyed); a link that has run out is replaced. 0 when
 * an answer came that is neither: the caller judges its status. Thread-safe, with a web per thread. */
int blob_send(struct container *container, struct web *web, const char *blob, const char *query,
              struct web_request *request, struct web_answer *answer, struct error *err) MUST_USE;

/* Every blob of the container, in the server's order. */
int blob_list(struct container *container, struct web *web, struct blob_list *ret, struct error *err) MUST_USE;
/* Committed and uncommitted blocks; none for a blob that is not there. */
int blob_blocks(struct container *container, struct web *web, const char *blob, struct block_list *ret,
                struct error *err) MUST_USE;

#endif
