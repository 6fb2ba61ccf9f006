/* The channels of airlock-core: one to each process it serves, each replaceable at any time. */
#ifndef AIRLOCK_CORE_PEERS_H
#define AIRLOCK_CORE_PEERS_H

#include "core/core.h"

struct peers *peers_new(int epoll_fd);
void peers_free(struct peers *peers);
/* A new channel, replacing that peer's old one. Takes the descriptor over. */
void peers_attach(struct core *core, enum peer peer, int fd);
/* false when the peer has no channel just now; what it was sent is lost with the channel. */
bool peers_send(struct core *core, enum peer peer, const json_t *message);
struct channel *peers_channel(struct core *core, enum peer peer);
void peers_drop(struct core *core, enum peer peer);
/* A process that ends comes back with a new channel. One that has none for seconds still lives, behind a channel that
 * broke: it is restarted. Milliseconds until that may be, or -1. */
int peers_check(struct core *core, int64_t now_ms);
/* Writes what waits, and watches for room where it does not all go. */
void peers_flush(struct core *core);

#endif
