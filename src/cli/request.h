/* What the request commands share: finding a request, and showing it. */
#ifndef AIRLOCK_CLI_REQUEST_H
#define AIRLOCK_CLI_REQUEST_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* Finds request id: in the workspace of --workspace or AIRLOCK_WORKSPACE, else in each workspace of the person.
 * *ret_workspace is its id, the caller's. ret_envelope (may be NULL): {"airlockRequest",…}, the caller's. */
int request_locate(struct cli *cli, const struct args *args, const char *id, char **ret_workspace,
                   json_t **ret_envelope, struct error *err) MUST_USE;

/* GET of one request; a TRE administrator without a role in the workspace is served by the core token. */
int request_fetch(struct cli *cli, const char *workspace, const char *id, json_t **ret_envelope,
                  struct error *err) MUST_USE;

/* Prints an envelope: JSON as the API sent it, or its facts and files. */
int request_print(const struct cli *cli, const json_t *envelope, struct error *err) MUST_USE;
/* The same to standard error, before a decision. */
int request_explain(const json_t *envelope, struct error *err) MUST_USE;

/* Shows the request and asks, unless --yes was given or nobody is there to answer. E_USAGE: the answer was no. */
int request_confirm(const struct args *args, const json_t *envelope, const char *question, struct error *err) MUST_USE;

/* Between two looks at a request. */
void request_pause(int64_t ms);

const char *request_status(const json_t *envelope);
const char *request_digest(const json_t *envelope); /* properties.manifestDigest, or "" */

#endif
