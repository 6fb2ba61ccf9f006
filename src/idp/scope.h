/* The scope parameter: one resource, and what OpenID Connect adds to it. Pure. */
#ifndef AIRLOCK_IDP_SCOPE_H
#define AIRLOCK_IDP_SCOPE_H

#include "base/error.h"
#include "base/str.h"

#define SCOPE_MAX 1024
#define SCOPE_RESOURCE_MAX 256

struct scope {
    char resource[SCOPE_RESOURCE_MAX + 1]; /* as core knows it: "api://CLIENT-ID/…", or a client id */
    bool app_default;                      /* it ended in /.default */
    bool openid;
    bool offline;                /* a refresh token is wanted */
    char granted[SCOPE_MAX + 1]; /* what was asked for without offline_access, as the answer says it */
};

/* At least one of api://ID/.default, api://ID/user_impersonation, ID/.default, and any of openid, profile, email,
 * offline_access. A token is for one resource: several is for who asks at the start of a flow for what they will
 * refresh later, as Microsoft's libraries do; the first is then what the token is for. E_INVALID for anything else. */
enum scope_count { SCOPE_ONE, SCOPE_SEVERAL };
int scope_parse(const char *text, enum scope_count count, struct scope *ret, struct error *err) MUST_USE;

/* Only words of OpenID Connect, openid among them: who the person is, and no resource. */
bool scope_is_identity(const char *text);

#endif
