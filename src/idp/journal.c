/* Lines of checksum and JSON in two files. Runs in airlock-idp; opens its files before the process confines itself and
 * never again. */
#include "idp/journal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/str.h"

#define FILES 2
#define CHECK_DIGITS 16
#define LONG_BYTES ((size_t)1024 * 1024)

/* The first record of a file, and the one that ends its snapshot. */
#define HEAD "head"
#define WHOLE "whole"

struct journal {
    int fds[FILES];
    unsigned active;
    int64_t turn;      /* of the active file: each snapshot counts one up */
    size_t len;        /* of the active file */
    size_t snapshot;   /* of that, the snapshot */
    struct str dumped; /* while a snapshot is made */
    bool broken;
};

/* --- Lines --- */

static void line_check(const char *json, size_t len, char out[static SHA256_HEX_SIZE])
{
    sha256_hex(json, len, out);
    out[CHECK_DIGITS] = '\0';
}

static int line_append(struct str *out, const json_t *record, struct error *err)
{
    AUTO_STR struct str json = STR_INIT(JOURNAL_RECORD_MAX);
    char check[SHA256_HEX_SIZE];

    json_append_value(&json, record);
    line_check(str_text(&json), json.len, check);
    str_printf(out, "%s %s\n", check, str_text(&json));
    if (json.overflow || out->overflow)
        return error_set(err, E_LIMIT, "The journal's record is too long");
    return 0;
}

/* The record of a line without its end; NULL when it is damaged. */
static json_t *line_read(const char *line, size_t len)
{
    char check[SHA256_HEX_SIZE];
    json_t *record = NULL;

    if (len <= CHECK_DIGITS + 1 || line[CHECK_DIGITS] != ' ')
        return NULL;
    line_check(line + CHECK_DIGITS + 1, len - CHECK_DIGITS - 1, check);
    if (memcmp(check, line, CHECK_DIGITS) != 0 ||
        json_parse_object(line + CHECK_DIGITS + 1, len - CHECK_DIGITS - 1, &record, NULL) != 0)
        return NULL;
    return record;
}

/* --- Reading --- */

struct reading {
    int64_t turn;    /* 0: there is no head */
    bool whole;      /* the snapshot's end was seen */
    size_t good_len; /* up to the end of the last good line */
    bool damaged;    /* a bad line with something behind it */
};

/* Walks the lines; apply may be NULL. */
static int text_walk(const char *text, size_t len, journal_apply_fn *apply, void *ctx, struct reading *ret,
                     struct error *err)
{
    *ret = (struct reading){0};
    for (size_t at = 0; at < len; at = ret->good_len) {
        const char *end = memchr(text + at, '\n', len - at);
        AUTO_JSON json_t *record = end ? line_read(text + at, (size_t)(end - text) - at) : NULL;
        if (!record) {
            ret->damaged = end && (size_t)(end - text) + 1 < len;
            return 0;
        }
        ret->good_len = (size_t)(end - text) + 1;
        const char *op = json_text(record, "op");
        if (at == 0)
            ret->turn = strcmp(op, HEAD) == 0 ? json_int(record, "turn") : 0;
        else if (strcmp(op, WHOLE) == 0)
            ret->whole = true;
        int r = apply && at > 0 && strcmp(op, WHOLE) != 0 ? apply(ctx, record, err) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

static int file_text(const struct journal *journal, unsigned file, char **ret, size_t *ret_len, struct error *err)
{
    if (lseek(journal->fds[file], 0, SEEK_SET) != 0)
        return error_set_errno(err, E_IO, "Cannot read the journal");
    return file_read_fd(journal->fds[file], "the journal", JOURNAL_MAX, ret, ret_len, err);
}

/* Picks the file that counts and applies it. */
static int journal_read(struct journal *journal, journal_apply_fn *apply, void *ctx, struct error *err)
{
    AUTO_FREE char *best_text = NULL;
    struct reading best = {0}, reading;
    size_t best_len = 0, bytes = 0;

    for (unsigned file = 0; file < FILES; file++) {
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        int r = file_text(journal, file, &text, &len, err);
        if (r == 0)
            r = text_walk(text, len, NULL, NULL, &reading, err);
        if (r != 0)
            return r;
        bytes += len;
        if (!reading.whole || reading.turn <= best.turn)
            continue;
        best = reading;
        best_len = len;
        free(best_text);
        best_text = TAKE_PTR(text);
        journal->active = file;
    }
    journal->turn = best.turn;
    if (best.turn == 0 && bytes > 0)
        return error_set(err, E_INVALID, "No file of the journal is whole");
    if (best.damaged)
        return error_set(err, E_INVALID, "The journal is damaged before its end");
    return best_text ? text_walk(best_text, best_len, apply, ctx, &reading, err) : 0;
}

static int journal_open_files(struct journal *journal, const char *path, struct error *err)
{
    for (unsigned file = 0; file < FILES; file++) {
        AUTO_FREE char *name = xasprintf("%s.%u", path, file);
        struct stat st;
        journal->fds[file] = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (journal->fds[file] < 0 || fstat(journal->fds[file], &st) != 0)
            return error_set_errno(err, E_IO, "Cannot open %s", name);
        if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
            return error_set(err, E_CONFIG, "%s must be a file that only its owner can read: chmod 600", name);
    }
    AUTO_FREE char *parent = xstrndup(path, strrchr(path, '/') == path ? 1 : (size_t)(strrchr(path, '/') - path));
    AUTO_FD int dirfd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0 || fsync(dirfd) != 0)
        return error_set_errno(err, E_IO, "Cannot sync the directory %s", parent);
    return 0;
}

int journal_open(const char *path, journal_apply_fn *apply, void *ctx, struct journal **ret, struct error *err)
{
    if (*path != '/')
        return error_set(err, E_CONFIG, "%s must be an absolute path", path);
    struct journal *journal = xcalloc(1, sizeof *journal);
    for (unsigned file = 0; file < FILES; file++)
        journal->fds[file] = -1;
    journal->dumped = STR_INIT(JOURNAL_MAX / 2);
    int r = journal_open_files(journal, path, err);
    if (r == 0)
        r = journal_read(journal, apply, ctx, err);
    journal->broken = true; /* until the first snapshot is whole */
    if (r != 0 && r != E_INVALID)
        journal_close(journal);
    else
        *ret = journal;
    return r;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    for (unsigned file = 0; file < FILES; file++)
        if (journal->fds[file] >= 0)
            (void)close(journal->fds[file]); /* everything was synced as it was written */
    str_done(&journal->dumped);
    free(journal);
}

/* --- Writing --- */

int journal_append(struct journal *journal, const json_t *record, struct error *err)
{
    AUTO_STR struct str line = STR_INIT(2 * JOURNAL_RECORD_MAX);
    int fd = journal->fds[journal->active];

    int r = line_append(&line, record, err);
    if (r != 0)
        return r;
    if (journal->broken || journal->len + line.len > JOURNAL_MAX)
        return error_set(err, E_IO, "The journal takes no more");
    r = file_pwrite_all(fd, str_text(&line), line.len, journal->len, err);
    if (r == 0 && fdatasync(fd) != 0)
        r = error_set_errno(err, E_IO, "Cannot sync the journal");
    if (r == 0)
        journal->len += line.len;
    else if (ftruncate(fd, (off_t)journal->len) != 0 || fdatasync(fd) != 0)
        journal->broken = true;
    return r;
}

bool journal_is_long(const struct journal *journal)
{
    return journal->broken || journal->len > 2 * journal->snapshot + LONG_BYTES;
}

int journal_put(struct journal *journal, const json_t *record, struct error *err)
{
    return line_append(&journal->dumped, record, err);
}

static int snapshot_make(struct journal *journal, journal_dump_fn *dump, void *ctx, struct error *err)
{
    AUTO_JSON json_t *head = json_pack("{s:s, s:I}", "op", HEAD, "turn", (json_int_t)journal->turn + 1);
    AUTO_JSON json_t *whole = json_pack("{s:s}", "op", WHOLE);

    str_reset(&journal->dumped);
    int r = journal_put(journal, head, err);
    if (r == 0)
        r = dump(ctx, journal, err);
    return r ? r : journal_put(journal, whole, err);
}

/* The other file gets the snapshot; only when it is on the disk does it count, and the old one is emptied. */
int journal_compact(struct journal *journal, journal_dump_fn *dump, void *ctx, struct error *err)
{
    unsigned next = (journal->active + 1) % FILES;
    int fd = journal->fds[next];

    int r = snapshot_make(journal, dump, ctx, err);
    if (r == 0 && ftruncate(fd, 0) != 0)
        r = error_set_errno(err, E_IO, "Cannot empty the journal's other file");
    if (r == 0)
        r = file_pwrite_all(fd, str_text(&journal->dumped), journal->dumped.len, 0, err);
    if (r == 0 && fsync(fd) != 0)
        r = error_set_errno(err, E_IO, "Cannot sync the journal");
    if (r != 0)
        return r;
    /* The old one has the lower turn from here on: what would stay of it does not count. */
    bool emptied UNUSED = ftruncate(journal->fds[journal->active], 0) == 0;
    journal->active = next;
    journal->turn++;
    journal->len = journal->snapshot = journal->dumped.len;
    journal->broken = false;
    str_done(&journal->dumped);
    journal->dumped = STR_INIT(JOURNAL_MAX / 2);
    return 0;
}
