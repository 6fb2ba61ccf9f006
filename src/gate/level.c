/* Counting and unpacking of one archive. Runs in a sandboxed child; must never write a byte that was not counted, nor
 * believe a size that an archive tells. */
#include "gate/level.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define RATIO_FROM ((uint64_t)16 * 1024 * 1024)

int64_t walker_policy(const struct walker *walker, enum gate_policy_row row)
{
    return walker->check->policy->number[row];
}

void walker_note(struct walker *walker, int missed, enum finding finding, const char *path, const char *detail)
{
    walker->missed |= missed;
    if (!walker->walk->report)
        return;
    if (detail)
        report_add(walker->walk->report, finding, &(struct spot){.member = path}, "%s", detail);
    else
        report_add(walker->walk->report, finding, &(struct spot){.member = path}, NULL);
}

void walker_limit(struct walker *walker, enum finding finding, const char *path)
{
    walker->ended = true;
    walker_note(walker, WALK_LIMIT, finding, path, NULL);
}

/* Counts bytes before they are written. False: that is too much. */
static bool bytes_allowed(struct level *level, const char *path, uint64_t count)
{
    struct walker *walker = level->walker;
    uint64_t most = (uint64_t)walker_policy(walker, GATE_POLICY_ARCHIVE_BYTES);

    if (count > most || walker->bytes > most - count) {
        walker_limit(walker, FINDING_ARCHIVE_BYTES, path);
        return false;
    }
    walker->bytes += count;
    for (struct level *at = level; at; at = at->outer) {
        at->unpacked += count;
        if (at->unpacked > RATIO_FROM &&
            at->unpacked / (uint64_t)walker_policy(walker, GATE_POLICY_ARCHIVE_RATIO) > at->file->size) {
            walker_limit(walker, FINDING_ARCHIVE_RATIO, path);
            return false;
        }
    }
    if (clock_mono_ms() > walker->deadline_ms) {
        walker_limit(walker, FINDING_ARCHIVE_TIME, path);
        return false;
    }
    return true;
}

int level_failed(struct level *level, const char *path, bool encrypted, struct error *err)
{
    struct walker *walker = level->walker;

    if (level->unpack->failed)
        return error_set(err, E_IO, "reading the file: %s", strerror(level->unpack->failed));
    if (level->unpack->late)
        walker_limit(walker, FINDING_ARCHIVE_TIME, path);
    else if (encrypted)
        walker_note(walker, WALK_ENCRYPTED, FINDING_ARCHIVE_ENCRYPTED, path, NULL);
    else if (unpack_lacks_memory(level->unpack))
        walker_note(walker, WALK_LIMIT, FINDING_ARCHIVE_BROKEN, path,
                    "unpacking it takes more memory than a check has");
    else
        walker_note(walker, WALK_BROKEN, FINDING_ARCHIVE_BROKEN, path, NULL);
    return 0;
}

/* Writes the holes of a sparse member, too. */
static int block_write(struct level *level, struct member *member, const void *block, size_t len, uint64_t offset,
                       struct error *err)
{
    if (!bytes_allowed(level, member->path, offset - member->size + len))
        return 0;
    int r = len > 0 ? file_pwrite_all(member->fd, block, len, offset, err) : 0;
    if (r == 0 && len == 0 && offset > member->size && ftruncate(member->fd, (off_t)offset) < 0)
        r = error_set_errno(err, E_IO, "scratch file");
    if (r == 0)
        member->size = offset + len;
    return r;
}

int level_unpack(struct level *level, struct archive_entry *entry, struct member *member, struct error *err)
{
    const void *block = NULL;
    size_t len = 0;
    la_int64_t offset = 0;
    bool whole = true;
    int r, failed;

    if (ftruncate(member->fd, 0) < 0)
        return error_set_errno(err, E_IO, "scratch file");
    do {
        r = archive_read_data_block(level->unpack->archive, &block, &len, &offset);
        if (r < ARCHIVE_WARN || r == ARCHIVE_RETRY || (r != ARCHIVE_EOF && offset < (la_int64_t)member->size))
            return level_failed(level, member->path,
                                archive_entry_is_encrypted(entry) ||
                                    archive_read_has_encrypted_entries(level->unpack->archive) > 0,
                                err);
        if (r == ARCHIVE_EOF && offset <= (la_int64_t)member->size)
            break;
        whole = whole && r != ARCHIVE_WARN;
        failed = block_write(level, member, block, r == ARCHIVE_EOF ? 0 : len, (uint64_t)offset, err);
        if (failed || level->walker->ended)
            return failed;
    } while (r != ARCHIVE_EOF);
    member->whole = whole;
    if (!whole)
        walker_note(level->walker, WALK_BROKEN, FINDING_ARCHIVE_BROKEN, member->path,
                    "its checksum or its size is wrong");
    return 0;
}
