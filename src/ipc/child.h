/* The life of a child of airlockd, the same for every program: the start message on descriptor 3, the settings and
 * descriptors it brings, new channels, the order to stop. A child whose control socket ends, exits. */
#ifndef AIRLOCK_IPC_CHILD_H
#define AIRLOCK_IPC_CHILD_H

#include "base/sandbox.h"
#include "ipc/channel.h"
#include "ipc/peer.h"

#define CHILD_CONTROL_FD 3
#define CHILD_START_MS 10000

struct child;

struct child_hooks {
    void (*channel)(enum peer peer, int fd, void *ctx); /* takes the descriptor over */
    void (*stop)(void *ctx);                            /* finish what runs, then return from main */
    void (*tls)(int certificate, int key, void *ctx);   /* a new pair; the descriptors stay the caller's. May be NULL */
    void *ctx;
};

/* Waits for the start message. Ends the process with a clear word when it was not started by airlockd. log_init is
 * done. */
struct child *child_begin(void);
void child_free(struct child *child);
enum peer child_self(const struct child *child);

/* Settings this process received; asking for one it does not receive is a mistake of ours and ends the process. */
const char *child_setting(const struct child *child, const char *name);
int64_t child_setting_int(const struct child *child, const char *name);
bool child_setting_bool(const struct child *child, const char *name);

/* The caller's; -1 when the start message had none so named. */
int child_take_fd(struct child *child, const char *name);

/* sandbox_enter with the setting sandbox.reduced; says so in the log where the kernel lacks Landlock. */
int child_confine(const struct child *child, const struct sandbox *spec, struct error *err) MUST_USE;

void child_set_hooks(struct child *child, const struct child_hooks *hooks);
void child_ready(struct child *child);
/* Asks airlockd to kill and restart a process that did not answer (core only). */
void child_ask_restart(struct child *child, enum peer peer);

int child_control_fd(const struct child *child);
void child_control_readable(struct child *child); /* runs the hooks; exits the process when airlockd is gone */

#endif
