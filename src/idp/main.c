/* airlock-idp: the built-in identity provider. It has local accounts, checks their passwords, and signs the tokens that
 * core accepts. It must never have data, SAS keys or the database; after start it opens no file at all. */
#include <malloc.h>

#include "base/log.h"
#include "idp/idp.h"
#include "idp/publish.h"
#include "idp/server.h"
#include "listener/listener.h"

#define KEPT_ALLOCATION_MAX (1024 * 1024)

struct program {
    struct listener listener;
    struct idp *idp;
    struct publisher *publisher;
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

static void start_publishing(struct program *program)
{
    struct error err = {0};
    if (publisher_start(program->listener.core, idp_publication(program->idp), &program->publisher, &err) != 0)
        die(&err, "cannot publish");
}

int main(void)
{
    struct program program = {.idp = NULL};

    listener_init(&program.listener, &(struct listener_spec){.workers_setting = "idp.workers",
                                                             .handler = handle,
                                                             .refusal = server_refuse,
                                                             .paced = true,
                                                             .after_channel = publish,
                                                             .ctx = &program});
    load(&program);
    listener_confine(&program.listener, NULL, 0, 1); /* what it needs of files is in memory or open: no file is opened any more */
    start_publishing(&program);
    listener_open(&program.listener);
    listener_run(&program.listener);
    return 0; /* the publisher may still wait for core: the process ends with all it has */
}
