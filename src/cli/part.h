/* A file on its way from the server: FILE.part holds the bytes, FILE.part.map says which pieces of which version of the
 * blob are in it. All names are resolved beneath the target directory. */
#ifndef AIRLOCK_CLI_PART_H
#define AIRLOCK_CLI_PART_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/macros.h"

#define PART_PIECE_SIZE ((uint64_t)8 * 1024 * 1024)
#define PART_PIECES_MAX 1000000

struct part {
    int dir;    /* the directory that FILE lies in */
    int fd;     /* FILE.part */
    char *name; /* FILE */
    char *part_name;
    char *map_name;
    char *etag;
    uint64_t size;
    uint64_t piece_count;
    bool overwrite;
    bool file_is_there;   /* and overwrite was not asked for: nothing else was opened */
    bool continued;       /* pieces of an earlier run were found */
    pthread_mutex_t lock; /* guards have */
    char *have;           /* '0' or '1' a piece, NUL-terminated */
};
#define PART_INIT ((struct part){.dir = -1, .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER})

/* Opens or begins the part of name (checked by local_name_check) below dirfd; makes missing directories. A FILE.part
 * without a map that fits is begun anew if its map is ours, and refused (E_CONFIG) if there is none: it may be
 * somebody's own file. */
int part_open(struct part *part, int dirfd, const char *name, const char *etag, uint64_t size, bool overwrite,
              struct error *err) MUST_USE;
void part_close(struct part *part);

bool part_has(struct part *part, uint64_t index);
void part_mark(struct part *part, uint64_t index);
/* Syncs the bytes, then writes the map: the map never promises what the disk does not hold. A checkpoint that fails
 * costs a later run some speed, so its result may be ignored. */
int part_save(struct part *part, struct error *err);
/* Forgets every piece. */
int part_restart(struct part *part, struct error *err) MUST_USE;

/* Removes FILE.part and its map. */
void part_discard(struct part *part);

int part_hash(struct part *part, char sha256[static SHA256_HEX_SIZE], struct error *err) MUST_USE;
int part_hash_file(struct part *part, char sha256[static SHA256_HEX_SIZE], struct error *err) MUST_USE;
/* Sync, rename to FILE (which must not be there unless overwrite was given), removal of the map. */
int part_finish(struct part *part, struct error *err) MUST_USE;

/* The map's text and back. For part.c and its tests. */
struct str;
void part_map_append(struct str *text, const char *etag, uint64_t size, const char *have);
/* true when text is a map of this version and size: have (piece_count bytes and a NUL) is filled. */
bool part_map_read(const char *text, const char *etag, uint64_t size, uint64_t piece_count, char *have);

#endif
