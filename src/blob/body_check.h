/* Transactional digests: what a request's head says about the bytes of its body, checked while they come. Pure; used by
 * the uploads of airlock-blob and by Put Block List.
 * Source: Azure "Put Blob", "Put Block", "Put Block List" (Content-MD5, x-ms-blob-content-md5, x-ms-content-crc64). The
 * checks find accidents on the way; the digest that counts is SHA-256, which core records. */
#ifndef AIRLOCK_BLOB_BODY_CHECK_H
#define AIRLOCK_BLOB_BODY_CHECK_H

#include <stdbool.h>

#include "base/crypto.h"
#include "blob/azure.h"
#include "http/http.h"

#define MD5_TEXT_SIZE 25   /* base64 of an MD5, with the NUL */
#define CRC64_TEXT_SIZE 13 /* base64 of eight bytes, little-endian, with the NUL */

enum body_kind {
    BODY_BLOB,         /* x-ms-blob-content-md5 speaks of it too */
    BODY_BLOCK,        /* x-ms-blob-content-md5 is ignored, as on Azure */
    BODY_XML,          /* x-ms-blob-content-md5 speaks of the blob, not of this */
    BODY_SOURCE_BLOB,  /* the bytes come from a copy's source: x-ms-source-content-md5, -crc64 speak of them; */
    BODY_SOURCE_BLOCK, /* and x-ms-blob-content-md5 of a whole blob's */
};

struct body_check {
    struct hash *md5; /* NULL: not wanted */
    bool has_crc;
    bool md5_given, crc_given;
    unsigned char md5_sent[MD5_SIZE];
    uint64_t crc, crc_sent;
    char md5_text[MD5_TEXT_SIZE]; /* after body_check_verify: "" when there is none; as the next */
    char crc_text[CRC64_TEXT_SIZE];
};

/* wants_md5: compute one even if the client sends none. Without any MD5 the CRC-64 is computed: every answer carries a
 * digest that the client can compare. Refusals: both kinds of digest sent, or one malformed. body_check_done in any
 * case. */
enum azure_code body_check_init(struct body_check *check, const struct http_head *head, enum body_kind kind,
                                bool wants_md5) MUST_USE;
void body_check_done(struct body_check *check);

void body_check_update(struct body_check *check, const void *bytes, size_t len);
/* Once, after the last byte. AZURE_OK, or which digest does not fit. */
enum azure_code body_check_verify(struct body_check *check) MUST_USE;
/* The digests as response headers. After body_check_verify. */
void body_check_add_headers(const struct body_check *check, struct http_exchange *x);

/* The header's form of a CRC-64. */
void crc64_to_text(uint64_t crc, char ret_text[static CRC64_TEXT_SIZE]);

#endif
