/* Throttle, look-up, hash, in this order and always all of them. Runs on airlock-idp's workers. */
#include "idp/signin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "idp/event.h"

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

/* Failed: counted for the account and the address, and told to core, as is a lock that begins with it. */
static int signin_failed(struct idp *idp, const struct signin *signin, const struct account *account, const char *key,
                         struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    int64_t locked_ms = throttle_failed(idp->by_account, key, now_ms);
    int64_t address_ms = throttle_failed(idp->by_address, signin->address, now_ms);
    AUTO_FREE char *reason =
        xasprintf("The %s of %s is wrong", KINDS[signin->kind].what, account ? account->oid : "an unknown account");
    struct event event = {
        .kind = EVENT_REFUSED,
        .method = KINDS[signin->kind].what,
        .client = signin->client_id,
        .address = signin->address,
        .reason = reason,
    };

    log_warning("refused a %s of %s from %s", KINDS[signin->kind].what, account ? account->oid : "an unknown account",
                signin->address);
    int r = event_record(idp, &event, err);
    if (r != 0 || (locked_ms == 0 && address_ms == 0))
        return r;
    AUTO_FREE char *locked = xasprintf("Too many failed tries: locked for %lld seconds",
                                       (long long)(locked_ms > address_ms ? locked_ms : address_ms) / 1000);
    event.kind = EVENT_LOCKOUT;
    event.subject = account && locked_ms > 0 ? account->oid : "";
    event.reason = locked;
    return event_record(idp, &event, err);
}

int signin_check(struct idp *idp, const struct signin *signin, const struct account **ret, unsigned *ret_wait_s,
                 struct error *err)
{
    const struct account *account = KINDS[signin->kind].find(signin->accounts, signin->who);
    AUTO_FREE char *key = xasprintf("%d:%s", (int)signin->kind, account ? account->oid : signin->who);
    bool fits = false;

    *ret_wait_s = wait_s(idp, key, signin->address, clock_mono_ms());
    if (*ret_wait_s > 0)
        return error_set(err, E_RATE, "Too many failed tries; wait %u seconds", *ret_wait_s);
    int r = password_check(idp->gate, hash_of(account, signin->kind), signin->secret, &fits, err);
    if (r != 0)
        return r;
    if (!account || !fits) {
        r = signin_failed(idp, signin, account, key, err);
        return r ? r : error_set(err, E_UNAUTHENTICATED, "The name or the %s is wrong", KINDS[signin->kind].what);
    }
    const struct event event = {
        .kind = EVENT_SIGNIN,
        .subject = account->oid,
        .method = KINDS[signin->kind].what,
        .client = signin->client_id,
        .address = signin->address,
    };
    r = event_record(idp, &event, err);
    if (r != 0)
        return r;
    throttle_forget(idp->by_account, key);
    *ret = account;
    return 0;
}

struct signin signin_of_form(const struct request *request, const char *client_id)
{
    return (struct signin){
        .kind = SIGNIN_PASSWORD,
        .accounts = request->accounts,
        .who = request_param(request, "username"),
        .secret = request_param(request, "password"),
        .client_id = client_id,
        .address = request->address,
    };
}

int signin_http_status(int code)
{
    return code == E_UNAUTHENTICATED ? 403 : error_http_status(code);
}
