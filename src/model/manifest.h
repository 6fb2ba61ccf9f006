/* The manifest: the ordered list of a request's sealed files as canonical bytes, and its digest, which every later step
 * names. One line of JSON a file, hashed as it comes, so that a hundred thousand files need no buffer. Pure. */
#ifndef AIRLOCK_MODEL_MANIFEST_H
#define AIRLOCK_MODEL_MANIFEST_H

#include <stdint.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/str.h"

#define MANIFEST_METADATA_MAX 16 /* kept metadata of one file */

struct manifest_metadata {
    const char *name;
    const char *value;
};

struct manifest_file {
    const char *name; /* passes name_check */
    uint64_t size;
    const char *sha256;       /* 64 lower-case hex digits */
    const char *content_type; /* "" when none */
    size_t metadata_count;
    const struct manifest_metadata *metadata; /* sorted by name */
};

/* Is client-set metadata of this name kept when a request is sealed? Everything else is dropped. kept: names separated
 * by spaces or commas (policy.kept_metadata). Case is ignored. */
bool manifest_keeps_metadata(const char *kept, const char *name);
/* A content type stays when it is a media type of at most 127 bytes without parameters, or with a charset: room for no
 * message. RFC 9110 section 8.3.1. */
bool manifest_keeps_content_type(const char *type);

/* Appends the file's canonical line (with the warnings that its name earns), with its line feed. E_INVALID when a
 * member is out of form. */
int manifest_append_line(const struct manifest_file *file, struct str *out, struct error *err) MUST_USE;

struct manifest;
struct manifest *manifest_new(void);
/* Files come in ascending byte order of their names; E_INVALID for one out of order, given twice, or out of form. */
int manifest_add(struct manifest *m, const struct manifest_file *file, struct error *err) MUST_USE;
/* The digest in lower-case hex. Ends the manifest: nothing may be added after. */
void manifest_finish(struct manifest *m, char ret_digest[static SHA256_HEX_SIZE]);
void manifest_free(struct manifest *m);
static inline void cleanup_manifest_(struct manifest **m)
{
    manifest_free(*m);
}
#define AUTO_MANIFEST CLEANUP(cleanup_manifest_)

#endif
