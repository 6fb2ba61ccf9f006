/* The processes of the tree, as a bit set, and the table of messages they may exchange. */
#ifndef AIRLOCK_IPC_PEER_H
#define AIRLOCK_IPC_PEER_H

#include <stdbool.h>
#include <stddef.h>

enum peer {
    PEER_AIRLOCKD = 1 << 0,
    PEER_CORE = 1 << 1,
    PEER_API = 1 << 2,
    PEER_BLOB_EXTERNAL = 1 << 3,
    PEER_BLOB_CORE = 1 << 4,
    PEER_BLOB_WORKSPACE = 1 << 5,
    PEER_MOVER = 1 << 6,
    PEER_IDP = 1 << 7,
    PEER_JWKS = 1 << 8,
    PEER_GATE = 1 << 9,
    PEER_NOTIFY = 1 << 10,
};
#define PEER_BITS 11 /* of all of them */
#define PEER_BLOB (PEER_BLOB_EXTERNAL | PEER_BLOB_CORE | PEER_BLOB_WORKSPACE)
#define PEER_ANY_CHILD (PEER_CORE | PEER_API | PEER_BLOB | PEER_MOVER | PEER_IDP | PEER_JWKS | PEER_GATE | \
                        PEER_NOTIFY)

enum message {
#define MESSAGE(name, op, from, to, repeatable) MESSAGE_##name,
#include "ipc/messages.def"
#undef MESSAGE
    MESSAGE_COUNT
};

const char *peer_name(enum peer peer);              /* "core", "blob-external", … */
bool peer_by_name(const char *name, enum peer *ret);

const char *message_op(enum message message);
bool message_by_op(const char *op, enum message *ret);
bool message_allowed(enum message message, enum peer from, enum peer to);
bool message_repeatable(enum message message);

#endif
