/* The endpoints: a request with decoded parameters in, an answer out. They know neither sockets nor frames. */
#ifndef AIRLOCK_IDP_ENDPOINT_H
#define AIRLOCK_IDP_ENDPOINT_H

#include "http/http.h"
#include "idp/answer.h"
#include "idp/idp.h"

struct request {
    const struct http_params *params; /* of the query, or of the form of a POST */
    const char *authorization;        /* headers: "" where there is none */
    const char *cookie;
    const char *fetch_site; /* Sec-Fetch-Site */
    const char *address;    /* of the client */
};

typedef void endpoint_fn(struct idp *idp, const struct request *request, struct answer *a);

endpoint_fn discovery_get; /* OpenID Connect Discovery §4 */
endpoint_fn keys_get;      /* RFC 7517 */
endpoint_fn health_get;
endpoint_fn token_post;     /* RFC 6749 §4.1.3, §4.4.2 */
endpoint_fn authorize_get;  /* RFC 6749 §4.1.1: answers with the login page */
endpoint_fn authorize_post; /* the same as a form, or the login page's form coming back */

/* The value of a parameter, "" when it is not there. */
const char *request_param(const struct request *request, const char *name);
/* RFC 6749 §3.1: no parameter may stand twice. */
bool request_is_plain(const struct request *request);

#endif
