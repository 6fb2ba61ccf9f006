/* The peer and message tables. Linked into every process of the tree. */
#include "ipc/peer.h"

#include <string.h>

#include "base/macros.h"

static const struct {
    enum peer peer;
    const char *name;
} PEERS[] = {
    {PEER_AIRLOCKD, "airlockd"},
    {PEER_CORE, "core"},
    {PEER_API, "api"},
    {PEER_BLOB_EXTERNAL, "blob-external"},
    {PEER_BLOB_CORE, "blob-core"},
    {PEER_BLOB_WORKSPACE, "blob-workspace"},
    {PEER_MOVER, "mover"},
    {PEER_IDP, "idp"},
    {PEER_JWKS, "jwks"},
    {PEER_GATE, "gate"},
    {PEER_NOTIFY, "notify"},
};

static const struct {
    const char *op;
    unsigned from;
    unsigned to;
    bool repeatable;
} MESSAGES[] = {
#define MESSAGE(name, op, from, to, repeatable) {op, from, to, repeatable},
#include "ipc/messages.def"
#undef MESSAGE
};

const char *peer_name(enum peer peer)
{
    for (size_t i = 0; i < ARRAY_LEN(PEERS); i++)
        if (PEERS[i].peer == peer)
            return PEERS[i].name;
    return "?";
}

bool peer_by_name(const char *name, enum peer *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(PEERS); i++)
        if (strcmp(PEERS[i].name, name) == 0) {
            *ret = PEERS[i].peer;
            return true;
        }
    return false;
}

const char *message_op(enum message message)
{
    return MESSAGES[message].op;
}

bool message_by_op(const char *op, enum message *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(MESSAGES); i++)
        if (strcmp(MESSAGES[i].op, op) == 0) {
            *ret = (enum message)i;
            return true;
        }
    return false;
}

bool message_allowed(enum message message, enum peer from, enum peer to)
{
    return (MESSAGES[message].from & from) != 0 && (MESSAGES[message].to & to) != 0;
}

bool message_repeatable(enum message message)
{
    return MESSAGES[message].repeatable;
}
