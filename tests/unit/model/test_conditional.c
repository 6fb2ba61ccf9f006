/* Conditional requests: RFC 9110's precedence, Azure's refusals, whole seconds. */
#include "../check.h"

#include "model/conditional.h"

#define ETAG "0x8D1"
#define DATE "Sun, 22 Nov 2026 14:33:01 GMT"
#define EARLIER "Sun, 22 Nov 2026 14:33:00 GMT"
#define LATER "Sun, 22 Nov 2026 14:33:02 GMT"
#define MODIFIED_US 1795357981900000 /* DATE and 0.9 s */

enum { WRITE = 0, READ = 1 };
enum { MISSING = 0, EXISTS = 1 };

static const struct row {
    const char *what;
    struct conditional conditional;
    int exists;
    int is_read;
    int code;
} ROWS[] = {
    {"no condition, read", {0}, EXISTS, READ, 0},
    {"no condition, new", {0}, MISSING, WRITE, 0},
    {"empty headers", {.if_match = "", .if_none_match = ""}, EXISTS, WRITE, 0},

    {"If-Match, same", {.if_match = "\"0x8D1\""}, EXISTS, READ, 0},
    {"If-Match, bare tag", {.if_match = "0x8D1"}, EXISTS, WRITE, 0},
    {"If-Match, other", {.if_match = "\"0x8D2\""}, EXISTS, READ, E_CONDITION},
    {"If-Match, in a list", {.if_match = "\"a\", \"0x8D1\" ,\"b\""}, EXISTS, WRITE, 0},
    {"If-Match, a prefix", {.if_match = "\"0x8D\""}, EXISTS, WRITE, E_CONDITION},
    {"If-Match, weak", {.if_match = "W/\"0x8D1\""}, EXISTS, WRITE, E_CONDITION},
    {"If-Match, any", {.if_match = "*"}, EXISTS, WRITE, 0},
    {"If-Match, any, missing", {.if_match = "*"}, MISSING, WRITE, E_CONDITION},
    {"If-Match, empty tag, missing", {.if_match = "\"\""}, MISSING, WRITE, E_CONDITION},
    {"If-Match, malformed", {.if_match = "\"0x8D1"}, EXISTS, WRITE, E_BAD_REQUEST},
    {"If-Match, malformed list", {.if_match = "\"a\" \"b\""}, EXISTS, WRITE, E_BAD_REQUEST},
    {"If-Match, bare list", {.if_match = "a,b"}, EXISTS, WRITE, E_BAD_REQUEST},

    {"If-None-Match, same, read", {.if_none_match = "\"0x8D1\""}, EXISTS, READ, E_NOT_MODIFIED},
    {"If-None-Match, weak, read", {.if_none_match = "W/\"0x8D1\""}, EXISTS, READ, E_NOT_MODIFIED},
    {"If-None-Match, same, write", {.if_none_match = "\"0x8D1\""}, EXISTS, WRITE, E_CONDITION},
    {"If-None-Match, other", {.if_none_match = "\"0x8D2\""}, EXISTS, READ, 0},
    {"If-None-Match, any, write", {.if_none_match = "*"}, EXISTS, WRITE, E_BLOB_EXISTS},
    {"If-None-Match, any, new", {.if_none_match = "*"}, MISSING, WRITE, 0},
    {"If-None-Match, any, read", {.if_none_match = "*"}, EXISTS, READ, E_CONDITION_UNSATISFIABLE},

    {"If-Modified-Since, same second", {.if_modified_since = DATE}, EXISTS, READ, E_NOT_MODIFIED},
    {"If-Modified-Since, earlier", {.if_modified_since = EARLIER}, EXISTS, READ, 0},
    {"If-Modified-Since, later, write", {.if_modified_since = LATER}, EXISTS, WRITE, E_CONDITION},
    {"If-Modified-Since, new", {.if_modified_since = LATER}, MISSING, WRITE, 0},
    {"If-Modified-Since, malformed", {.if_modified_since = "2026-11-22"}, EXISTS, READ, E_BAD_REQUEST},

    {"If-Unmodified-Since, same second", {.if_unmodified_since = DATE}, EXISTS, READ, 0},
    {"If-Unmodified-Since, earlier", {.if_unmodified_since = EARLIER}, EXISTS, READ, E_CONDITION},
    {"If-Unmodified-Since, new", {.if_unmodified_since = EARLIER}, MISSING, WRITE, 0},
    {"If-Unmodified-Since, malformed", {.if_unmodified_since = "x"}, MISSING, WRITE, E_BAD_REQUEST},

    {"the tag decides, not the date", {.if_match = "\"0x8D1\"", .if_unmodified_since = EARLIER}, EXISTS, WRITE, 0},
    {"the tag decides, not the date", {.if_none_match = "\"0x8D2\"", .if_modified_since = LATER}, EXISTS, READ, 0},
    {"positive and negative, write",
     {.if_match = "\"0x8D1\"", .if_none_match = "\"0x8D2\""},
     EXISTS,
     WRITE,
     E_CONDITION_MULTIPLE},
    {"positive and negative, read",
     {.if_match = "\"0x8D1\"", .if_none_match = "\"0x8D1\""},
     EXISTS,
     READ,
     E_NOT_MODIFIED},
    {"the positive one first", {.if_match = "\"0x8D2\"", .if_none_match = "\"0x8D1\""}, EXISTS, READ, E_CONDITION},
};

static void test_table(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct error err = {0};
        const struct row *row = &ROWS[i];
        int r = conditional_check(&row->conditional, row->exists, row->exists ? ETAG : NULL, MODIFIED_US, row->is_read,
                                  &err);
        if (r != row->code || (r < 0 && err.code != r))
            fail_msg("%s (%s, %s): %s instead of %s", row->what, row->exists ? "exists" : "missing",
                     row->is_read ? "read" : "write", r ? error_name(r) : "ok",
                     row->code ? error_name(row->code) : "ok");
    }
}

static void test_json(void **state UNUSED)
{
    struct conditional sent = {.if_match = "\"a\"", .if_unmodified_since = DATE, .if_none_match = ""};
    AUTO_JSON json_t *object = conditional_to_json(&sent);
    struct conditional got;
    struct error err = {0};

    assert_int_equal(json_object_size(object), 2);
    assert_int_equal(conditional_from_json(object, &got, &err), 0);
    assert_string_equal(got.if_match, "\"a\"");
    assert_string_equal(got.if_unmodified_since, DATE);
    assert_null(got.if_none_match);
    assert_null(got.if_modified_since);
    assert_null(conditional_to_json(&(struct conditional){0}));
    assert_int_equal(conditional_from_json(NULL, &got, &err), 0);
    assert_null(got.if_match);

    AUTO_JSON json_t *wrong = json_pack("{s:i}", "ifMatch", 1);
    assert_int_equal(conditional_from_json(wrong, &got, &err), E_INVALID);
}

/* Entity tags as sent: what they are, judged by eye. */
static const struct tag_form {
    const char *text;
    bool is_any, is_bad;
    bool matches_strong, matches_weak; /* ETAG */
} TAGS[] = {
    {NULL, false, false, false, false},
    {"\"0x8D1\"", false, false, true, true},
    {"\"0x8D2\"", false, false, false, false},
    {"W/\"0x8D1\"", false, false, false, true},
    {"W/\"0x8D2\"", false, false, false, false},
    {"\"x\", \"0x8D1\", W/\"y\"", false, false, true, true},
    {"\"x\",W/\"0x8D1\"", false, false, false, true},
    {"\"x\", \"y\"", false, false, false, false},
    {"*", true, false, false, false},
    {"\"0x8D1", false, true, false, false},
    {"\"x\" \"0x8D1\"", false, true, false, false},
};

/* Dates as sent, beside a blob of DATE and nine tenths: order is of whole seconds. */
static const struct date_form {
    const char *text;
    bool is_bad;
    int order; /* of the header: before, same second, after */
} DATES[] = {
    {NULL, false, 0}, {EARLIER, false, -1}, {DATE, false, 0}, {LATER, false, 1}, {"2026-11-22T14:33:01Z", true, 0},
};

/* RFC 9110 section 13.2.2 step by step, with Azure's refusals. */
static int oracle(const struct tag_form *match, const struct tag_form *none, const struct date_form *modified,
                  const struct date_form *unmodified, bool exists, bool is_read)
{
    int seen = is_read ? E_NOT_MODIFIED : E_CONDITION;

    if (!is_read && (match->text || unmodified->text) && (none->text || modified->text))
        return E_CONDITION_MULTIPLE;
    if (match->text && match->is_bad)
        return E_BAD_REQUEST;
    if (match->text && !(exists && (match->is_any || match->matches_strong)))
        return E_CONDITION;
    if (!match->text && unmodified->text && unmodified->is_bad)
        return E_BAD_REQUEST;
    if (!match->text && unmodified->text && exists && unmodified->order < 0)
        return E_CONDITION;
    if (none->text && none->is_any)
        return is_read ? E_CONDITION_UNSATISFIABLE : exists ? E_BLOB_EXISTS : 0;
    if (none->text)
        return none->is_bad ? E_BAD_REQUEST : exists && none->matches_weak ? seen : 0;
    if (modified->text)
        return modified->is_bad ? E_BAD_REQUEST : exists && modified->order >= 0 ? seen : 0;
    return 0;
}

static int check_one(size_t m, size_t n, size_t s, size_t u, bool exists, bool is_read)
{
    const struct conditional c = {.if_match = TAGS[m].text,
                                  .if_none_match = TAGS[n].text,
                                  .if_modified_since = DATES[s].text,
                                  .if_unmodified_since = DATES[u].text};
    int wanted = oracle(&TAGS[m], &TAGS[n], &DATES[s], &DATES[u], exists, is_read);
    struct error err = {0};
    int got = conditional_check(&c, exists, ETAG, MODIFIED_US, is_read, &err);
    if (got != wanted)
        fail_msg("%s of %s blob, If-Match %s, If-None-Match %s, since %s, unmodified %s: %d, not %d",
                 is_read ? "read" : "write", exists ? "a" : "no", c.if_match, c.if_none_match, c.if_modified_since,
                 c.if_unmodified_since, got, wanted);
    return 1;
}

static void t22_every_combination(void **state)
{
    (void)state;
    int cases = 0;
    for (size_t m = 0; m < ARRAY_LEN(TAGS); m++)
        for (size_t n = 0; n < ARRAY_LEN(TAGS); n++)
            for (size_t d = 0; d < ARRAY_LEN(DATES) * ARRAY_LEN(DATES); d++)
                for (int kind = 0; kind < 4; kind++)
                    cases += check_one(m, n, d % ARRAY_LEN(DATES), d / ARRAY_LEN(DATES), kind & 1, kind & 2);
    assert_int_equal(cases, 11 * 11 * 5 * 5 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t22_every_combination),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
