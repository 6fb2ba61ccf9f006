/* Transactional digests: which are refused at the head, which at the end, and what the answer carries. */
#include "check.h"

#include "blob/body_check.h"

#define MD5_HELLO "XUFAKrxLKna5cZ2REBfFkg=="
#define MD5_EMPTY "1B2M2Y8AsgTpgAmY7PhCfg=="
#define CRC_DIGITS "iJh5CoYUi64="
#define CRC_EMPTY "AAAAAAAAAAA="

/* The code of the head, or else of the end. */
static enum azure_code run(const char *headers, enum body_kind kind, bool wants_md5, const char *body,
                           struct body_check *ret)
{
    struct parsed_head parsed;

    parse_head(&parsed, headers);
    enum azure_code code = body_check_init(ret, &parsed.head, kind, wants_md5);
    if (code != AZURE_OK)
        return code;
    for (const char *c = body; *c; c++)
        body_check_update(ret, c, 1);
    return body_check_verify(ret);
}

static const struct {
    const char *headers;
    enum body_kind kind;
    bool wants_md5;
    const char *body;
    enum azure_code code;
    const char *md5, *crc; /* of the answer */
} ROWS[] = {
    {"", BODY_BLOB, true, "hello", AZURE_OK, MD5_HELLO, ""},
    {"", BODY_BLOB, false, "123456789", AZURE_OK, "", CRC_DIGITS},
    {"", BODY_BLOCK, false, "123456789", AZURE_OK, "", CRC_DIGITS},
    {"", BODY_BLOCK, false, "", AZURE_OK, "", CRC_EMPTY},
    {"Content-MD5: " MD5_HELLO "\n", BODY_BLOCK, false, "hello", AZURE_OK, MD5_HELLO, ""},
    {"Content-MD5: " MD5_HELLO "\n", BODY_BLOCK, false, "hellO", AZURE_MD5_MISMATCH, NULL, NULL},
    {"Content-MD5: " MD5_EMPTY "\n", BODY_XML, true, "", AZURE_OK, MD5_EMPTY, ""},
    {"Content-MD5:\n", BODY_BLOCK, false, "123456789", AZURE_OK, "", CRC_DIGITS},
    {"x-ms-blob-content-md5: " MD5_HELLO "\n", BODY_BLOB, false, "hello", AZURE_OK, MD5_HELLO, ""},
    {"x-ms-blob-content-md5: " MD5_HELLO "\n", BODY_BLOB, false, "other", AZURE_MD5_MISMATCH, NULL, NULL},
    {"x-ms-blob-content-md5: " MD5_HELLO "\n", BODY_BLOCK, false, "123456789", AZURE_OK, "", CRC_DIGITS},
    {"x-ms-blob-content-md5: " MD5_HELLO "\n", BODY_XML, true, "", AZURE_OK, MD5_EMPTY, ""},
    {"Content-MD5: " MD5_HELLO "\nx-ms-blob-content-md5: " MD5_HELLO "\n", BODY_BLOB, true, "hello", AZURE_OK,
     MD5_HELLO, ""},
    {"Content-MD5: " MD5_HELLO "\nx-ms-blob-content-md5: " MD5_EMPTY "\n", BODY_BLOB, true, "hello",
     AZURE_MD5_MISMATCH, NULL, NULL},
    {"x-ms-content-crc64: " CRC_DIGITS "\n", BODY_BLOB, true, "123456789", AZURE_OK, "JfnnlDI7RTiF9RgfG2JNCw==",
     CRC_DIGITS},
    {"x-ms-content-crc64: " CRC_DIGITS "\n", BODY_BLOCK, false, "123456789", AZURE_OK, "", CRC_DIGITS},
    {"x-ms-content-crc64: " CRC_DIGITS "\n", BODY_BLOCK, false, "12345678", AZURE_CRC64_MISMATCH, NULL, NULL},
    {"x-ms-content-crc64: " CRC_EMPTY "\n", BODY_XML, true, "x", AZURE_CRC64_MISMATCH, NULL, NULL},
    {"x-ms-content-crc64: " CRC_DIGITS "\nx-ms-blob-content-md5: " MD5_HELLO "\n", BODY_BLOB, true, "123456789",
     AZURE_MD5_MISMATCH, NULL, NULL},
    {"x-ms-content-crc64: " CRC_DIGITS "\nContent-MD5: " MD5_HELLO "\n", BODY_BLOCK, false, "",
     AZURE_BOTH_CRC64_AND_MD5, NULL, NULL},
    {"x-ms-content-crc64: nonsense\n", BODY_BLOB, true, "", AZURE_INVALID_HEADER_VALUE, NULL, NULL},
    {"x-ms-content-crc64: " MD5_HELLO "\n", BODY_BLOB, true, "", AZURE_INVALID_HEADER_VALUE, NULL, NULL},
    {"x-ms-content-crc64: YQ==\n", BODY_XML, true, "", AZURE_INVALID_HEADER_VALUE, NULL, NULL},
    {"Content-MD5: " CRC_DIGITS "\n", BODY_BLOCK, false, "", AZURE_INVALID_MD5, NULL, NULL},
    {"x-ms-blob-content-md5: zz\n", BODY_BLOB, false, "", AZURE_INVALID_MD5, NULL, NULL},
};

static void test_rows(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CLEANUP(body_check_done) struct body_check check;
        enum azure_code code = run(ROWS[i].headers, ROWS[i].kind, ROWS[i].wants_md5, ROWS[i].body, &check);
        if (code != ROWS[i].code)
            fail_msg("row %zu: code %d", i, (int)code);
        if (code != AZURE_OK)
            continue;
        if (strcmp(check.md5_text, ROWS[i].md5) != 0 || strcmp(check.crc_text, ROWS[i].crc) != 0)
            fail_msg("row %zu: MD5 \"%s\", CRC-64 \"%s\"", i, check.md5_text, check.crc_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
