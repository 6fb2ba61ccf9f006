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
    const char *fetch_site;          /* Sec-Fetch-Site */
    const char *address;             /* of the client */
    const struct accounts *accounts; /* as they were when it arrived: it is judged by these alone */
    int64_t arrived_s;               /* no later than that */
    const char *base;                /* what the path began with: "/{tenant}", or "/adfs", which means the same */
};

typedef void endpoint_fn(struct idp *idp, const struct request *request, struct answer *a);

endpoint_fn discovery_get; /* OpenID Connect Discovery §4 */
endpoint_fn keys_get;      /* RFC 7517 */
endpoint_fn health_get;
endpoint_fn instance_get;    /* Microsoft's instance discovery, answered about ourselves */
endpoint_fn token_post;      /* RFC 6749 §4.1.3, §4.4.2, §6; RFC 8628 §3.4 */
endpoint_fn revoke_post;     /* RFC 7009 */
endpoint_fn devicecode_post; /* RFC 8628 §3.1 */
endpoint_fn device_get;      /* the page where a person types a device's code */
endpoint_fn device_post;
endpoint_fn password_get; /* the page where a person changes the password */
endpoint_fn password_post;
endpoint_fn logout_get; /* OpenID Connect RP-Initiated Logout */
endpoint_fn logout_post;
endpoint_fn authorize_get;  /* RFC 6749 §4.1.1: answers with the login page */
endpoint_fn authorize_post; /* the same as a form, or the login page's form coming back */

#define AUTHORIZE_PATH "/oauth2/v2.0/authorize" /* paths below the base */
#define PASSWORD_PATH "/password"
#define LOGOUT_PATH "/oauth2/v2.0/logout"
#define DEVICE_PATH "/device"
#define BASE_ALIAS "/adfs" /* Microsoft's libraries ask nobody else about a tenant of that name */

/* What a path begins with, if that is the tenant or its other name and a slash follows; else "". */
const char *request_base(const struct idp *idp, const char *path);

/* The value of a parameter, "" when it is not there. */
const char *request_param(const struct request *request, const char *name);
/* RFC 6749 §3.1: no parameter may stand twice. */
bool request_is_plain(const struct request *request);

#endif
