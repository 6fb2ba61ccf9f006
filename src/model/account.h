/* Storage accounts: which there are, the zone each is reachable from, and how their names are made and read.
 * A name is 3 to 24 lower-case letters and digits (Azure's rule for storage account names). Pure; any process. */
#ifndef AIRLOCK_MODEL_ACCOUNT_H
#define AIRLOCK_MODEL_ACCOUNT_H

#include <stdbool.h>

#include "base/error.h"

#define ACCOUNT_NAME_MAX 24
#define ACCOUNT_TRE_ID_MAX 11      /* so that the longest prefix still leaves a valid name */
#define ACCOUNT_WORKSPACE_DIGITS 8 /* hex digits of the workspace id in a workspace's account names */

enum zone { ZONE_EXTERNAL, ZONE_CORE, ZONE_WORKSPACE, ZONE_COUNT };

enum account_scope { SCOPE_TRE, SCOPE_WORKSPACE };
enum account_use { USE_DRAFT, USE_KEPT };

enum account {
#define X(name, prefix, zone, scope, use) ACCOUNT_##name,
#include "model/account.def"
#undef X
    ACCOUNT_COUNT,
    /* Answers of a status that names no account. */
    ACCOUNT_MOVING, /* between two accounts: nobody reads it */
    ACCOUNT_STAYS,  /* where it was when the request failed */
    ACCOUNT_NONE,   /* the bytes are gone, or going */
};

struct account_facts {
    const char *prefix;
    enum zone zone;
    enum account_scope scope;
    enum account_use use;
};

/* account must be one of the ten. */
const struct account_facts *account_facts(enum account account);

const char *zone_name(enum zone zone); /* "external", "core", "workspace" */
bool zone_by_name(const char *name, enum zone *ret);

/* A TRE id: 1 to ACCOUNT_TRE_ID_MAX lower-case letters and digits. E_INVALID otherwise. */
int account_check_tre_id(const char *tre_id, struct error *err) MUST_USE;

/* The account's name: the prefix and, by its scope, the TRE id or the workspace's 8 hex digits (lower case). The other
 * of the two may be NULL. E_INVALID for a suffix of the wrong form. */
int account_name_format(enum account account, const char *tre_id, const char *workspace_digits,
                        char ret_name[static ACCOUNT_NAME_MAX + 1], struct error *err) MUST_USE;

/* Reads a name back. *ret_suffix points into name, behind the prefix; it has the form the account's scope asks for, but
 * whether it is this TRE's id, or a workspace's digits, is for the caller to look up. false: not one of our names. */
bool account_by_name(const char *name, enum account *ret_account, const char **ret_suffix);

#endif
