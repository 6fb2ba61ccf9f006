/* Partial downloads on disk. */
#include "cli/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

#define MAP_MAX ((size_t)PART_PIECES_MAX + 1024)
#define MAP_BEGIN "airlock-part 1\n"
#define HASH_CHUNK ((size_t)1024 * 1024)

void part_map_append(struct str *text, const char *etag, uint64_t size, const char *have)
{
    str_printf(text, MAP_BEGIN "%s\n%llu\n%s\n", etag, (unsigned long long)size, have);
}

bool part_map_read(const char *text, const char *etag, uint64_t size, uint64_t piece_count, char *have)
{
    AUTO_STR struct str head = STR_INIT(1024);

    part_map_append(&head, etag, size, "");
    head.p[--head.len] = '\0'; /* the line feed behind the pieces */
    if (!*etag || !str_starts(text, head.p))
        return false;
    text += head.len;
    if (strspn(text, "01") != piece_count || strcmp(text + piece_count, "\n") != 0)
        return false;
    memcpy(have, text, piece_count);
    have[piece_count] = '\0';
    return true;
}

/* Opens the directory of name and leaves its last component in part->name. */
static int open_directory(struct part *part, int dirfd, const char *name, struct error *err)
{
    const char *slash = strrchr(name, '/');
    AUTO_FREE char *parents = slash ? xstrndup(name, (size_t)(slash - name)) : NULL;

    part->name = xstrdup(slash ? slash + 1 : name);
    part->part_name = xasprintf("%s.part", part->name);
    part->map_name = xasprintf("%s.part.map", part->name);
    part->dir = parents ? file_make_dirs(dirfd, parents, 0777, err)
                        : file_open_beneath(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, err);
    return part->dir < 0 ? part->dir : 0;
}

/* What an earlier run left. E_CONFIG: FILE.part is there and is not known to be ours. */
static int find_earlier(struct part *part, struct error *err)
{
    AUTO_FREE char *map = NULL;
    size_t len;
    struct stat st;

    memset(part->have, '0', part->piece_count);
    bool there = fstatat(part->dir, part->part_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int r = file_read(part->dir, part->map_name, MAP_MAX, &map, &len, NULL);
    if (!there)
        return 0;
    if (r || !str_starts(map, MAP_BEGIN))
        return error_set(err, E_CONFIG, "%.200s is in the way: move it away first", part->part_name);
    part->continued = S_ISREG(st.st_mode) && (uint64_t)st.st_size == part->size &&
                      part_map_read(map, part->etag, part->size, part->piece_count, part->have);
    return 0;
}

/* Takes the map before the bytes are synced: what it promises is on the disk when it is written. */
int part_save(struct part *part, struct error *err)
{
    AUTO_STR struct str map = STR_INIT(MAP_MAX);

    pthread_mutex_lock(&part->lock);
    part_map_append(&map, part->etag, part->size, part->have);
    pthread_mutex_unlock(&part->lock);
    if (part->fd >= 0 && fdatasync(part->fd) != 0)
        return error_set_errno(err, E_IO, "Cannot write %.200s", part->part_name);
    return file_write(part->dir, part->map_name, str_text(&map), map.len, 0666, err);
}

int part_open(struct part *part, int dirfd, const char *name, const char *etag, uint64_t size, bool overwrite,
              struct error *err)
{
    struct stat st;

    part->etag = xstrdup(etag);
    part->size = size;
    part->overwrite = overwrite;
    part->piece_count = size / PART_PIECE_SIZE + (size % PART_PIECE_SIZE != 0);
    if (part->piece_count > PART_PIECES_MAX)
        return error_set(err, E_TOO_LARGE, "%.200s is too large to be downloaded", name);
    part->have = xcalloc(part->piece_count + 1, 1);
    int r = open_directory(part, dirfd, name, err);
    if (r)
        return r;
    part->file_is_there = !overwrite && fstatat(part->dir, part->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (part->file_is_there)
        return 0;
    r = find_earlier(part, err);
    if (r)
        return r;
    r = part_save(part, err); /* first, so that a FILE.part of ours is never without one */
    if (r)
        return r;
    part->fd = file_open_beneath(part->dir, part->part_name, O_RDWR | O_CREAT, 0666, err);
    if (part->fd < 0)
        return part->fd;
    if (ftruncate(part->fd, (off_t)size) != 0)
        return error_set_errno(err, E_IO, "Cannot make room for %.200s", part->part_name);
    return 0;
}

void part_close(struct part *part)
{
    if (part->fd >= 0)
        (void)close(part->fd);
    if (part->dir >= 0)
        (void)close(part->dir);
    free(part->name);
    free(part->part_name);
    free(part->map_name);
    free(part->etag);
    free(part->have);
    *part = PART_INIT;
}

bool part_has(struct part *part, uint64_t index)
{
    pthread_mutex_lock(&part->lock);
    bool has = part->have[index] == '1';
    pthread_mutex_unlock(&part->lock);
    return has;
}

void part_mark(struct part *part, uint64_t index)
{
    pthread_mutex_lock(&part->lock);
    part->have[index] = '1';
    pthread_mutex_unlock(&part->lock);
}

int part_restart(struct part *part, struct error *err)
{
    memset(part->have, '0', part->piece_count);
    part->continued = false;
    return part_save(part, err);
}

void part_discard(struct part *part)
{
    (void)unlinkat(part->dir, part->part_name, 0); /* what stays is begun anew by the next run */
    (void)unlinkat(part->dir, part->map_name, 0);
}

static int hash_fd(int fd, const char *name, char hex[static SHA256_HEX_SIZE], struct error *err)
{
    AUTO_HASH struct hash *hash = hash_new_sha256();
    AUTO_FREE char *chunk = xmalloc(HASH_CHUNK);
    unsigned char digest[SHA256_SIZE];

    for (off_t at = 0;;) {
        ssize_t got = pread(fd, chunk, HASH_CHUNK, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, E_IO, "Cannot read %.200s", name);
        if (got == 0)
            break;
        hash_update(hash, chunk, (size_t)got);
        at += got;
    }
    hash_final(hash, digest);
    hex_encode(digest, sizeof digest, hex);
    return 0;
}

int part_hash(struct part *part, char hex[static SHA256_HEX_SIZE], struct error *err)
{
    return hash_fd(part->fd, part->part_name, hex, err);
}

int part_hash_file(struct part *part, char hex[static SHA256_HEX_SIZE], struct error *err)
{
    AUTO_FD int fd = file_open_beneath(part->dir, part->name, O_RDONLY, 0, err);
    return fd < 0 ? fd : hash_fd(fd, part->name, hex, err);
}

int part_finish(struct part *part, struct error *err)
{
    unsigned flags = part->overwrite ? 0 : RENAME_NOREPLACE;

    if (fsync(part->fd) != 0)
        return error_set_errno(err, E_IO, "Cannot write %.200s", part->part_name);
    if (renameat2(part->dir, part->part_name, part->dir, part->name, flags) != 0)
        return error_set_errno(err, errno == EEXIST ? E_EXISTS : E_IO, "Cannot put %.200s in its place", part->name);
    (void)unlinkat(part->dir, part->map_name, 0); /* left over, it fits no part */
    return file_sync_dir(part->dir, "", err);
}
