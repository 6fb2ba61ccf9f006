/* Transactional digests. Runs in airlock-blob on worker threads. Must never let a body pass whose digest was sent and
 * does not fit. */
#include "blob/body_check.h"

#include <endian.h>
#include <string.h>

#include "base/crc64.h"
#include "blob/properties.h"

/* Which headers speak of the bytes. */
static const struct {
    const char *md5;
    const char *crc64;
    bool has_stored; /* x-ms-blob-content-md5 does, too */
} HEADERS[] = {
    [BODY_BLOB] = {"Content-MD5", "x-ms-content-crc64", true},
    [BODY_BLOCK] = {"Content-MD5", "x-ms-content-crc64", false},
    [BODY_XML] = {"Content-MD5", "x-ms-content-crc64", false},
    [BODY_SOURCE_BLOB] = {"x-ms-source-content-md5", "x-ms-source-content-crc64", true},
    [BODY_SOURCE_BLOCK] = {"x-ms-source-content-md5", "x-ms-source-content-crc64", false},
};

/* Where a head names an MD5 twice, both must be right: they can only be if they are equal. */
static enum azure_code take_md5(struct body_check *check, const struct http_head *head, const char *name)
{
    unsigned char md5[MD5_SIZE];
    bool given;
    enum azure_code code = md5_from_head(head, name, &given, md5);

    if (code != AZURE_OK || !given)
        return code;
    if (check->md5_given && memcmp(check->md5_sent, md5, MD5_SIZE) != 0)
        return AZURE_MD5_MISMATCH;
    memcpy(check->md5_sent, md5, MD5_SIZE);
    check->md5_given = true;
    return AZURE_OK;
}

static enum azure_code take_crc(struct body_check *check, const struct http_head *head, const char *name)
{
    const char *value = http_header(head, name);
    unsigned char bytes[sizeof check->crc_sent];
    size_t len;

    if (!value || !*value)
        return AZURE_OK;
    if (!base64_decode(value, strlen(value), bytes, sizeof bytes, &len) || len != sizeof bytes)
        return AZURE_INVALID_HEADER_VALUE;
    memcpy(&check->crc_sent, bytes, sizeof bytes);
    check->crc_sent = le64toh(check->crc_sent);
    check->crc_given = true;
    return AZURE_OK;
}

enum azure_code body_check_init(struct body_check *check, const struct http_head *head, enum body_kind kind,
                                bool wants_md5)
{
    *check = (struct body_check){0};
    enum azure_code code = take_md5(check, head, HEADERS[kind].md5);
    if (code == AZURE_OK)
        code = take_crc(check, head, HEADERS[kind].crc64);
    if (code == AZURE_OK && check->md5_given && check->crc_given)
        return AZURE_BOTH_CRC64_AND_MD5;
    if (code == AZURE_OK && HEADERS[kind].has_stored)
        code = take_md5(check, head, "x-ms-blob-content-md5");
    if (code != AZURE_OK)
        return code;
    check->md5 = wants_md5 || check->md5_given ? hash_new_md5() : NULL;
    check->has_crc = check->crc_given || !check->md5;
    return AZURE_OK;
}

void body_check_done(struct body_check *check)
{
    hash_free(check->md5);
    check->md5 = NULL;
}

void body_check_update(struct body_check *check, const void *bytes, size_t len)
{
    if (check->md5)
        hash_update(check->md5, bytes, len);
    if (check->has_crc)
        check->crc = crc64_update(check->crc, bytes, len);
}

void crc64_to_text(uint64_t crc, char ret_text[static CRC64_TEXT_SIZE])
{
    AUTO_STR struct str text = STR_INIT(CRC64_TEXT_SIZE);
    uint64_t little = htole64(crc);

    base64_append(&text, &little, sizeof little);
    (void)str_copy(ret_text, CRC64_TEXT_SIZE, str_text(&text));
}

static void md5_to_text(const unsigned char md5[static MD5_SIZE], char ret_text[static MD5_TEXT_SIZE])
{
    AUTO_STR struct str text = STR_INIT(MD5_TEXT_SIZE);

    base64_append(&text, md5, MD5_SIZE);
    (void)str_copy(ret_text, MD5_TEXT_SIZE, str_text(&text));
}

enum azure_code body_check_verify(struct body_check *check)
{
    unsigned char md5[MD5_SIZE];

    if (check->md5) {
        hash_final(check->md5, md5);
        md5_to_text(md5, check->md5_text);
        if (check->md5_given && memcmp(check->md5_sent, md5, MD5_SIZE) != 0)
            return AZURE_MD5_MISMATCH;
    }
    if (check->has_crc)
        crc64_to_text(check->crc, check->crc_text);
    return check->crc_given && check->crc != check->crc_sent ? AZURE_CRC64_MISMATCH : AZURE_OK;
}

void body_check_add_headers(const struct body_check *check, struct http_exchange *x)
{
    if (*check->md5_text)
        http_header_add(x, "Content-MD5", check->md5_text);
    if (*check->crc_text)
        http_header_add(x, "x-ms-content-crc64", check->crc_text);
}
