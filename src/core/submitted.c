/* The digest of a list of files before its seal. Part of airlock-core, from rows alone: it never sees a file. */
#include "core/submitted.h"

#include <string.h>

#include "model/manifest.h"

/* What stands for the SHA-256 of a file that came in blocks, which nobody has read as a whole yet: that of its blocks'. */
static int blocks_digest(struct core *core, int64_t blob, char ret[static SHA256_HEX_SIZE], struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_HASH struct hash *hash = hash_new_sha256();
    unsigned char digest[SHA256_SIZE];
    int r = db_select(core->db, Q_EXTENT_LIST, ARGS(DB_I(blob)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        hash_update(hash, db_text(rows, 5), strlen(db_text(rows, 5)));
        r = 0;
    }
    if (r != 0)
        return r;
    hash_final(hash, digest);
    hex_encode(digest, sizeof digest, ret);
    return 0;
}

int submitted_digest(struct core *core, const struct request *req, char ret[static SHA256_HEX_SIZE], struct error *err)
{
    AUTO_MANIFEST struct manifest *m = manifest_new();
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(req->id)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        char blocks[SHA256_HEX_SIZE];
        const char *digest = db_text(rows, 3); /* "" of what was made of blocks */
        struct manifest_file file = {.name = db_text(rows, 1),
                                     .size = (uint64_t)db_int(rows, 2),
                                     .sha256 = *digest ? digest : blocks,
                                     .content_type = ""};
        r = *digest ? 0 : blocks_digest(core, db_int(rows, 0), blocks, err);
        if (r == 0)
            r = manifest_add(m, &file, err);
    }
    if (r == 0)
        manifest_finish(m, ret);
    return r;
}
