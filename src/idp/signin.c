/* Throttle, look-up, hash, in this order and always all of them. Runs on airlock-idp's workers. */
#include "idp/signin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

/* How each kind finds its account and its hash. */
static const struct {
    const char *what;
    const struct account *(*find)(const struct accounts *accounts, const char *who);
    size_t hash_offset;
} KINDS[] = {
    [SIGNIN_PASSWORD] = {"password", accounts_by_login, offsetof(struct account, password_hash)},
    [SIGNIN_CLIENT_SECRET] = {"client secret", accounts_by_client, offsetof(struct account, secret_hash)},
};

static const char *hash_of(const struct account *account, enum signin_kind kind)
{
    if (!account || account->disabled)
        return NULL;
    return *(const char *const *)((const char *)account + KINDS[kind].hash_offset);
}

static unsigned wait_s(struct idp *idp, const char *account_key, const char *address, int64_t now_ms)
{
    int64_t by_account = throttle_wait_ms(idp->by_account, account_key, now_ms);
    int64_t by_address = throttle_wait_ms(idp->by_address, address, now_ms);
    int64_t longest = by_account > by_address ? by_account : by_address;
    return (unsigned)((longest + 999) / 1000);
}

int signin_check(struct idp *idp, const struct signin *signin, const struct account **ret, unsigned *ret_wait_s,
                 struct error *err)
{
    const struct account *account = KINDS[signin->kind].find(idp->accounts, signin->who);
    AUTO_FREE char *key = xasprintf("%d:%s", (int)signin->kind, account ? account->oid : signin->who);
    bool fits = false;

    *ret_wait_s = wait_s(idp, key, signin->address, clock_mono_ms());
    if (*ret_wait_s > 0)
        return error_set(err, E_RATE, "Too many failed tries; wait %u seconds", *ret_wait_s);
    int r = password_check(idp->gate, hash_of(account, signin->kind), signin->secret, &fits, err);
    if (r != 0)
        return r;
    if (!fits) {
        throttle_failed(idp->by_account, key, clock_mono_ms());
        throttle_failed(idp->by_address, signin->address, clock_mono_ms());
        log_warning("refused a %s of %s from %s", KINDS[signin->kind].what,
                    account ? account->oid : "an unknown account", signin->address);
        return error_set(err, E_UNAUTHENTICATED, "The name or the %s is wrong", KINDS[signin->kind].what);
    }
    throttle_forget(idp->by_account, key);
    *ret = account;
    return 0;
}
