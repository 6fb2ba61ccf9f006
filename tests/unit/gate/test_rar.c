/* RAR files made here byte by byte, since no free program writes them: plain ones are walked, and T37 for encrypted
 * ones of both versions. */
#include "../check.h"
#include "gate/inspect.h"
#include "gate/walk.h"
#include "raw_zip.h"

#define MARKER "the marker that a scanner would find\n"
#define RAR4 "Rar!\x1a\x07\0"
#define RAR5 "Rar!\x1a\x07\1\0"
#define STUB_LEN ((size_t)0x10400) /* of a self-extracting program */

enum { RAR4_MAIN_PASSWORD = 0x80, RAR4_FILE_PASSWORD = 0x04, RAR4_FILE_SALT = 0x400, RAR4_LONG = 0x8000 };
enum { RAR5_MAIN = 1, RAR5_FILE = 2, RAR5_SERVICE = 3, RAR5_CRYPT = 4, RAR5_END = 5 };
enum { RAR5_EXTRA = 1, RAR5_DATA = 2, RAR5_FILE_CRC = 4 };

/* How a RAR5 member is written. */
struct rar5_member {
    bool encrypted, crc;
    int type; /* RAR5_FILE, or RAR5_SERVICE */
};

/* Appends head with the 16 bits of its checksum in front. */
static void rar4_block(struct str *out, const struct str *head)
{
    raw_le16(out, raw_crc32(head->p, head->len) & 0xffff);
    str_append_len(out, head->p, head->len);
}

static void rar4_begin(struct str *out, unsigned flags)
{
    AUTO_STR struct str head = STR_INIT(64);

    str_append_len(out, RAR4, 7);
    str_append_char(&head, 0x73);
    raw_le16(&head, flags);
    raw_le16(&head, 13);
    str_append_len(&head, "\0\0\0\0\0\0", 6);
    rar4_block(out, &head);
}

/* A stored member. */
static void rar4_file(struct str *out, unsigned flags, const char *data)
{
    AUTO_STR struct str head = STR_INIT(64);
    bool salted = flags & RAR4_FILE_SALT;

    str_append_char(&head, 0x74);
    raw_le16(&head, RAR4_LONG | flags);
    raw_le16(&head, salted ? 32 + 5 + 8 : 32 + 5);
    raw_le32(&head, (uint32_t)strlen(data));
    raw_le32(&head, (uint32_t)strlen(data));
    str_append_char(&head, 3);
    raw_le32(&head, raw_crc32(data, strlen(data)));
    raw_le32(&head, 0x58000000);
    str_append_len(&head, "\x1d\x30", 2); /* version 2.9, stored */
    raw_le16(&head, 5);
    raw_le32(&head, 0100644);
    str_append(&head, "x.csv");
    if (salted)
        str_append(&head, "saltsalt");
    rar4_block(out, &head);
    str_append(out, data);
}

static void vint(struct str *out, size_t value)
{
    for (; value > 0x7f; value >>= 7)
        str_append_char(out, (char)(value | 0x80));
    str_append_char(out, (char)value);
}

/* Appends a block: its checksum and size, then type and flags, the sizes of what follows it, body and extra. */
static void rar5_block(struct str *out, size_t type, const struct str *body, const struct str *extra, const char *data)
{
    AUTO_STR struct str head = STR_INIT(4096), sized = STR_INIT(4096);

    vint(&head, type);
    vint(&head, (extra->len > 0 ? RAR5_EXTRA : 0U) | (data ? RAR5_DATA : 0U));
    if (extra->len > 0)
        vint(&head, extra->len);
    if (data)
        vint(&head, strlen(data));
    str_append_len(&head, str_text(body), body->len);
    str_append_len(&head, str_text(extra), extra->len);
    vint(&sized, head.len);
    str_append_len(&sized, head.p, head.len);
    raw_le32(out, raw_crc32(sized.p, sized.len));
    str_append_len(out, sized.p, sized.len);
    str_append(out, data ? data : "");
}

static void rar5_begin(struct str *out, bool encrypted)
{
    AUTO_STR struct str body = STR_INIT(64), none = STR_INIT(64), crypt = STR_INIT(64);

    str_append_len(out, RAR5, 8);
    str_append_len(&crypt, "\0\0\x0f", 3);
    str_append(&crypt, "saltsaltsaltsalt");
    if (encrypted)
        rar5_block(out, RAR5_CRYPT, &crypt, &none, NULL);
    str_append_char(&body, 0);
    rar5_block(out, RAR5_MAIN, &body, &none, NULL);
}

static void rar5_member(struct str *out, const struct rar5_member *how, const char *name, const char *data)
{
    AUTO_STR struct str body = STR_INIT(1024), extra = STR_INIT(1024);

    vint(&body, how->crc ? RAR5_FILE_CRC : 0U);
    vint(&body, strlen(data));
    vint(&body, 0644);
    if (how->crc)
        raw_le32(&body, raw_crc32(data, strlen(data)));
    str_append_len(&body, "\0\1", 2); /* stored, on Unix */
    vint(&body, strlen(name));
    str_append(&body, name);
    if (how->encrypted) { /* after another record: 36 bytes, of type 1 */
        str_append_len(&extra, "\3\x70zz\x24\1\0\0\x0f", 9);
        str_append(&extra, "saltsaltsaltsaltvectvectvectvect");
    }
    rar5_block(out, (size_t)how->type, &body, &extra, data);
}

static void rar5_end(struct str *out)
{
    AUTO_STR struct str body = STR_INIT(64), none = STR_INIT(64);

    str_append_char(&body, 0);
    rar5_block(out, RAR5_END, &body, &none, NULL);
}

static int count_markers(void *ctx, const struct member *member, struct error *err)
{
    char bytes[sizeof MARKER] = "";

    (void)err;
    if (pread(member->fd, bytes, sizeof bytes - 1, 0) == sizeof bytes - 1 && strcmp(bytes, MARKER) == 0)
        ++*(int *)ctx;
    return 0;
}

/* As the malware gate walks it. */
static int scan(struct bench *bench, int *ret_markers)
{
    const struct walk walk = {.visit = count_markers, .ctx = ret_markers};

    *ret_markers = 0;
    return walk_members(&bench->check, &walk, NULL);
}

static void expect_plain(const struct str *rar, int markers)
{
    AUTO_BENCH struct bench bench;
    int found;

    bench_init(&bench, "a.rar", rar->p, rar->len);
    assert_int_equal(scan(&bench, &found), 0);
    assert_int_equal(found, markers);
    assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
    assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), VERDICT_PASS);
}

static void expect_encrypted(const char *what, const struct str *rar)
{
    AUTO_BENCH struct bench bench;
    int found;

    bench_init(&bench, "a.rar", rar->p, rar->len);
    int missed = scan(&bench, &found);
    if (missed != WALK_ENCRYPTED)
        fail_msg("%s: missed %d, markers %d", what, missed, found);
    assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
    assert_true(report_count(bench.report, FINDING_ARCHIVE_ENCRYPTED) > 0);
    assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), VERDICT_BLOCK);
}

static const struct rar5_member PLAIN = {.crc = true, .type = RAR5_FILE};

static void plain_files_are_walked(void **state)
{
    AUTO_STR struct str old = STR_INIT(4096), new = STR_INIT(4096);
    (void)state;
    rar4_begin(&old, 0);
    rar4_file(&old, 0, MARKER);
    expect_plain(&old, 1);
    rar5_begin(&new, false);
    rar5_member(&new, &PLAIN, "x.csv", MARKER);
    rar5_member(&new, &(struct rar5_member){.type = RAR5_SERVICE}, "CMT", "a comment");
    rar5_member(&new, &(struct rar5_member){.type = RAR5_FILE}, "y.csv", MARKER);
    rar5_end(&new);
    expect_plain(&new, 2);
}

static void t37_an_encrypted_rar4_blocks(void **state)
{
    static const unsigned FLAGS[] = {RAR4_FILE_PASSWORD, RAR4_FILE_PASSWORD | RAR4_FILE_SALT};
    AUTO_STR struct str names = STR_INIT(4096);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++) {
        AUTO_STR struct str data = STR_INIT(4096);
        rar4_begin(&data, 0);
        rar4_file(&data, FLAGS[i], MARKER);
        expect_encrypted("rar4 data", &data);
    }
    rar4_begin(&names, RAR4_MAIN_PASSWORD);
    str_append(&names, "saltsalt and then what nobody can read");
    expect_encrypted("rar4 names", &names);
}

static void t37_an_encrypted_rar5_blocks(void **state)
{
    static const struct rar5_member HOW[] = {
        {.encrypted = true, .crc = true, .type = RAR5_FILE},
        {.encrypted = true, .crc = false, .type = RAR5_FILE}, /* nothing would be wrong about its bytes */
        {.encrypted = true, .crc = false, .type = RAR5_SERVICE},
    };
    AUTO_STR struct str names = STR_INIT(4096);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(HOW); i++) {
        AUTO_STR struct str data = STR_INIT(4096);
        rar5_begin(&data, false);
        rar5_member(&data, &PLAIN, "x.csv", MARKER);
        rar5_member(&data, &HOW[i], "y.csv", "cipher");
        rar5_end(&data);
        expect_encrypted("rar5 data", &data);
    }
    rar5_begin(&names, true);
    expect_encrypted("rar5 names", &names);
}

static void t37_an_encrypted_rar5_in_a_program_blocks(void **state)
{
    AUTO_STR struct str rar = STR_INIT(STUB_LEN + 4096), plain = STR_INIT(STUB_LEN + 4096);
    AUTO_FREE char *stub = xcalloc(1, STUB_LEN);
    (void)state;
    memcpy(stub, "MZ", 2);
    memcpy(stub + 1000, RAR5, 8); /* the program looks for it by itself */
    memcpy(stub + 1008, "and goes on", 11);
    str_append_len(&rar, stub, STUB_LEN);
    rar5_begin(&rar, false);
    rar5_member(&rar, &(struct rar5_member){.encrypted = true, .type = RAR5_FILE}, "x.csv", "cipher");
    rar5_end(&rar);
    expect_encrypted("in a program", &rar);
    str_append_len(&plain, stub, STUB_LEN);
    rar5_begin(&plain, false);
    rar5_member(&plain, &PLAIN, "x.csv", MARKER);
    rar5_end(&plain);
    expect_plain(&plain, 1);
}

static void t38_more_blocks_than_members_may_be_are_not_followed(void **state)
{
    AUTO_STR struct str rar = STR_INIT(1 << 20);
    AUTO_BENCH struct bench bench;
    int found;
    (void)state;
    rar5_begin(&rar, false);
    for (int i = 0; i < 100; i++)
        rar5_member(&rar, &(struct rar5_member){.type = RAR5_SERVICE}, "CMT", "");
    rar5_end(&rar);
    bench_init(&bench, "a.rar", rar.p, rar.len);
    bench.policy.number[GATE_POLICY_ARCHIVE_MEMBERS] = 10;
    assert_int_equal(scan(&bench, &found), WALK_LIMIT);
    assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
    assert_int_equal(report_count(bench.report, FINDING_ARCHIVE_MEMBERS), 1);
}

static int begin(void **state)
{
    (void)state;
    return inspect_prepare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_are_walked),
        cmocka_unit_test(t37_an_encrypted_rar4_blocks),
        cmocka_unit_test(t37_an_encrypted_rar5_blocks),
        cmocka_unit_test(t37_an_encrypted_rar5_in_a_program_blocks),
        cmocka_unit_test(t38_more_blocks_than_members_may_be_are_not_followed),
    };
    return cmocka_run_group_tests_name("gate/rar", tests, begin, NULL);
}
