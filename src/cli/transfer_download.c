/* `airlock request download`: parallel ranges into FILE.part, which a later run continues, then a check of the SHA-256
 * against the request's manifest, fsync and rename. Must never write outside the target directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/blob.h"
#include "cli/local_name.h"
#include "cli/part.h"
#include "cli/problem.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/transfer.h"

#define CHECKPOINT_MS 2000

struct download {
    struct container *container;
    const struct blob_entry *blob;
    struct part part;
    const char *expected; /* SHA-256 of the manifest, or "" */
    char sha256[SHA256_HEX_SIZE];
    const char *result;
    int64_t saved_ms; /* of the last checkpoint */
    struct progress progress;
};

static int check_range(const struct web_answer *answer, const struct web_sink *sink, const struct blob_entry *blob,
                       struct error *err)
{
    AUTO_FREE char *expected =
        xasprintf("bytes %llu-%llu/%llu", (unsigned long long)sink->offset,
                  (unsigned long long)(sink->offset + sink->len - 1), (unsigned long long)blob->size);

    if (answer->status == 412)
        return error_set(err, E_STALE, "The file changed on the server during the download");
    if (answer->status != 206)
        return answer->status / 100 == 2
                   ? error_set(err, E_PROTOCOL, "The server does not answer with the range asked for")
                   : problem_from_answer(err, answer);
    if (strcmp(answer->content_range, expected) != 0 || sink->got != sink->len)
        return error_set(err, E_PROTOCOL, "The server sent another range than the one asked for");
    return 0;
}

static int download_piece(struct web *web, uint64_t index, void *context, struct error *err)
{
    struct download *down = context;
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    uint64_t offset = index * PART_PIECE_SIZE;
    uint64_t left = down->blob->size - offset;
    struct web_sink sink = {
        .fd = down->part.fd, .offset = offset, .len = left < PART_PIECE_SIZE ? left : PART_PIECE_SIZE};

    if (part_has(&down->part, index)) {
        progress_skip(&down->progress, sink.len);
        return 0;
    }
    AUTO_FREE char *range = xasprintf("x-ms-range: bytes=%llu-%llu", (unsigned long long)offset,
                                      (unsigned long long)(offset + sink.len - 1));
    AUTO_FREE char *match = xasprintf("If-Match: %s", down->blob->etag);
    struct web_request request = {
        .method = "GET", .headers = {range}, .transfer = true, .sink = &sink, .moved = &down->progress.moved};
    if (*down->blob->etag)
        request.headers[1] = match;
    int r = blob_send(down->container, web, down->blob->name, "", &request, &answer, err);
    if (!r)
        r = check_range(&answer, &sink, down->blob, err);
    if (!r)
        part_mark(&down->part, index);
    return r;
}

static void download_tick(void *context)
{
    struct download *down = context;

    progress_draw(&down->progress);
    if (clock_mono_ms() - down->saved_ms < CHECKPOINT_MS)
        return;
    (void)part_save(&down->part, NULL); /* only speed is lost when it fails */
    down->saved_ms = clock_mono_ms();
}

static int fetch_pieces(struct download *down, unsigned connections, struct error *err)
{
    struct transfer transfer = {
        .threads = connections,
        .count = down->part.piece_count,
        .work = download_piece,
        .tick = download_tick,
        .context = down,
    };
    progress_begin(&down->progress, down->blob->name, down->blob->size);
    down->saved_ms = clock_mono_ms();
    int r = transfer_run(&transfer, err);
    progress_end(&down->progress, r == 0);
    if (r)
        (void)part_save(&down->part, NULL);
    return r;
}

/* Fetches what is missing and hashes the whole. A continued part that proves wrong, or whose blob changed, begins anew
 * once. */
static int fetch_whole(struct download *down, unsigned connections, struct error *err)
{
    for (;;) {
        bool continued = down->part.continued;
        int r = fetch_pieces(down, connections, err);
        if (!r)
            r = part_hash(&down->part, down->sha256, err);
        if (!r && (!*down->expected || strcmp(down->expected, down->sha256) == 0))
            return 0;
        if (!r)
            r = error_set(err, E_INVALID,
                          "The bytes of %.200s are not those of the request's manifest: they were thrown away",
                          down->blob->name);
        if (r != E_INVALID)
            return r;
        if (!continued) {
            part_discard(&down->part);
            return r;
        }
        r = part_restart(&down->part, err);
        if (r)
            return r;
    }
}

static int download_blob(struct download *down, int dir, unsigned connections, bool overwrite, struct error *err)
{
    int r = local_name_check(down->blob->name, err);
    if (!r)
        r = part_open(&down->part, dir, down->blob->name, down->blob->etag, down->blob->size, overwrite, err);
    if (!r && down->part.file_is_there) {
        r = part_hash_file(&down->part, down->sha256, err);
        if (!r && (!*down->expected || strcmp(down->expected, down->sha256) != 0))
            r = error_set(err, E_EXISTS, "There is another file named %.200s already", down->blob->name);
        down->result = "already there, verified";
        return r;
    }
    if (!r)
        r = fetch_whole(down, connections, err);
    if (!r)
        r = part_finish(&down->part, err);
    down->result = *down->expected ? "verified" : "no manifest to verify against";
    return r;
}

/* The digest that the request's manifest gives for name, or "". */
static const char *manifest_digest(const json_t *request, const char *name)
{
    const json_t *files = json_object_get(request, "files");
    size_t index;
    json_t *file;

    json_array_foreach((json_t *)files, index, file)
    {
        if (strcmp(json_text(file, "name"), name) == 0)
            return json_text(file, "sha256");
    }
    return "";
}

static int open_target(const char *path, struct error *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return error_set_errno(err, E_IO, "Cannot make the directory %.300s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : error_set_errno(err, E_IO, "Cannot open the directory %.300s", path);
}

/* Downloads each blob; what went wrong with one does not stop the next, and the first trouble is the result. */
static int download_all(struct container *container, const json_t *request, const struct blob_list *blobs, int dir,
                        unsigned connections, bool overwrite, json_t *done, struct error *err)
{
    int first = 0;

    for (size_t i = 0; i < blobs->count; i++) {
        struct download down = {.container = container, .blob = &blobs->items[i], .part = PART_INIT};
        struct error why = {0};
        down.expected = manifest_digest(request, down.blob->name);
        int r = download_blob(&down, dir, connections, overwrite, &why);
        if (!r)
            report_add(done, down.blob->name, down.blob->size, down.sha256, down.result);
        part_close(&down.part);
        if (r && first) {
            AUTO_STR struct str line = STR_INIT(4096);
            problem_render(&why, &line);
            (void)fputs(str_text(&line), stderr);
        } else if (r) {
            first = r;
            *err = why;
        }
    }
    return first;
}

int request_download_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *envelope = NULL;
    json_t *done = json_array();
    struct container container = {0};
    struct blob_list blobs = {0};
    uint64_t connections;
    const char *to = args_get(args, "to") ? args_get(args, "to") : ".";
    AUTO_FD int dir = -1;

    int r = args_number(args, "connections", TRANSFER_CONNECTIONS, 1, TRANSFER_CONNECTIONS_MAX, &connections, err);
    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, &envelope, err);
    if (!r)
        r = container_open(&container, cli, workspace, args->items[0], err);
    if (!r)
        r = blob_list(&container, cli->web, &blobs, err);
    if (!r && blobs.count == 0)
        r = error_set(err, E_BLOB_NOT_FOUND, "The request has no files");
    if (!r)
        dir = open_target(to, err);
    if (!r && dir < 0)
        r = dir;
    if (!r)
        r = download_all(&container, json_object_get(envelope, "airlockRequest"), &blobs, dir, (unsigned)connections,
                         args_has(args, "overwrite"), done, err);
    r = report_print(cli, done, r, err);
    blob_list_done(&blobs);
    container_done(&container);
    json_decref(done);
    return r;
}
