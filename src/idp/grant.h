/* The grants of the token endpoint: each proves who asks, then token_answer does the rest. */
#ifndef AIRLOCK_IDP_GRANT_H
#define AIRLOCK_IDP_GRANT_H

#include "idp/credentials.h"

/* The request has no parameter twice. */
typedef void grant_fn(struct idp *idp, const struct request *request, const struct credentials *credentials,
                      struct answer *a);

grant_fn grant_refresh_token; /* refresh_flow.c */
grant_fn grant_device_code;   /* device_flow.c */

#endif
