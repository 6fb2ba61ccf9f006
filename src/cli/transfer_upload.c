/* `airlock request upload`: small files by one Put Blob, larger ones as parallel blocks that prove their content, so
 * that a second run sends only what is missing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "cli/blob.h"
#include "cli/local_name.h"
#include "cli/problem.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/transfer.h"
#include "cli/upload_plan.h"

#define HASH_CHUNK ((size_t)1024 * 1024)
#define BLOCK_LIST_XML_MAX ((size_t)8 * 1024 * 1024)
#define BLOCK_QUERY_MAX 256
#define MD5_TEXT_SIZE 25

/* One file on its way. The workers share it; ids has a place for each block, written by the one thread that has that
 * block. */
struct upload {
    struct container *container;
    const char *name;
    int fd;
    struct stat st;
    uint64_t size;
    uint64_t block_size;
    uint64_t block_count;
    char (*ids)[BLOCK_ID_SIZE];
    struct block_list there; /* sorted; read-only while the workers run */
    bool only_compare;       /* work out ids, send nothing */
    bool overwrite;
    char sha256[SHA256_HEX_SIZE]; /* of the whole file */
    const char *result;           /* what is said about it at the end */
    struct progress progress;
};

static int changed_meanwhile(const struct upload *up, struct error *err)
{
    return error_set(err, E_UNAVAILABLE, "%.200s changes while it is being uploaded: let it rest and upload it again",
                     up->name);
}

static int read_exactly(const struct upload *up, void *buffer, size_t len, uint64_t offset, struct error *err)
{
    char *at = buffer;

    while (len > 0) {
        ssize_t got = pread(up->fd, at, len, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, E_IO, "Cannot read %.200s", up->name);
        if (got == 0)
            return changed_meanwhile(up, err);
        at += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

static int hash_file(struct upload *up, struct error *err)
{
    AUTO_HASH struct hash *hash = hash_new_sha256();
    AUTO_FREE char *chunk = xmalloc(HASH_CHUNK);
    unsigned char digest[SHA256_SIZE];

    for (uint64_t at = 0; at < up->size;) {
        size_t len = up->size - at < HASH_CHUNK ? (size_t)(up->size - at) : HASH_CHUNK;
        int r = read_exactly(up, chunk, len, at, err);
        if (r)
            return r;
        hash_update(hash, chunk, len);
        at += len;
    }
    hash_final(hash, digest);
    hex_encode(digest, sizeof digest, up->sha256);
    return 0;
}

static int check_unchanged(const struct upload *up, struct error *err)
{
    struct stat now;

    if (fstat(up->fd, &now) != 0)
        return error_set_errno(err, E_IO, "Cannot look at %.200s", up->name);
    bool same = now.st_size == up->st.st_size && now.st_mtim.tv_sec == up->st.st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == up->st.st_mtim.tv_nsec;
    return same ? 0 : changed_meanwhile(up, err);
}

static int send_block(struct upload *up, struct web *web, const char *id, const void *bytes, size_t len,
                      struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_STR struct str query = STR_INIT(BLOCK_QUERY_MAX);
    struct web_request request = {.method = "PUT",
                                  .headers = {"Content-Type: application/octet-stream"},
                                  .body = bytes,
                                  .body_len = len,
                                  .transfer = true,
                                  .moved = &up->progress.moved};

    str_append(&query, "comp=block&blockid=");
    str_append_url(&query, id);
    int r = blob_send(up->container, web, up->name, str_text(&query), &request, &answer, err);
    if (!r && answer.status != 201)
        r = problem_from_answer(err, &answer);
    return r;
}

/* Piece 0 is the hash of the whole file, piece N is block N - 1. */
static int upload_piece(struct web *web, uint64_t piece, void *context, struct error *err)
{
    struct upload *up = context;
    unsigned char digest[SHA256_SIZE];

    if (piece == 0)
        return hash_file(up, err);
    uint64_t index = piece - 1;
    size_t len = (size_t)upload_block_len(up->size, up->block_size, index);
    AUTO_FREE char *bytes = xmalloc(len);
    int r = read_exactly(up, bytes, len, index * up->block_size, err);
    if (r)
        return r;
    sha256(bytes, len, digest);
    upload_block_id(index, digest, up->ids[index]);
    if (!up->only_compare && !upload_has_block(&up->there, up->ids[index], len))
        return send_block(up, web, up->ids[index], bytes, len, err);
    progress_skip(&up->progress, len);
    return 0;
}

static void upload_tick(void *context)
{
    struct upload *up = context;
    progress_draw(&up->progress);
}

static int run_pieces(struct upload *up, unsigned connections, struct error *err)
{
    struct transfer transfer = {
        .threads = connections + 1, /* one of them hashes */
        .count = up->block_count + 1,
        .work = upload_piece,
        .tick = upload_tick,
        .context = up,
    };
    progress_begin(&up->progress, up->name, up->size);
    int r = transfer_run(&transfer, err);
    progress_end(&up->progress, r == 0);
    return r;
}

/* The blob is there: the same file, block for block, is success; anything else needs --overwrite. */
static int compare_with_committed(struct upload *up, unsigned connections, struct error *err)
{
    uint64_t same = 0;
    uint64_t committed = 0;

    up->only_compare = true;
    int r = run_pieces(up, connections, err);
    if (r)
        return r;
    for (size_t i = 0; i < up->there.count; i++)
        committed += up->there.items[i].committed;
    for (uint64_t b = 0; b < up->block_count; b++)
        for (size_t i = 0; i < up->there.count; i++)
            if (up->there.items[i].committed && strcmp(up->there.items[i].id, up->ids[b]) == 0) {
                same++;
                break;
            }
    if (same != up->block_count || committed != up->block_count)
        return error_set(err, E_BLOB_EXISTS, "The request already has another file named %.200s", up->name);
    up->result = "already there";
    return 0;
}

static int send_block_list(struct upload *up, struct web *web, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_STR struct str xml = STR_INIT(BLOCK_LIST_XML_MAX);
    struct web_request request = {.method = "PUT", .headers = {"Content-Type: application/xml", "Expect:"}};

    if (!up->overwrite)
        request.headers[2] = "If-None-Match: *";
    upload_append_list(&xml, (const char(*)[BLOCK_ID_SIZE])up->ids, up->block_count);
    request.body = str_text(&xml);
    request.body_len = xml.len;
    int r = blob_send(up->container, web, up->name, "comp=blocklist", &request, &answer, err);
    if (!r && answer.status != 201)
        r = problem_from_answer(err, &answer);
    return r;
}

static int blob_exists(struct upload *up, struct web *web, bool *ret, struct web_answer *answer, struct error *err)
{
    struct web_request request = {.method = "HEAD"};

    int r = blob_send(up->container, web, up->name, "", &request, answer, err);
    if (!r && answer->status != 200 && answer->status != 404)
        return problem_from_answer(err, answer);
    if (!r)
        *ret = answer->status == 200;
    return r;
}

static int delete_blob(struct upload *up, struct web *web, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    struct web_request request = {.method = "DELETE"};

    int r = blob_send(up->container, web, up->name, "", &request, &answer, err);
    return !r && answer.status != 202 && answer.status != 404 ? problem_from_answer(err, &answer) : r;
}

/* Azure keeps all block ids of a blob at one length, so another program's unfinished upload stands in the way. */
static int clear_foreign_blocks(struct upload *up, struct web *web, struct error *err)
{
    if (!upload_has_foreign_blocks(&up->there))
        return 0;
    if (!up->overwrite)
        return error_set(err, E_BLOB_EXISTS, "Another program has begun to upload %.200s", up->name);
    block_list_done(&up->there);
    return delete_blob(up, web, err);
}

static int upload_blocks(struct upload *up, struct web *web, unsigned connections, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    bool exists = false;

    int r = blob_exists(up, web, &exists, &answer, err);
    if (!r)
        r = blob_blocks(up->container, web, up->name, &up->there, err);
    if (r)
        return r;
    if (exists && !up->overwrite)
        return compare_with_committed(up, connections, err);
    r = clear_foreign_blocks(up, web, err);
    if (r)
        return r;
    upload_sort_blocks(&up->there);
    r = run_pieces(up, connections, err);
    up->result = atomic_load(&up->progress.resumed) > 0 ? "resumed" : "uploaded";
    if (!r)
        r = check_unchanged(up, err);
    if (!r)
        r = send_block_list(up, web, err);
    if (r != E_BLOB_EXISTS)
        return r;
    block_list_done(&up->there); /* perhaps it was our own commit, whose answer was lost */
    r = blob_blocks(up->container, web, up->name, &up->there, err);
    return r ? r : compare_with_committed(up, connections, err);
}

static void md5_text(const void *bytes, size_t len, char out[static MD5_TEXT_SIZE])
{
    AUTO_HASH struct hash *hash = hash_new_md5();
    AUTO_STR struct str text = STR_INIT(MD5_TEXT_SIZE);
    unsigned char digest[MD5_SIZE];

    hash_update(hash, bytes, len);
    hash_final(hash, digest);
    base64_append(&text, digest, sizeof digest);
    (void)str_copy(out, MD5_TEXT_SIZE, str_text(&text)); /* 24 characters always */
}

/* Put Blob said that the name is taken: fine if it is by these very bytes. */
static int compare_small(struct upload *up, struct web *web, const char *md5, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    bool exists = false;

    int r = blob_exists(up, web, &exists, &answer, err);
    if (r)
        return r;
    if (!exists || strcmp(answer.content_md5, md5) != 0)
        return error_set(err, E_BLOB_EXISTS, "The request already has another file named %.200s", up->name);
    up->result = "already there";
    return 0;
}

static int upload_small(struct upload *up, struct web *web, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_FREE char *bytes = xmalloc((size_t)up->size);
    char md5[MD5_TEXT_SIZE];

    int r = read_exactly(up, bytes, (size_t)up->size, 0, err);
    if (!r)
        r = check_unchanged(up, err);
    if (r)
        return r;
    sha256_hex(bytes, (size_t)up->size, up->sha256);
    md5_text(bytes, (size_t)up->size, md5);
    AUTO_FREE char *md5_header = xasprintf("Content-MD5: %s", md5);
    struct web_request request = {
        .method = "PUT",
        .headers = {"Content-Type: application/octet-stream", "x-ms-blob-type: BlockBlob", md5_header},
        .body = bytes,
        .body_len = (size_t)up->size,
        .transfer = true,
        .moved = &up->progress.moved,
    };
    if (!up->overwrite)
        request.headers[3] = "If-None-Match: *";
    progress_begin(&up->progress, up->name, up->size);
    r = blob_send(up->container, web, up->name, "", &request, &answer, err);
    progress_end(&up->progress, r == 0);
    if (r || answer.status == 201) {
        up->result = "uploaded";
        return r;
    }
    r = problem_from_answer(err, &answer);
    return r == E_BLOB_EXISTS ? compare_small(up, web, md5, err) : r;
}

static int upload_open(struct upload *up, const char *path, struct error *err)
{
    up->name = local_name_base(path);
    if (!up->name)
        return error_set(err, E_USAGE, "\"%.200s\" does not name a file", path);
    up->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (up->fd < 0)
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "Cannot open %.300s", path);
    if (fstat(up->fd, &up->st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at %.300s", path);
    if (!S_ISREG(up->st.st_mode))
        return error_set(err, E_USAGE, "%.300s is not a regular file; pack a directory into an archive first", path);
    up->size = (uint64_t)up->st.st_size;
    up->block_size = upload_block_size(up->size);
    if (up->block_size == 0)
        return error_set(err, E_TOO_LARGE, "%.300s is larger than a blob can be", path);
    up->block_count = upload_block_count(up->size, up->block_size);
    up->ids = xcalloc(up->block_count, sizeof *up->ids);
    return 0;
}

static void upload_close(struct upload *up)
{
    if (up->fd >= 0)
        (void)close(up->fd);
    free(up->ids);
    block_list_done(&up->there);
}

static int upload_file(struct container *container, const struct args *args, const char *path, unsigned connections,
                       json_t *done, struct error *err)
{
    struct upload up = {.container = container, .fd = -1, .overwrite = args_has(args, "overwrite")};

    int r = upload_open(&up, path, err);
    if (!r && up.size <= BLOCK_SIZE_MIN)
        r = upload_small(&up, container->cli->web, err);
    else if (!r)
        r = upload_blocks(&up, container->cli->web, connections, err);
    if (!r)
        report_add(done, up.name, up.size, up.sha256, up.result);
    upload_close(&up);
    return r;
}

int request_upload_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    json_t *done = json_array();
    struct container container = {0};
    uint64_t connections;

    int r = args_number(args, "connections", TRANSFER_CONNECTIONS, 1, TRANSFER_CONNECTIONS_MAX, &connections, err);
    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, NULL, err);
    if (!r)
        r = container_open(&container, cli, workspace, args->items[0], err);
    for (size_t i = 1; !r && i < args->count; i++)
        r = upload_file(&container, args, args->items[i], (unsigned)connections, done, err);
    r = report_print(cli, done, r, err);
    container_done(&container);
    json_decref(done);
    return r;
}
