/* airlock-notify: tells the outside what core has for it: events to webhooks and to a message broker, mail to people, and
 * the calls of external gates. It has the network and a channel to core, and never data, keys or the database: core signs
 * what it sends. This file is the table of contents: calls.h and deliveries.h ask core, caller.h, broker.h and mail.h
 * connect. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/child.h"
#include "notify/calls.h"
#include "notify/deliveries.h"
#include "outward/outward.h"

#define IDLE_MS 500

struct program {
    struct child *child;
    struct ipc_client *core;
    struct caller *caller;
    struct broker *broker; /* NULL: no setting names one */
    struct mail *mail;     /* likewise */
    struct calls *calls;
    struct deliveries *deliveries;
    struct terms gate_terms, webhook_terms;
};

/* Control socket, channel, and all that is under way. */
static void serve(int timeout_ms, void *ctx)
{
    struct program *program = ctx;
    const int fds[] = {child_control_fd(program->child), ipc_client_fd(program->core), broker_fd(program->broker),
                       mail_fd(program->mail)};
    bool readable[ARRAY_LEN(fds)];

    caller_wait(program->caller, fds, readable, ARRAY_LEN(fds), timeout_ms);
    if (readable[0])
        child_control_readable(program->child);
    if (readable[1] && ipc_client_fd(program->core) == fds[1])
        ipc_client_readable(program->core);
    if (readable[2])
        deliveries_collect(program->deliveries);
    if (readable[3])
        mail_turn(program->mail);
    deliveries_begin(program->deliveries);
}

static void on_channel(enum peer peer, int fd, void *ctx)
{
    struct program *program = ctx;

    if (peer != PEER_CORE) {
        (void)close(fd); /* nobody else talks to this process */
        return;
    }
    ipc_client_attach(program->core, fd);
    calls_wake(program->calls);
    deliveries_forget(program->deliveries);
}

static void on_push(const char *op, const json_t *message, void *ctx)
{
    struct program *program = ctx;

    (void)message;
    if (strcmp(op, message_op(MESSAGE_CALL_WAKE)) != 0)
        return;
    calls_wake(program->calls);
    deliveries_wake(program->deliveries);
}

static void on_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

/* Everything that is read from files. */
static int open_all(struct program *program, struct error *err)
{
    const struct child *child = program->child;
    int r = terms_init(&program->gate_terms, "gates.external_networks", child_setting(child, "gates.external_networks"),
                       "gates.external_ca_file", child_setting(child, "gates.external_ca_file"), err);

    if (r == 0)
        r = terms_init(&program->webhook_terms, "events.webhook_networks",
                       child_setting(child, "events.webhook_networks"), "events.webhook_ca_file",
                       child_setting(child, "events.webhook_ca_file"), err);
    if (r == 0 && *child_setting(child, "events.broker_url"))
        r = broker_new(&(struct broker_config){.url = child_setting(child, "events.broker_url"),
                                               .exchange = child_setting(child, "events.broker_exchange"),
                                               .password_file = child_setting(child, "events.broker_password_file"),
                                               .ca_file = child_setting(child, "events.broker_ca_file")},
                       &program->broker, err);
    if (r == 0 && *child_setting(child, "mail.smtp_url"))
        r = mail_new(&(struct mail_config){.smtp_url = child_setting(child, "mail.smtp_url"),
                                           .from = child_setting(child, "mail.from"),
                                           .username = child_setting(child, "mail.username"),
                                           .password_file = child_setting(child, "mail.password_file"),
                                           .ca_file = child_setting(child, "mail.ca_file"),
                                           .templates = child_setting(child, "mail.templates")},
                     &program->mail, err);
    return r ? r : caller_new(&(struct caller_config){0}, &program->caller, err);
}

int main(void)
{
    struct program program = {.child = child_begin()};
    struct error err = {0};

    if (open_all(&program, &err) != 0)
        die(&err, "cannot start");
    outward_confine(program.child);
    if (program.broker && broker_start(program.broker, &err) != 0)
        die(&err, "cannot start");
    program.core = ipc_client_new(on_push, serve, &program);
    program.calls = calls_new(program.core, program.caller, &program.gate_terms);
    program.deliveries =
        deliveries_new(program.core, program.caller, &program.webhook_terms, program.broker, program.mail);
    child_set_hooks(program.child, &(struct child_hooks){.channel = on_channel, .stop = on_stop, .ctx = &program});
    child_control_readable(program.child); /* what came with the start message */
    child_ready(program.child);
    for (;;) {
        calls_turn(program.calls);
        deliveries_turn(program.deliveries);
        serve(IDLE_MS, &program);
    }
}
