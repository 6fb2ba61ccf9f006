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
    char granted[SCOPE_MAX + 1]; /* what was asked for without offline_access, as the answer says it */
};

/* Exactly one of api://ID/.default, api://ID/user_impersonation, ID/.default, and any of openid, profile, email,
 * offline_access (accepted and without effect: there are no refresh tokens). E_INVALID for anything else. */
int scope_parse(const char *text, struct scope *ret, struct error *err) MUST_USE;

#endif
