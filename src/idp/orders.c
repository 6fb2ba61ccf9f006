/* The thread that changes accounts. Runs in airlock-idp; logs no secret. */
#include "idp/orders.h"

#include <string.h>

#include "base/log.h"
#include "idp/ledger.h"

struct orders {
    pthread_mutex_t lock;
    pthread_cond_t came;
    json_t *waiting[ORDERS_MAX]; /* a ring */
    size_t first, count;
    struct idp *idp;
    orders_done_fn *done;
    void (*changed)(void *ctx);
    void *ctx;
};

/* --- One order --- */

static int do_add(struct idp *idp, const json_t *order, struct new_secrets *secrets, json_t **ret, struct error *err)
{
    const struct new_account account = {json_text(order, "name"), json_text(order, "email"),
                                        json_flag(order, "is_service")};
    return ledger_add(idp, &account, secrets, ret, err);
}

static int do_disable(struct idp *idp, const json_t *order, struct new_secrets *secrets UNUSED, json_t **ret,
                      struct error *err)
{
    return ledger_set_disabled(idp, json_text(order, "subject"), true, ret, err);
}

static int do_enable(struct idp *idp, const json_t *order, struct new_secrets *secrets UNUSED, json_t **ret,
                     struct error *err)
{
    return ledger_set_disabled(idp, json_text(order, "subject"), false, ret, err);
}

static int do_reset(struct idp *idp, const json_t *order, struct new_secrets *secrets, json_t **ret, struct error *err)
{
    return ledger_reset(idp, json_text(order, "subject"), secrets, ret, err);
}

static const struct {
    const char *action;
    int (*run)(struct idp *idp, const json_t *order, struct new_secrets *secrets, json_t **ret, struct error *err);
} ACTIONS[] = {{"add", do_add}, {"disable", do_disable}, {"enable", do_enable}, {"reset", do_reset}};

static int run(struct idp *idp, const json_t *order, struct new_secrets *secrets, json_t **ret, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++)
        if (strcmp(ACTIONS[i].action, json_text(order, "action")) == 0)
            return ACTIONS[i].run(idp, order, secrets, ret, err);
    return error_set(err, E_INVALID, "There is no such order");
}

json_t *orders_do(struct idp *idp, const json_t *order)
{
    struct new_secrets secrets = {.password = ""};
    AUTO_JSON json_t *account = NULL;
    struct error err = {0};
    int r = run(idp, order, &secrets, &account, &err);
    json_t *fields = json_pack("{s:I, s:s, s:s}", "relay", json_int(order, "relay"), "action",
                               json_text(order, "action"), "outcome", r == 0 ? "ok" : error_name(r));

    if (r != 0) {
        json_t *detail = json_string(err.detail); /* NULL when cut inside a character */
        json_object_set_new(fields, "detail", detail ? detail : json_string("The order was refused"));
    } else {
        json_object_set(fields, "account", account);
        json_object_set_new(fields, "password", json_string(secrets.password));
        json_object_set_new(fields, "client_secret", json_string(secrets.client_secret));
    }
    secret_wipe(&secrets, sizeof secrets);
    return fields;
}

void orders_wipe(json_t *fields)
{
    static const char *const SECRET[] = {"password", "client_secret"};
    for (size_t i = 0; i < ARRAY_LEN(SECRET); i++) {
        const json_t *text = json_object_get(fields, SECRET[i]);
        if (text)
            secret_wipe((char *)json_string_value(text), json_string_length(text)); /* ours alone */
    }
}

/* --- The thread --- */

static json_t *orders_next(struct orders *orders)
{
    pthread_mutex_lock(&orders->lock);
    while (orders->count == 0)
        (void)pthread_cond_wait(&orders->came, &orders->lock);
    json_t *order = orders->waiting[orders->first];
    orders->first = (orders->first + 1) % ORDERS_MAX;
    orders->count--;
    pthread_mutex_unlock(&orders->lock);
    return order;
}

static void *orders_run(void *arg)
{
    struct orders *orders = arg;
    for (;;) {
        AUTO_JSON json_t *order = orders_next(orders);
        AUTO_JSON json_t *fields = orders_do(orders->idp, order);
        struct error err = {0};
        if (strcmp(json_text(fields, "outcome"), "ok") == 0)
            orders->changed(orders->ctx);
        if (orders->done(orders->ctx, json_incref(fields), &err) != 0)
            log_error("core was not told what came of an order about an account: %s", err.detail);
        orders_wipe(fields);
    }
    return NULL;
}

int orders_start(struct idp *idp, orders_done_fn *done, void (*changed)(void *ctx), void *ctx, struct orders **ret,
                 struct error *err)
{
    struct orders *orders = xcalloc(1, sizeof *orders);
    pthread_t thread;

    *orders = (struct orders){.idp = idp, .done = done, .changed = changed, .ctx = ctx};
    pthread_mutex_init(&orders->lock, NULL);
    pthread_cond_init(&orders->came, NULL);
    if (pthread_create(&thread, NULL, orders_run, orders) != 0)
        return error_set(err, E_UNAVAILABLE, "The thread that changes accounts could not be started");
    pthread_detach(thread);
    *ret = orders;
    return 0;
}

void orders_take(struct orders *orders, const json_t *message)
{
    pthread_mutex_lock(&orders->lock);
    bool fits = orders->count < ORDERS_MAX;
    if (fits) {
        orders->waiting[(orders->first + orders->count++) % ORDERS_MAX] = json_deep_copy(message);
        pthread_cond_signal(&orders->came);
    }
    pthread_mutex_unlock(&orders->lock);
    if (!fits)
        log_error("an order about an account was dropped: too many wait");
}
