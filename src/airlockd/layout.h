/* The directories that the tree needs, made when missing, and the locks that keep a second tree away. airlockd only. */
#ifndef AIRLOCK_AIRLOCKD_LAYOUT_H
#define AIRLOCK_AIRLOCKD_LAYOUT_H

#include <sys/types.h>

#include "airlockd/settings.h"

/* Makes path and what is missing above it; returns a descriptor of it. As root, what is there must belong to root:
 * the children, without capabilities, could not use it. E_CONFIG. */
int layout_make_dir(const char *path, mode_t mode, struct error *err) MUST_USE;

/* The path of an open directory; the caller's. NULL without /proc. */
char *layout_path_of(int fd);

/* Locks the directory for the life of the returned descriptor. E_CONFLICT when another airlockd has it. */
int layout_lock(const char *path, struct error *err) MUST_USE;

struct layout {
    int storage; /* the storage root */
    int storage_lock;
    int state_lock;
};
#define LAYOUT_INIT ((struct layout){-1, -1, -1})

/* STORAGE/{external,workspace}/{draft,kept}, STORAGE/core/kept, STORAGE/delivery, STORAGE/scratch, and the directories of the database,
 * of the accounts and of the token-signing key. */
int layout_open(const struct settings *settings, struct layout *layout, struct error *err) MUST_USE;
/* Proves that the directories can be reached by who has no capabilities, as the children. E_CONFIG. */
int layout_check_reach(const struct settings *settings, struct error *err) MUST_USE;
void layout_done(struct layout *layout);

#endif
