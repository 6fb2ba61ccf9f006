/* The table of storage accounts and the making and reading of their names. Pure; any process. */
#include "model/account.h"

#include <string.h>

#include "base/str.h"

static const struct account_facts ACCOUNTS[] = {
#define X(name, prefix, zone, scope, use) {prefix, ZONE_##zone, SCOPE_##scope, USE_##use},
#include "model/account.def"
#undef X
};

static const char *const ZONES[ZONE_COUNT] = {"external", "core", "workspace"};

const struct account_facts *account_facts(enum account account)
{
    return &ACCOUNTS[account];
}

const char *zone_name(enum zone zone)
{
    return ZONES[zone];
}

bool zone_by_name(const char *name, enum zone *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(ZONES); i++)
        if (strcmp(ZONES[i], name) == 0) {
            *ret = (enum zone)i;
            return true;
        }
    return false;
}

static const char TRE_ID_CHARS[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char HEX_CHARS[] = "0123456789abcdef";

static bool is_tre_id(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= ACCOUNT_TRE_ID_MAX && strspn(text, TRE_ID_CHARS) == len;
}

static bool is_workspace_digits(const char *text)
{
    return strlen(text) == ACCOUNT_WORKSPACE_DIGITS && strspn(text, HEX_CHARS) == ACCOUNT_WORKSPACE_DIGITS;
}

int account_check_tre_id(const char *tre_id, struct error *err)
{
    if (!is_tre_id(tre_id))
        return error_set_field(err, E_INVALID, "tre_id", "The TRE id must be 1 to %d lower-case letters and digits",
                               ACCOUNT_TRE_ID_MAX);
    return 0;
}

int account_name_format(enum account account, const char *tre_id, const char *workspace_digits,
                        char ret_name[static ACCOUNT_NAME_MAX + 1], struct error *err)
{
    const struct account_facts *facts = account_facts(account);
    AUTO_STR struct str name = STR_INIT(ACCOUNT_NAME_MAX);

    if (facts->scope == SCOPE_TRE) {
        int r = account_check_tre_id(tre_id ? tre_id : "", err);
        if (r < 0)
            return r;
    } else if (!workspace_digits || !is_workspace_digits(workspace_digits)) {
        return error_set_field(err, E_INVALID, "workspace",
                               "A workspace's account suffix must be %d lower-case hex digits",
                               ACCOUNT_WORKSPACE_DIGITS);
    }
    str_append(&name, facts->prefix);
    str_append(&name, facts->scope == SCOPE_TRE ? tre_id : workspace_digits);
    if (name.overflow)
        return error_set(err, E_INTERNAL, "The account prefix %s is too long", facts->prefix);
    memcpy(ret_name, name.p, name.len + 1);
    return 0;
}

bool account_by_name(const char *name, enum account *ret_account, const char **ret_suffix)
{
    for (size_t i = 0; i < ARRAY_LEN(ACCOUNTS); i++) {
        if (!str_starts(name, ACCOUNTS[i].prefix))
            continue;
        const char *suffix = name + strlen(ACCOUNTS[i].prefix);
        if (ACCOUNTS[i].scope == SCOPE_TRE ? !is_tre_id(suffix) : !is_workspace_digits(suffix))
            return false;
        *ret_account = (enum account)i;
        *ret_suffix = suffix;
        return true;
    }
    return false;
}
