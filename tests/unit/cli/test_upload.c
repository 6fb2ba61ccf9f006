/* How a file becomes blocks, and what a second run still has to send. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/upload_plan.h"

#define MIB ((uint64_t)1024 * 1024)

static void chooses_block_sizes(void **state)
{
    (void)state;
    assert_int_equal(upload_block_size(1), 8 * MIB);
    assert_int_equal(upload_block_size(50000 * 8 * MIB), 8 * MIB);
    assert_int_equal(upload_block_size(50000 * 8 * MIB + 1), 16 * MIB);
    assert_int_equal(upload_block_size(50000 * BLOCK_SIZE_MAX), BLOCK_SIZE_MAX);
    assert_int_equal(upload_block_size(50000 * BLOCK_SIZE_MAX + 1), 0);
    assert_int_equal(upload_block_count(0, 8 * MIB), 0);
    assert_int_equal(upload_block_count(8 * MIB, 8 * MIB), 1);
    assert_int_equal(upload_block_count(8 * MIB + 1, 8 * MIB), 2);
    assert_int_equal(upload_block_len(8 * MIB + 1, 8 * MIB, 0), 8 * MIB);
    assert_int_equal(upload_block_len(8 * MIB + 1, 8 * MIB, 1), 1);
}

static void derives_ids_from_content_and_place(void **state)
{
    unsigned char digest[SHA256_SIZE];
    unsigned char raw[64];
    char id[BLOCK_ID_SIZE];
    char other[BLOCK_ID_SIZE];
    size_t len;

    (void)state;
    sha256("abc", 3, digest);
    upload_block_id(258, digest, id);
    assert_int_equal(strlen(id), BLOCK_ID_LEN);
    assert_true(base64_decode(id, strlen(id), raw, sizeof raw, &len));
    assert_int_equal(len, 36);
    assert_memory_equal(raw, "\0\0\1\2", 4);
    assert_memory_equal(raw + 4, digest, SHA256_SIZE);
    upload_block_id(259, digest, other);
    assert_string_not_equal(id, other);
    digest[31] ^= 1;
    upload_block_id(258, digest, other);
    assert_string_not_equal(id, other);
}

static void make_id(uint64_t index, const char *content, char id[static BLOCK_ID_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    sha256(content, strlen(content), digest);
    upload_block_id(index, digest, id);
}

static void sends_only_what_is_missing(void **state)
{
    char a[BLOCK_ID_SIZE], b[BLOCK_ID_SIZE], c[BLOCK_ID_SIZE];

    (void)state;
    make_id(0, "first", a);
    make_id(1, "second", b);
    make_id(2, "third", c);
    struct block_entry entries[] = {{c, 5, true}, {b, 6, false}, {a, 5, true}, {a, 5, false}};
    struct block_list there = {.count = ARRAY_LEN(entries), .items = entries};
    upload_sort_blocks(&there);
    assert_true(upload_has_block(&there, a, 5));
    assert_true(upload_has_block(&there, b, 6));
    assert_false(upload_has_block(&there, b, 7));
    assert_false(upload_has_block(&there, c, 5)); /* committed only */
    char changed[BLOCK_ID_SIZE];
    make_id(1, "changed", changed);
    assert_false(upload_has_block(&there, changed, 6));
    assert_false(upload_has_block(&(struct block_list){0}, a, 5));
}

static void notices_blocks_of_others(void **state)
{
    char a[BLOCK_ID_SIZE];

    (void)state;
    make_id(0, "first", a);
    struct block_entry entries[] = {{a, 5, false}, {(char *)(uintptr_t) "AAAA", 5, true}};
    struct block_list there = {.count = 2, .items = entries};
    assert_false(upload_has_foreign_blocks(&there));
    entries[1].committed = false;
    assert_true(upload_has_foreign_blocks(&there));
}

static void writes_the_block_list(void **state)
{
    AUTO_STR struct str xml = STR_INIT(4096);
    static const char IDS[2][BLOCK_ID_SIZE] = {"AAAA", "BB+/"};

    (void)state;
    upload_append_list(&xml, IDS, 2);
    assert_string_equal(str_text(&xml), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList><Latest>AAAA</Latest>"
                                        "<Latest>BB+/</Latest></BlockList>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_block_sizes),        cmocka_unit_test(derives_ids_from_content_and_place),
        cmocka_unit_test(sends_only_what_is_missing), cmocka_unit_test(notices_blocks_of_others),
        cmocka_unit_test(writes_the_block_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
