/* airlock-idp: the built-in identity provider. It has local accounts, checks their passwords, and signs the tokens that
 * core accepts. It must never have data, SAS keys or the database; after start it opens no file but a new version of
 * its accounts, and can read none. */
#include <malloc.h>
#include <string.h>

#include "base/log.h"
#include "idp/idp.h"
#include "idp/ledger.h"
#include "idp/orders.h"
#include "idp/publish.h"
#include "idp/server.h"
#include "listener/listener.h"

#define KEPT_ALLOCATION_MAX (1024 * 1024)

struct program {
    struct listener listener;
    struct idp *idp;
    struct publisher *publisher;
    struct orders *orders;
};

static int ask_scope(void *ctx, const char *scope, const char *subject, json_t **ret, struct error *err)
{
    struct program *program = ctx;
    return ipc_call(program->listener.core, MESSAGE_IDP_SCOPE,
                    json_pack("{s:s, s:s}", "scope", scope, "subject", subject), ret, err);
}

static int tell_event(void *ctx, json_t *fields, struct error *err)
{
    struct program *program = ctx;
    return ipc_call(program->listener.core, MESSAGE_IDP_EVENT, fields, NULL, err);
}

static void load(struct program *program)
{
    struct child *child = program->listener.child;
    AUTO_FD int seed_fd = child_take_fd(child, "seed");
    struct error err = {0};
    const struct idp_settings settings = {
        .public_url = child_setting(child, "idp.public_url"),
        .tenant = child_setting(child, "idp.tenant"),
        .api_url = child_setting(child, "api.public_url"),
        .redirect_uris = child_setting(child, "idp.redirect_uris"),
        .core_client_id = child_setting(child, "auth.core_client_id"),
        .accounts_file = child_setting(child, "idp.accounts_file"),
        .key_file = child_setting(child, "idp.key_file"),
        .token_lifetime_s = child_setting_int(child, "idp.token_lifetime"),
        .refresh_lifetime_s = child_setting_int(child, "idp.refresh_lifetime"),
        .workers = (unsigned)child_setting_int(child, "idp.workers"),
        .behind_proxy = child_setting_bool(child, "http.behind_proxy"),
    };
    const struct idp_core core = {ask_scope, tell_event, program};
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_ALLOCATION_MAX); /* what a password check took goes back at once */
    if (idp_new(&settings, seed_fd, &core, &program->idp, &err) != 0)
        die(&err, "cannot load accounts and key");
    AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(program->idp);
    if (accounts_count(accounts) == 0)
        log_warning("there are no accounts in %s: nobody can sign in; seed.file makes the first",
                    settings.accounts_file);
}

static void handle(struct http_exchange *x, void *ctx)
{
    const struct program *program = ctx;
    server_handle(x, program->idp);
}

/* Whatever core this is, it wants the keys. */
static void publish(void *ctx)
{
    const struct program *program = ctx;
    publisher_wake(program->publisher);
}

static int report_order(void *ctx, json_t *fields, struct error *err)
{
    struct program *program = ctx;
    return ipc_call(program->listener.core, MESSAGE_ACCOUNT_DONE, fields, NULL, err);
}

static void on_push(const char *op, const json_t *message, void *ctx)
{
    const struct program *program = ctx;
    if (strcmp(op, message_op(MESSAGE_ACCOUNT_ORDER)) == 0)
        orders_take(program->orders, message);
}

static void start_threads(struct program *program)
{
    struct error err = {0};
    if (publisher_start(program->listener.core, program->idp, &program->publisher, &err) != 0)
        die(&err, "cannot publish");
    if (orders_start(program->idp, report_order, publish, program, &program->orders, &err) != 0)
        die(&err, "cannot take orders");
}

/* It may make and replace files where its accounts are, and read nothing. */
static void confine(struct program *program)
{
    const struct sandbox_rule rules[] = {{.dirfd = ledger_dirfd(program->idp->ledger), .access = SANDBOX_WRITE}};
    listener_confine(&program->listener, rules, ARRAY_LEN(rules), 1);
}

int main(void)
{
    struct program program = {.idp = NULL};

    listener_init(&program.listener, &(struct listener_spec){.workers_setting = "idp.workers",
                                                             .handler = handle,
                                                             .refusal = server_refuse,
                                                             .paced = true,
                                                             .push = on_push,
                                                             .after_channel = publish,
                                                             .ctx = &program});
    load(&program);
    confine(&program);
    start_threads(&program);
    listener_open(&program.listener);
    listener_run(&program.listener);
    return 0; /* the publisher may still wait for core: the process ends with all it has */
}
