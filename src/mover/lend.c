/* Opening what the gate may see. Runs in airlock-mover, on the lender's thread alone. */
#include "mover/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/uuid.h"
#include "ipc/channel.h"
#include "ipc/peer.h"
#include "model/account.h"
#include "model/placement.h"

#define DIR_MAX 200
#define COPY_STEP ((size_t)64 << 20)

/* A stretch of an object: one piece of a draft's file. */
struct piece {
    const char *object; /* borrowed from the question */
    uint64_t start;
    uint64_t length;
};

/* ZONE/USE/ACCOUNT/REQUEST.TOKEN, as core makes it, of an account that is lent from. */
static int lend_place(const char *dir, bool draft, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(dir);
    char *rest = copy;
    const char *zone = strsep(&rest, "/"), *use = strsep(&rest, "/"), *name = strsep(&rest, "/"), *suffix;
    const char *request = strsep(&rest, ".");
    enum account account;
    uint64_t token;

    if (!rest || !uuid_is_v4(request) || !num_parse(rest, 0, INT64_MAX, &token) ||
        !account_by_name(name, &account, &suffix))
        return error_set_field(err, E_INVALID, "dir", "This is not the directory of a request");
    const struct account_facts *facts = account_facts(account);
    bool fits = draft ? facts->use == USE_DRAFT : account == ACCOUNT_IMIP || account == ACCOUNT_EXIP;
    if (!fits || strcmp(use, draft ? "draft" : "kept") != 0 || strcmp(zone, zone_name(facts->zone)) != 0)
        return error_set_field(err, E_INVALID, "dir", "Files of this account are not lent");
    return 0;
}

static int lend_object(struct store *store, const char *dir, const char *object, uint64_t *ret_size, struct error *err)
{
    struct stat st;

    if (!uuid_is_v4(object))
        return error_set_field(err, E_INVALID, "object", "This is not the name of an object");
    AUTO_FD int fd = store_object_open_read(store, dir, object, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at an object");
    if (!S_ISREG(st.st_mode))
        return error_set(err, E_INVALID, "This object is not a file");
    *ret_size = (uint64_t)st.st_size;
    return TAKE_FD(fd);
}

/* An object as it is, which must be exactly so long. */
static int lend_whole(struct store *store, const char *dir, const char *object, uint64_t size, struct error *err)
{
    uint64_t is = 0;
    AUTO_FD int fd = lend_object(store, dir, object, &is, err);

    if (fd < 0)
        return fd;
    if (is != size)
        return error_set(err, E_STALE, "The object is not as long as it was said to be");
    return TAKE_FD(fd);
}

static int piece_read(const json_t *extent, struct piece *ret, struct error *err)
{
    const json_t *start = json_array_get(extent, 1), *length = json_array_get(extent, 2);
    const char *object = json_string_value(json_array_get(extent, 0));

    if (!object || !json_is_integer(start) || !json_is_integer(length) || json_integer_value(start) < 0 ||
        json_integer_value(length) < 0 || (uint64_t)json_integer_value(start) > PLACEMENT_BLOB_MAX ||
        (uint64_t)json_integer_value(length) > PLACEMENT_BLOB_MAX)
        return error_set_field(err, E_INVALID, "extents", "A piece of the file is malformed");
    *ret = (struct piece){object, (uint64_t)json_integer_value(start), (uint64_t)json_integer_value(length)};
    return 0;
}

/* Are the pieces one object, from its start on and in order? They must be size bytes together in any case. */
static int pieces_check(const json_t *extents, uint64_t size, bool *ret_linear, struct error *err)
{
    const char *first = NULL;
    uint64_t at = 0;
    bool linear = true;
    const json_t *extent;
    size_t i;

    json_array_foreach(extents, i, extent)
    {
        struct piece piece;
        int r = piece_read(extent, &piece, err);
        if (r != 0)
            return r;
        first = first ? first : piece.object;
        linear = linear && piece.start == at && strcmp(piece.object, first) == 0;
        at += piece.length;
    }
    if (at != size)
        return error_set_field(err, E_INVALID, "extents", "The pieces are not as long as the file");
    *ret_linear = linear && first;
    return 0;
}

/* copy_file_range(2), or reading and writing where the file system has none. Returns bytes, or -1 with errno. */
static ssize_t copy_some(int from, off_t *from_at, int to, off_t to_at, size_t len)
{
    char bytes[64 * 1024];
    ssize_t got = copy_file_range(from, from_at, to, &to_at, len, 0);

    if (got >= 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
        return got;
    got = pread(from, bytes, len < sizeof bytes ? len : sizeof bytes, *from_at);
    if (got > 0)
        got = pwrite(to, bytes, (size_t)got, to_at);
    if (got > 0)
        *from_at += got;
    return got;
}

static int piece_copy(int from, const struct piece *piece, int to, uint64_t to_at, int64_t until, struct error *err)
{
    off_t at = (off_t)piece->start;
    uint64_t done = 0;

    while (done < piece->length) {
        size_t step = piece->length - done < COPY_STEP ? (size_t)(piece->length - done) : COPY_STEP;
        if (clock_mono_ms() > until)
            return error_set(err, E_TOO_LARGE,
                             "The file lies in pieces, and is too large for them to be put together for a check");
        ssize_t got = copy_some(from, &at, to, (off_t)(to_at + done), step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, E_IO, "Cannot copy a piece of the file");
        if (got == 0)
            return error_set(err, E_STALE, "A piece of the file is missing");
        done += (uint64_t)got;
    }
    return 0;
}

/* The same file once more, for reading alone: what is lent can never write. */
static int reopen_read(int fd, struct error *err)
{
    AUTO_FREE char *path = xasprintf("/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    return again >= 0 ? again : error_set_errno(err, E_IO, "Cannot open a copy for reading");
}

static int pieces_copy(struct store *store, const char *dir, const json_t *extents, int to, struct error *err)
{
    int64_t until = clock_mono_ms() + LEND_COPY_MS;
    uint64_t at = 0, unused;
    const json_t *extent;
    size_t i;

    json_array_foreach(extents, i, extent)
    {
        struct piece piece;
        int r = piece_read(extent, &piece, err);
        AUTO_FD int from = r == 0 ? lend_object(store, dir, piece.object, &unused, err) : r;
        if (from >= 0)
            r = piece_copy(from, &piece, to, at, until, err);
        if (from < 0 || r != 0)
            return from < 0 ? from : r;
        at += piece.length;
    }
    return 0;
}

/* The pieces in one file that has no name and is gone with its last descriptor. It lies beside them, so that a file
 * system that shares blocks copies nothing. */
static int lend_copy(struct store *store, const char *dir, const json_t *extents, uint64_t size, struct error *err)
{
    int r = store_check_space(store, size, err);
    if (r != 0)
        return r;
    AUTO_FD int to = file_open_beneath(store_root(store), dir, O_TMPFILE | O_RDWR, 0600, err);
    if (to < 0)
        return to;
    r = pieces_copy(store, dir, extents, to, err);
    return r ? r : reopen_read(to, err);
}

static int lend_draft(struct store *store, const char *dir, const json_t *extents, uint64_t size, struct error *err)
{
    bool linear = false;
    uint64_t is = 0;

    if (!json_is_array(extents) || json_array_size(extents) > LEND_PIECES_MAX)
        return error_set_field(err, E_INVALID, "extents", "The pieces are no list, or too many");
    int r = pieces_check(extents, size, &linear, err);
    if (r != 0)
        return r;
    if (!linear)
        return lend_copy(store, dir, extents, size, err);
    const char *object = json_string_value(json_array_get(json_array_get(extents, 0), 0));
    AUTO_FD int fd = lend_object(store, dir, object, &is, err);
    if (fd < 0 || is == size)
        return TAKE_FD(fd);
    return lend_copy(store, dir, extents, size, err); /* an object with a tail that is no part of the file */
}

int lend_open(struct store *store, const json_t *question, struct error *err)
{
    const json_t *extents = json_object_get(question, "extents");
    const char *dir, *object = NULL;
    int64_t size = 0;
    int r = json_need_string(question, "dir", DIR_MAX, &dir, err);

    if (r == 0)
        r = json_need_int(question, "size", 0, (int64_t)PLACEMENT_BLOB_MAX, &size, err);
    if (r == 0 && !extents)
        r = json_need_string(question, "object", UUID_TEXT_SIZE, &object, err);
    if (r == 0)
        r = lend_place(dir, extents, err);
    if (r != 0)
        return r;
    return extents ? lend_draft(store, dir, extents, (uint64_t)size, err)
                   : lend_whole(store, dir, object, (uint64_t)size, err);
}

struct lender {
    struct store *store; /* a twin: its tick is nobody's */
    int orders[2];       /* a pipe of descriptors' numbers, from lender_attach to the thread */
    struct channel *gate;
};

static void lender_answer(struct lender *lender, const json_t *question)
{
    struct error err = {0};
    int64_t id = json_int(question, "id");
    enum message kind;
    bool known = message_by_op(json_text(question, "op"), &kind) && kind == MESSAGE_OBJECT_OPEN &&
                 message_allowed(kind, PEER_GATE, PEER_MOVER);
    AUTO_FD int fd = known ? lend_open(lender->store, question, &err)
                           : error_set(&err, E_FORBIDDEN, "airlock-gate may not ask this");
    AUTO_JSON json_t *answer = fd >= 0 ? message_answer(id, json_object()) : message_refusal(id, &err);

    if (fd < 0)
        log_debug("Nothing was lent: %s", err.detail);
    if (channel_send(lender->gate, answer, &fd, fd >= 0, &err) != 0 ||
        channel_flush_wait(lender->gate, LEND_COPY_MS, &err) != 0)
        channel_free(TAKE_PTR(lender->gate)); /* airlockd makes a new one */
}

static void lender_readable(struct lender *lender)
{
    while (lender->gate) {
        struct frame frame = {0};
        int r = channel_receive(lender->gate, &frame, NULL);
        if (r == 0)
            return;
        if (r == 1)
            lender_answer(lender, frame.message);
        else
            channel_free(TAKE_PTR(lender->gate));
        frame_done(&frame);
    }
}

static void *lender_main(void *ctx)
{
    struct lender *lender = ctx;

    for (;;) {
        struct pollfd polls[] = {
            {.fd = lender->orders[0], .events = POLLIN},
            {.fd = lender->gate ? channel_fd(lender->gate) : -1, .events = POLLIN},
        };
        int fd;
        if (poll(polls, ARRAY_LEN(polls), -1) < 0)
            continue;
        if (polls[1].revents)
            lender_readable(lender);
        if (polls[0].revents && read(lender->orders[0], &fd, sizeof fd) == (ssize_t)sizeof fd) {
            channel_free(lender->gate);
            lender->gate = channel_new(fd);
        }
    }
    return NULL;
}

struct lender *lender_new(struct store *store)
{
    struct lender *lender = xcalloc(1, sizeof *lender);
    struct error err = {0};
    pthread_t thread;

    lender->store = store_twin(store);
    if (pipe2(lender->orders, O_CLOEXEC) != 0 || pthread_create(&thread, NULL, lender_main, lender) != 0) {
        (void)error_set_errno(&err, E_INTERNAL, "There can be no thread that lends files");
        die(&err, "cannot start");
    }
    (void)pthread_detach(thread);
    return lender;
}

void lender_attach(struct lender *lender, int fd)
{
    if (write(lender->orders[1], &fd, sizeof fd) != (ssize_t)sizeof fd)
        (void)close(fd); /* a pipe takes so few bytes whole or not at all */
}
