/* The walk: our own look at the bytes says what is an archive, libarchive unpacks it, depth first. Runs in a sandboxed
 * child; must never open a file, start a program, or believe a size that an archive tells. */
#include "gate/walk.h"

#include <locale.h>
#include <time.h>

#include "base/clock.h"
#include "gate/encrypted.h"
#include "gate/level.h"
#include "gate/peek.h"
#include "gate/rar5.h"
#include "gate/zip_index.h"

#define RAR5_BLOCKS_EACH 4 /* a member, and what else RAR writes about it */

static int file_walk(struct walker *walker, struct level *outer, struct member *file, struct error *err);

/* What the archive calls it; borrowed from entry or from *buffer. */
static const char *entry_name(struct level *level, struct archive_entry *entry, char **buffer)
{
    if (archive_format(level->unpack->archive) == ARCHIVE_FORMAT_RAW)
        return *buffer = member_name_unpacked(level->file->name);
    const char *name = archive_entry_pathname(entry);
    if (!name)
        name = archive_entry_pathname_utf8(entry);
    if (name && *name)
        return name;
    walker_note(level->walker, 0, FINDING_ARCHIVE_BROKEN, level->file->path, "a member has no name that can be read");
    return "?";
}

/* Findings that the head of a member is enough for. */
static void entry_check(struct level *level, struct archive_entry *entry, const char *name, const char *path)
{
    struct walker *walker = level->walker;
    mode_t type = archive_entry_filetype(entry);
    const char *escape = member_name_escape(name);

    if (level->kind == ARCHIVE_KIND_AR && name[0] == '/') /* its own tables */
        return;
    if (escape)
        walker_note(walker, 0, FINDING_ARCHIVE_ESCAPE, path, escape);
    if ((type != 0 && type != AE_IFREG && type != AE_IFDIR) || archive_entry_hardlink(entry) ||
        archive_entry_symlink(entry))
        walker_note(walker, 0, FINDING_ARCHIVE_LINK, path, NULL);
    if (type != AE_IFDIR && level->kind != ARCHIVE_KIND_AR && !member_names_add(level->names, name))
        walker_note(walker, 0, FINDING_ARCHIVE_TWICE, path, "its name comes twice");
}

/* A directory, a link or a device has no bytes; some are written with some. */
static bool entry_is_file(struct archive_entry *entry)
{
    mode_t type = archive_entry_filetype(entry);

    return (type == 0 || type == AE_IFREG) && !archive_entry_hardlink(entry) && !archive_entry_symlink(entry);
}

static void entry_list(struct walker *walker, struct archive_entry *entry, const char *path)
{
    la_int64_t size = archive_entry_size(entry);

    if (walker->walk->report)
        report_member(walker->walk->report, path, size > 0 ? (uint64_t)size : 0, NULL);
}

static int entry_walk(struct level *level, struct archive_entry *entry, struct error *err)
{
    struct walker *walker = level->walker;
    AUTO_FREE char *buffer = NULL;
    const char *name = entry_name(level, entry, &buffer);
    AUTO_FREE char *path = level->file->path ? xasprintf("%s!/%s", level->file->path, name) : xstrdup(name);
    struct member member = {.path = path, .name = member_name_last(path), .depth = level->file->depth + 1};

    if (++walker->members > walker_policy(walker, GATE_POLICY_ARCHIVE_MEMBERS)) {
        walker_limit(walker, FINDING_ARCHIVE_MEMBERS, path);
        return 0;
    }
    entry_check(level, entry, name, path);
    if (archive_entry_is_encrypted(entry)) {
        walker_note(walker, WALK_ENCRYPTED, FINDING_ARCHIVE_ENCRYPTED, path, NULL);
        entry_list(walker, entry, path);
        return 0;
    }
    if (!entry_is_file(entry) && archive_entry_size(entry) <= 0)
        return 0;
    member.fd = walker->check->scratch[level->number];
    int r = level_unpack(level, entry, &member, err);
    if (r || walker->ended || (member.size == 0 && !entry_is_file(entry)))
        return r;
    return file_walk(walker, level, &member, err);
}

/* Does anything but padding follow what was read? */
static void trailing_check(struct level *level)
{
    const struct walk *walk = level->walker->walk;
    enum archive_form form = archive_kind_facts(level->kind)->form;
    bool counted = form == ARCHIVE_STREAM || level->kind == ARCHIVE_KIND_TAR || level->kind == ARCHIVE_KIND_CPIO ||
                   level->kind == ARCHIVE_KIND_AR;

    if (walk->trailing && counted && !peek_zeroes(level->file->fd, unpack_consumed(level->unpack), level->file->size))
        walk->trailing(walk->ctx, level->file);
}

static int entries_walk(struct level *level, struct error *err)
{
    struct unpack *unpack = level->unpack;
    struct archive_entry *entry;
    bool damaged = false;

    for (;;) {
        unpack->deadline_ms = level->walker->deadline_ms; /* visitors move it */
        int r = archive_read_next_header(unpack->archive, &entry);
        if (r == ARCHIVE_EOF)
            break;
        int failed = 0;
        if (r >= ARCHIVE_WARN && r != ARCHIVE_RETRY)
            failed = entry_walk(level, entry, err);
        else if (r != ARCHIVE_RETRY || !damaged) /* what lies behind the damage may be readable */
            failed =
                level_failed(level, level->file->path, archive_read_has_encrypted_entries(unpack->archive) > 0, err);
        damaged = damaged || r == ARCHIVE_RETRY;
        if (failed || level->walker->ended || r < ARCHIVE_WARN)
            return failed;
    }
    trailing_check(level);
    return 0;
}

static int tar_support(struct archive *archive)
{
    int r = archive_read_support_format_tar(archive);

    /* Read on behind the end mark: other programs do. */
    return r == ARCHIVE_OK ? archive_read_set_format_option(archive, "tar", "read_concatenated_archives", "1") : r;
}

/* Is it a tar that is compressed? Unpacks its first bytes. */
static bool stream_holds_tar(const struct level *level)
{
    AUTO_UNPACK struct unpack unpack = {
        .fd = level->file->fd, .size = level->file->size, .deadline_ms = level->walker->deadline_ms};
    unsigned char head[ARCHIVE_TAR_HEAD];
    struct archive_entry *entry;

    if (!unpack_open(&unpack, archive_kind_facts(level->kind)->filter, unpack_support_plain) ||
        archive_read_next_header(unpack.archive, &entry) != ARCHIVE_OK)
        return false;
    la_ssize_t len = archive_read_data(unpack.archive, head, sizeof head);
    return len > 0 && archive_stream_is_tar(head, (size_t)len);
}

static void zip_problem_note(void *ctx, enum finding finding, const char *name, const char *detail)
{
    struct level *level = ctx;
    const char *outer = level->file->path;
    AUTO_FREE char *path = name && *name ? xasprintf("%s%s%s", outer ? outer : "", outer ? "!/" : "", name) : NULL;

    walker_note(level->walker, 0, finding, path ? path : outer, detail);
}

typedef int format_support(struct archive *archive);

/* How to read a zip; NULL: not at all. */
static format_support *zip_support(struct level *level)
{
    int64_t left = walker_policy(level->walker, GATE_POLICY_ARCHIVE_MEMBERS) - level->walker->members;

    switch (zip_index_check(level->file->fd, level->file->size, (uint64_t)left, zip_problem_note, level)) {
    case ZIP_INDEX_GOOD:
        return archive_read_support_format_zip_seekable;
    case ZIP_INDEX_NONE:
        level->walker->missed |= WALK_BROKEN;
        return archive_read_support_format_zip_streamable;
    default:
        level->walker->missed |= WALK_LIMIT;
        return NULL;
    }
}

/* How to read a RAR 5 archive; NULL: not at all. */
static format_support *rar5_support(struct level *level)
{
    struct walker *walker = level->walker;
    int64_t left = walker_policy(walker, GATE_POLICY_ARCHIVE_MEMBERS) - walker->members;

    switch (rar5_look(level->file->fd, level->file->size, RAR5_BLOCKS_EACH * (uint64_t)(left + 1))) {
    case RAR5_OPEN:
        return archive_read_support_format_rar5;
    case RAR5_ENCRYPTED:
        walker_note(walker, WALK_ENCRYPTED, FINDING_ARCHIVE_ENCRYPTED, level->file->path, NULL);
        return NULL;
    default:
        walker_limit(walker, FINDING_ARCHIVE_MEMBERS, level->file->path);
        return NULL;
    }
}

static format_support *level_support(struct level *level)
{
    const struct archive_kind_facts *facts = archive_kind_facts(level->kind);

    if (facts->form == ARCHIVE_STREAM)
        return stream_holds_tar(level) ? tar_support : unpack_support_plain;
    if (level->kind == ARCHIVE_KIND_ZIP)
        return zip_support(level);
    if (level->kind == ARCHIVE_KIND_RAR5)
        return rar5_support(level);
    return level->kind == ARCHIVE_KIND_TAR ? tar_support : facts->support;
}

static void cleanup_names(struct member_names **names)
{
    member_names_free(*names);
}

/* Walks a file as one kind of archive. sure: its bytes say so; otherwise libarchive is asked, and may say no. */
static int archive_walk(struct walker *walker, struct level *outer, const struct member *file, enum archive_kind kind,
                        bool sure, struct error *err)
{
    const struct archive_kind_facts *facts = archive_kind_facts(kind);
    CLEANUP(cleanup_names) struct member_names *names = member_names_new();
    AUTO_UNPACK struct unpack unpack = {.fd = file->fd, .size = file->size, .deadline_ms = walker->deadline_ms};
    struct level level = {walker, outer, file, kind, outer ? outer->number + 1 : 0, 0, names, &unpack};

    if (facts->form == ARCHIVE_CLOSED) {
        walker_note(walker, WALK_BROKEN, FINDING_ARCHIVE_BROKEN, file->path,
                    "it is an archive of a kind that is not unpacked here");
        return 0;
    }
    format_support *support = level_support(&level);
    if (!support)
        return 0;
    if (!unpack_open(&unpack, facts->filter, support))
        return sure ? level_failed(&level, file->path, false, err) : 0;
    if (level.number > walker_policy(walker, GATE_POLICY_ARCHIVE_DEPTH)) {
        walker_note(walker, WALK_LIMIT, FINDING_ARCHIVE_DEPTH, file->path, NULL);
        return 0;
    }
    if (level.number >= CHECK_SCRATCH_MAX || walker->check->scratch[level.number] < 0)
        return error_set(err, E_INTERNAL, "no scratch file for members at depth %d", level.number + 1);
    return entries_walk(&level, err);
}

static enum archive_kind lowest_kind(uint64_t kinds)
{
    return (enum archive_kind)__builtin_ctzll(kinds);
}

static int file_visit(struct walker *walker, struct member *file, struct error *err)
{
    int64_t before = clock_mono_ms();

    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return error_set_errno(err, E_IO, "scratch file");
    int r = walker->walk->visit(walker->walk->ctx, file, err);
    walker->deadline_ms += clock_mono_ms() - before;
    return r;
}

static int file_walk(struct walker *walker, struct level *outer, struct member *file, struct error *err)
{
    uint64_t kinds = archive_kinds(file->fd, file->size), carried = archive_kinds_carried(file->fd) & ~kinds;
    bool opaque;
    const char *encrypted = encrypted_what(file->fd, file->size, file->path, &opaque);

    if (kinds)
        file->archive = archive_kind_facts(lowest_kind(kinds))->name;
    if (encrypted)
        walker_note(walker, opaque ? WALK_ENCRYPTED : 0, FINDING_ARCHIVE_ENCRYPTED, file->path, encrypted);
    int r = file_visit(walker, file, err);
    for (uint64_t left = kinds | carried; left && r == 0 && !walker->ended; left &= left - 1) {
        enum archive_kind kind = lowest_kind(left);
        r = archive_walk(walker, outer, file, kind, kinds & 1ULL << kind, err);
    }
    return r;
}

void walk_prepare(void)
{
    (void)setlocale(LC_CTYPE,
                    "C.UTF-8"); /* names are bytes or UTF-8: libarchive then needs no tables to convert them */
    tzset();                    /* for the dates of zip members */
}

int walk_members(const struct check *check, const struct walk *walk, struct error *err)
{
    struct walker walker = {
        .check = check,
        .walk = walk,
        .deadline_ms = clock_mono_ms() + 1000 * check->policy->number[GATE_POLICY_ARCHIVE_SECONDS],
    };
    struct member file = {.name = check->name, .fd = check->fd, .size = check->size, .whole = true};
    int r = file_walk(&walker, NULL, &file, err);

    return r < 0 ? r : walker.missed;
}
