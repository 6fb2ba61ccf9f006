/* The asking side of a channel, mostly to core. Threaded programs (api, blob, idp) call from workers while their loop
 * reads; single-threaded ones (mover, jwks, gate, notify) let ipc_call itself wait, through the pump, which may ask in its turn:
 * the inner question ends first. A channel may die and be replaced at any
 * time: a question that was not sent waits up to IPC_HOLD_MS for the next channel, one that was sent is repeated there
 * when its message is repeatable, and otherwise ends in E_UNKNOWN. */
#ifndef AIRLOCK_IPC_CLIENT_H
#define AIRLOCK_IPC_CLIENT_H

#include "ipc/channel.h"
#include "ipc/peer.h"

#define IPC_HOLD_MS 5000
#define IPC_ANSWER_MS 30000

struct ipc_client;

/* push: called on the reading thread for messages without id (borrowed). pump: NULL in threaded programs; otherwise it
 * must wait at most timeout_ms and serve the channel and the control socket. */
struct ipc_client *ipc_client_new(void (*push)(const char *op, const json_t *message, void *ctx),
                                  void (*pump)(int timeout_ms, void *ctx), void *ctx);
void ipc_client_free(struct ipc_client *client);

/* A new channel from airlockd, replacing the old one. Reading thread only. */
void ipc_client_attach(struct ipc_client *client, int fd);
int ipc_client_fd(struct ipc_client *client); /* -1 when there is none just now */
/* The channel is readable (or hung up): take what came, wake the callers. Reading thread only. */
void ipc_client_readable(struct ipc_client *client);

/* Asks and waits. fields is stolen; op and id are added. On success *ret_ok is the caller's (ret_ok may be NULL).
 * Returns core's own error code, E_UNAVAILABLE (nothing was asked) or E_UNKNOWN (no answer came). Any thread. */
int ipc_call(struct ipc_client *client, enum message message, json_t *fields, json_t **ret_ok,
             struct error *err) MUST_USE;
/* The same for an answer that a descriptor may ride on: *ret_fd is the caller's, or -1 where none came. */
int ipc_call_fd(struct ipc_client *client, enum message message, json_t *fields, json_t **ret_ok, int *ret_fd,
                struct error *err) MUST_USE;
/* Sends without expecting an answer; lost when there is no channel. Any thread. fields is stolen. */
void ipc_push(struct ipc_client *client, enum message message, json_t *fields);

#endif
