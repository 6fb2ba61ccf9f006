/* Ranges and extents: boundaries of 64-bit arithmetic, and that no piece ever leaves the blob. */
#include "check.h"

#include "blob/extents.h"
#include "blob/range.h"

#define A "11111111-1111-4111-8111-111111111111"
#define B "22222222-2222-4222-8222-222222222222"

static const struct row {
    const char *text;
    uint64_t size;
    enum range_kind kind;
    uint64_t first;
    uint64_t length;
} ROWS[] = {
    {NULL, 10, RANGE_WHOLE, 0, 10},
    {"", 10, RANGE_WHOLE, 0, 10},
    {"bytes=0-0", 10, RANGE_PART, 0, 1},
    {"bytes=0-9", 10, RANGE_PART, 0, 10},
    {"bytes=0-10", 10, RANGE_PART, 0, 10},
    {"bytes=9-9", 10, RANGE_PART, 9, 1},
    {"bytes=3-", 10, RANGE_PART, 3, 7},
    {"Bytes=3-4", 10, RANGE_PART, 3, 2},
    {"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-33554431", 0, RANGE_UNSATISFIABLE, 0, 0},

    {"bytes=-5", 10, RANGE_WHOLE, 0, 10},
    {"bytes=-0", 10, RANGE_WHOLE, 0, 10},
    {"bytes=-", 10, RANGE_WHOLE, 0, 10},
    {"bytes=5", 10, RANGE_WHOLE, 0, 10},
    {"bytes=5-4", 10, RANGE_WHOLE, 0, 10},
    {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10},
    {"bytes=0-1 ", 10, RANGE_WHOLE, 0, 10},
    {"bytes= 0-1", 10, RANGE_WHOLE, 0, 10},
    {"bytes=+1-2", 10, RANGE_WHOLE, 0, 10},
    {"bytes=0x1-2", 10, RANGE_WHOLE, 0, 10},
    {"bits=0-1", 10, RANGE_WHOLE, 0, 10},

    {"bytes=2147483647-2147483648", 1ULL << 32, RANGE_PART, 2147483647, 2},
    {"bytes=4294967295-4294967296", 1ULL << 33, RANGE_PART, 4294967295, 2},
    {"bytes=9007199254740991-9007199254740993", 1ULL << 54, RANGE_PART, 9007199254740991, 3},
    {"bytes=9223372036854775806-9223372036854775808", 1ULL << 63, RANGE_PART, 9223372036854775806, 2},
    {"bytes=0-18446744073709551614", 10, RANGE_PART, 0, 10},
    {"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
    {"bytes=0-18446744073709551616", 10, RANGE_PART, 0, 10},
    {"bytes=1-99999999999999999999999999", 10, RANGE_PART, 1, 9},
    {"bytes=18446744073709551615-", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=18446744073709551616-", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=99999999999999999999999999-99999999999999999999999999", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-18446744073709551615", UINT64_MAX, RANGE_PART, 0, UINT64_MAX},
    {"bytes=18446744073709551614-", UINT64_MAX, RANGE_PART, UINT64_MAX - 1, 1},
    {"bytes=18446744073709551615-", UINT64_MAX, RANGE_UNSATISFIABLE, 0, 0},
};

static void test_ranges(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct range range = {0};
        enum range_kind kind = range_parse(row->text, row->size, &range);
        if (kind != row->kind ||
            (kind != RANGE_UNSATISFIABLE && (range.first != row->first || range.length != row->length)))
            fail_msg("%s of %llu: kind %d, %llu + %llu", row->text ? row->text : "(none)",
                     (unsigned long long)row->size, (int)kind, (unsigned long long)range.first,
                     (unsigned long long)range.length);
    }
}

/* A thousand ranges are not more than one. */
static void test_many_ranges(void **state UNUSED)
{
    AUTO_STR struct str text = STR_INIT(65536);
    struct range range;

    str_append(&text, "bytes=0-1");
    for (int i = 0; i < 1000; i++)
        str_append(&text, ",0-1");
    assert_int_equal(range_parse(str_text(&text), 100, &range), RANGE_WHOLE);
    assert_int_equal(range.length, 100);
}

static void assert_pieces(const struct extents *extents, uint64_t first, uint64_t length, const struct extent *wanted,
                          size_t count)
{
    struct range range = {first, length};
    struct extent_cursor cursor;
    struct extent piece;

    extent_cursor_init(&cursor, extents, &range);
    for (size_t i = 0; i < count; i++) {
        assert_true(extent_cursor_next(&cursor, &piece));
        assert_string_equal(piece.object, wanted[i].object);
        assert_int_equal(piece.offset, wanted[i].offset);
        assert_int_equal(piece.length, wanted[i].length);
    }
    assert_false(extent_cursor_next(&cursor, &piece));
}

static void test_pieces(void **state UNUSED)
{
    AUTO_JSON json_t *array = json_pack("[[s,i,i],[s,i,i],[s,i,i]]", A, 100, 10, B, 0, 5, A, 0, 20);
    struct extents extents;
    struct error err = {0};

    assert_int_equal(extents_from_json(array, 0, 35, &extents, &err), 0);
    assert_pieces(&extents, 0, 35, (struct extent[]){{A, 100, 10}, {B, 0, 5}, {A, 0, 20}}, 3);
    assert_pieces(&extents, 0, 1, (struct extent[]){{A, 100, 1}}, 1);
    assert_pieces(&extents, 9, 2, (struct extent[]){{A, 109, 1}, {B, 0, 1}}, 2);
    assert_pieces(&extents, 10, 5, (struct extent[]){{B, 0, 5}}, 1);
    assert_pieces(&extents, 12, 10, (struct extent[]){{B, 2, 3}, {A, 0, 7}}, 2);
    assert_pieces(&extents, 34, 1, (struct extent[]){{A, 19, 1}}, 1);
    extents_done(&extents);
}

static void test_empty(void **state UNUSED)
{
    AUTO_JSON json_t *object = json_pack("[[s,i,i]]", A, 0, 0);
    AUTO_JSON json_t *nothing = json_array();
    struct extents extents;
    struct error err = {0};

    assert_int_equal(extents_from_json(object, 0, 0, &extents, &err), 0);
    assert_pieces(&extents, 0, 0, NULL, 0);
    extents_done(&extents);
    assert_int_equal(extents_from_json(nothing, 0, 0, &extents, &err), 0);
    assert_pieces(&extents, 0, 0, NULL, 0);
    extents_done(&extents);
}

/* Core names the extents that a range touches, and where the first of them begins. */
static void test_extents_of_a_range(void **state UNUSED)
{
    AUTO_JSON json_t *array = json_pack("[[s,i,i],[s,i,i]]", A, 100, 10, A, 0, 20);
    struct extents extents;

    assert_int_equal(extents_from_json(array, 50, 80, &extents, NULL), 0);
    assert_pieces(&extents, 50, 30, (struct extent[]){{A, 100, 10}, {A, 0, 20}}, 2);
    assert_pieces(&extents, 55, 10, (struct extent[]){{A, 105, 5}, {A, 0, 5}}, 2);
    assert_true(extents_are_one_object(&extents));
    assert_true(extents_cover(&extents, &(struct range){50, 30}));
    assert_true(extents_cover(&extents, &(struct range){79, 1}));
    assert_true(extents_cover(&extents, &(struct range){0, 0}));
    assert_false(extents_cover(&extents, &(struct range){49, 2}));
    assert_false(extents_cover(&extents, &(struct range){50, 31}));
    assert_false(extents_cover(&extents, &(struct range){80, 1}));
    assert_false(extents_cover(&extents, &(struct range){60, UINT64_MAX}));
    extents_done(&extents);
    assert_int_equal(extents_from_json(array, 51, 80, &extents, NULL), E_INTERNAL);
    assert_int_equal(extents_from_json(array, -1, 80, &extents, NULL), E_INTERNAL);
}

static void test_malformed_extents(void **state UNUSED)
{
    static const char *const TEXTS[] = {
        "[[\"" A "\",0,11]]", /* longer than the blob */
        "[[\"" A "\",-1,10]]",
        "[[\"" A "\",0,-10]]",
        "[[\"../../../etc/passwd\",0,10]]",
        "[[\"" A "\",9223372036854775807,10]]",
        "[[\"" A "\",0,9223372036854775807],[\"" A "\",0,9223372036854775807],[\"" A "\",0,12]]", /* wraps to 10 */
        "[[10,0,\"" A "\"]]",
        "[null]",
    };

    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        AUTO_JSON json_t *array = json_loads(TEXTS[i], 0, NULL);
        struct extents extents;
        assert_non_null(array);
        if (extents_from_json(array, 0, 10, &extents, NULL) != E_INTERNAL)
            fail_msg("%s was taken", TEXTS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_many_ranges),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_malformed_extents),
        cmocka_unit_test(test_extents_of_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
