/* The walk: unpacks with libarchive, depth first. Runs in a sandboxed child; must never open a file, start a program or
 * believe a size that an archive tells. */
#include "gate/walk.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"

#define READ_BLOCK ((size_t)64 * 1024)
#define RATIO_FROM ((uint64_t)16 * 1024 * 1024)

struct walker {
    const struct check *check;
    const struct walk *walk;
    int64_t deadline_ms;
    uint64_t members, bytes;
    int missed; /* WALK_… */
    bool ended; /* a limit of the whole walk was reached */
};

struct source {
    int fd;
    uint64_t size, at;
    char block[READ_BLOCK];
};

static la_ssize_t source_read(struct archive *archive, void *ctx, const void **ret)
{
    struct source *source = ctx;
    ssize_t n = pread(source->fd, source->block, sizeof source->block, (off_t)source->at);

    (void)archive;
    if (n > 0)
        source->at += (uint64_t)n;
    *ret = source->block;
    return n < 0 ? ARCHIVE_FATAL : n;
}

static la_int64_t source_seek(struct archive *archive, void *ctx, la_int64_t offset, int whence)
{
    struct source *source = ctx;
    int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_CUR ? source->at : source->size);

    (void)archive;
    if (offset < -base || base + offset > (int64_t)source->size)
        return ARCHIVE_FATAL;
    source->at = (uint64_t)(base + offset);
    return (la_int64_t)source->at;
}

static void cleanup_archive(struct archive **archive)
{
    if (*archive)
        (void)archive_read_free(*archive);
}

static struct archive *archive_open(struct source *source)
{
    static int (*const FORMATS[])(struct archive *) = {
        archive_read_support_filter_gzip,    archive_read_support_filter_bzip2, archive_read_support_filter_xz,
        archive_read_support_filter_lzma,    archive_read_support_filter_lzip,  archive_read_support_filter_lz4,
        archive_read_support_filter_zstd,    archive_read_support_filter_compress,
        archive_read_support_format_zip,     archive_read_support_format_7zip,  archive_read_support_format_tar,
        archive_read_support_format_rar,     archive_read_support_format_rar5,  archive_read_support_format_cab,
        archive_read_support_format_iso9660, archive_read_support_format_lha,   archive_read_support_format_ar,
        archive_read_support_format_cpio,    archive_read_support_format_raw,
    };
    struct archive *archive = archive_read_new();

    for (size_t i = 0; archive && i < ARRAY_LEN(FORMATS); i++)
        (void)FORMATS[i](archive);
    (void)archive_read_set_read_callback(archive, source_read);
    (void)archive_read_set_seek_callback(archive, source_seek);
    (void)archive_read_set_callback_data(archive, source);
    (void)archive_read_open1(archive);
    return archive;
}

static bool limit_reached(struct walker *walker, const char *path, enum finding finding)
{
    walker->missed |= WALK_LIMIT;
    walker->ended = true;
    if (walker->walk->report)
        report_add(walker->walk->report, finding, &(struct spot){.member = path}, NULL);
    return true;
}

static bool bytes_allowed(struct walker *walker, const char *path, uint64_t size)
{
    const int64_t *policy = walker->check->policy->number;

    walker->bytes += size;
    if (walker->bytes > (uint64_t)policy[GATE_POLICY_ARCHIVE_BYTES])
        return !limit_reached(walker, path, FINDING_ARCHIVE_BYTES);
    if (walker->bytes > RATIO_FROM && walker->bytes / (uint64_t)policy[GATE_POLICY_ARCHIVE_RATIO] > walker->check->size)
        return !limit_reached(walker, path, FINDING_ARCHIVE_RATIO);
    if (clock_mono_ms() > walker->deadline_ms)
        return !limit_reached(walker, path, FINDING_ARCHIVE_TIME);
    return true;
}

/* 0, or negative. *ret_whole false where the archive is damaged. */
static int unpack(struct walker *walker, struct archive *archive, const char *path, int fd, uint64_t *ret_size,
                  bool *ret_whole, struct error *err)
{
    const void *block;
    size_t len;
    la_int64_t offset = 0;
    uint64_t end = 0;
    int r;

    if (ftruncate(fd, 0) < 0)
        return error_set_errno(err, E_IO, "scratch file");
    while ((r = archive_read_data_block(archive, &block, &len, &offset)) == ARCHIVE_OK) {
        if (offset < (la_int64_t)end || !bytes_allowed(walker, path, (uint64_t)offset + len - end))
            break;
        int failed = file_pwrite_all(fd, block, len, (uint64_t)offset, err);
        if (failed)
            return failed;
        end = (uint64_t)offset + len;
    }
    *ret_size = end;
    *ret_whole = r == ARCHIVE_EOF;
    return 0;
}

static int walk_one(struct walker *walker, struct member *member, int level, struct error *err);

static int walk_entry(struct walker *walker, struct archive *archive, struct archive_entry *entry,
                      const struct member *parent, int level, struct error *err)
{
    const char *name = archive_format(archive) == ARCHIVE_FORMAT_RAW ? "data" : archive_entry_pathname(entry);
    AUTO_FREE char *path = parent->path ? xasprintf("%s!/%s", parent->path, name ? name : "?") : xstrdup(name ? name : "?");
    struct member member = {.path = path, .depth = parent->depth + 1, .fd = walker->check->scratch[level]};

    if (++walker->members > (uint64_t)walker->check->policy->number[GATE_POLICY_ARCHIVE_MEMBERS]) {
        (void)limit_reached(walker, path, FINDING_ARCHIVE_MEMBERS);
        return 0;
    }
    if (archive_entry_is_encrypted(entry)) {
        walker->missed |= WALK_ENCRYPTED;
        if (walker->walk->report)
            report_add(walker->walk->report, FINDING_ARCHIVE_ENCRYPTED, &(struct spot){.member = path}, NULL);
        return 0;
    }
    int r = unpack(walker, archive, path, member.fd, &member.size, &member.whole, err);
    if (r || walker->ended || member.size == 0)
        return r;
    if (!member.whole)
        walker->missed |= WALK_BROKEN;
    member.name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    return walk_one(walker, &member, level + 1, err);
}

static int walk_one(struct walker *walker, struct member *member, int level, struct error *err)
{
    struct archive_entry *entry;
    AUTO_FREE struct source *source = xmalloc(sizeof *source);
    int r, failed;

    source->fd = member->fd, source->size = member->size, source->at = 0;
    CLEANUP(cleanup_archive) struct archive *archive = archive_open(source);
    if (!archive)
        return error_set(err, E_INTERNAL, "out of memory");
    r = archive_read_next_header(archive, &entry);
    if (r == ARCHIVE_OK && !(archive_format(archive) == ARCHIVE_FORMAT_RAW && archive_filter_count(archive) == 1))
        member->archive = archive_format(archive) == ARCHIVE_FORMAT_RAW ? archive_filter_name(archive, 0)
                                                                       : archive_format_name(archive);
    (void)lseek(member->fd, 0, SEEK_SET);
    failed = walker->walk->visit(walker->walk->ctx, member, err);
    if (failed || !member->archive)
        return failed;
    if (level > (int)walker->check->policy->number[GATE_POLICY_ARCHIVE_DEPTH]) {
        (void)limit_reached(walker, member->path, FINDING_ARCHIVE_DEPTH);
        return 0;
    }
    for (; r == ARCHIVE_OK || r == ARCHIVE_WARN; r = archive_read_next_header(archive, &entry)) {
        failed = walk_entry(walker, archive, entry, member, level, err);
        if (failed || walker->ended)
            return failed;
    }
    if (r != ARCHIVE_EOF)
        walker->missed |= archive_read_has_encrypted_entries(archive) > 0 ? WALK_ENCRYPTED : WALK_BROKEN;
    return 0;
}

void walk_prepare(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    tzset();
}

int walk_members(const struct check *check, const struct walk *walk, struct error *err)
{
    struct walker walker = {
        .check = check,
        .walk = walk,
        .deadline_ms = clock_mono_ms() + 1000 * check->policy->number[GATE_POLICY_ARCHIVE_SECONDS],
    };
    struct member file = {.name = check->name, .fd = check->fd, .size = check->size, .whole = true};
    int r = walk_one(&walker, &file, 0, err);

    return r < 0 ? r : walker.missed;
}
