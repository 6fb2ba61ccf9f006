/* What counts as an answer of clamd: of everything hostile, nothing is clean. */
#include "../check.h"
#include "gate/reply.h"

#define NAME_OF_250                                                                                                    \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaa"                                                                                                         \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaa"

struct given {
    const char *bytes;
    size_t len;
    enum reply_kind kind;
    const char *text;
};
#define G(text) text, sizeof(text) - 1

static void a_reply_is_read_strictly(void **state)
{
    static const struct given GIVEN[] = {
        {G("fd[9]: OK"), REPLY_CLEAN, ""},
        {G("fd[0]: OK"), REPLY_CLEAN, ""},
        {G("fd[9]: Eicar-Test.UNOFFICIAL FOUND"), REPLY_FOUND, "Eicar-Test.UNOFFICIAL"},
        {G("fd[9]: A name with spaces FOUND"), REPLY_FOUND, "A name with spaces"},
        {G("fd[9]: OK FOUND"), REPLY_FOUND, "OK"},
        {G("fd[9]: Heuristics.Encrypted.Zip FOUND"), REPLY_ENCRYPTED, "Heuristics.Encrypted.Zip"},
        {G("fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND"), REPLY_LIMIT,
         "Heuristics.Limits.Exceeded.MaxFileSize"},
        {G("fd[9]: Heuristics.Limits.Exceeded FOUND"), REPLY_LIMIT, "Heuristics.Limits.Exceeded"},
        {G("fd[9]: Heuristics.Broken.Media.PNG FOUND"), REPLY_FOUND, "Heuristics.Broken.Media.PNG"},
        {G("fd[9]: Can't allocate memory ERROR"), REPLY_ERROR, "Can't allocate memory"},
        {G("No file descriptor received. ERROR"), REPLY_ERROR, "No file descriptor received."},
        {G(""), REPLY_NONSENSE, ""},
        {G("OK"), REPLY_NONSENSE, ""},
        {G("ok"), REPLY_NONSENSE, ""},
        {G("stream: OK"), REPLY_NONSENSE, ""},
        {G("/etc/passwd: OK"), REPLY_NONSENSE, ""},
        {G("fd[9]: OK "), REPLY_NONSENSE, ""},
        {G("fd[9]: OK\n"), REPLY_NONSENSE, ""},
        {G("fd[9]: OK\0"), REPLY_NONSENSE, ""},
        {G("fd[9]: OK\0OK"), REPLY_NONSENSE, ""},
        {G(" fd[9]: OK"), REPLY_NONSENSE, ""},
        {G("fd[9]:  OK"), REPLY_NONSENSE, ""},
        {G("fd[9]:OK"), REPLY_NONSENSE, ""},
        {G("fd[9] OK"), REPLY_NONSENSE, ""},
        {G("fd[]: OK"), REPLY_NONSENSE, ""},
        {G("fd[-1]: OK"), REPLY_NONSENSE, ""},
        {G("fd[9x]: OK"), REPLY_NONSENSE, ""},
        {G("fd[99999999999999999999]: OK"), REPLY_NONSENSE, ""},
        {G("fd[9]: Ok"), REPLY_NONSENSE, ""},
        {G("fd[9]: O"), REPLY_NONSENSE, ""},
        {G("fd[9]: "), REPLY_NONSENSE, ""},
        {G("fd[9]"), REPLY_NONSENSE, ""},
        {G("fd[9]: OKOK"), REPLY_NONSENSE, ""},
        {G("fd[9]: NOT OK"), REPLY_NONSENSE, ""},
        {G("fd[9]: FOUND"), REPLY_NONSENSE, ""},
        {G("fd[9]:  FOUND"), REPLY_NONSENSE, ""},
        {G("fd[9]: Eicar FOUN"), REPLY_NONSENSE, ""},
        {G("fd[9]: Eicar\x1b[2J FOUND"), REPLY_NONSENSE, ""},
        {G("fd[9]: Eicar\0Test FOUND"), REPLY_NONSENSE, ""},
        {G("fd[9]: " NAME_OF_250 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa FOUND"), REPLY_NONSENSE, ""},
        {G("Eicar FOUND"), REPLY_NONSENSE, ""},
        {G(" ERROR"), REPLY_NONSENSE, ""},
        {G("UNKNOWN COMMAND"), REPLY_NONSENSE, ""},
        {G("fd[9]: OK ERRORS"), REPLY_NONSENSE, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GIVEN); i++) {
        struct reply reply;
        reply_scan(GIVEN[i].bytes, GIVEN[i].len, &reply);
        if (reply.kind != GIVEN[i].kind || strcmp(reply.text, GIVEN[i].text) != 0)
            fail_msg("\"%s\" is read as %d \"%s\"", GIVEN[i].bytes, (int)reply.kind, reply.text);
    }
}

/* Every way to cut, lengthen or change one byte of the one good answer. */
static void nothing_near_ok_is_clean(void **state)
{
    static const char GOOD[] = "fd[9]: OK";
    char bytes[sizeof GOOD + 1];
    struct reply reply;

    (void)state;
    for (size_t len = 0; len < sizeof GOOD - 1; len++) {
        reply_scan(GOOD, len, &reply);
        assert_int_not_equal(reply.kind, REPLY_CLEAN);
    }
    for (size_t at = 0; at < sizeof GOOD - 1; at++)
        for (int c = 0; c < 256; c++) {
            if (c == GOOD[at] || (at == 3 && c >= '0' && c <= '9'))
                continue;
            memcpy(bytes, GOOD, sizeof GOOD);
            bytes[at] = (char)c;
            reply_scan(bytes, sizeof GOOD - 1, &reply);
            assert_int_not_equal(reply.kind, REPLY_CLEAN);
        }
    for (int c = 0; c < 256; c++) {
        memcpy(bytes, GOOD, sizeof GOOD);
        bytes[sizeof GOOD - 1] = (char)c;
        reply_scan(bytes, sizeof GOOD, &reply);
        assert_int_not_equal(reply.kind, REPLY_CLEAN);
    }
}

static void a_version_tells_engine_base_and_date(void **state)
{
    static const struct {
        const char *text, *engine, *base;
        int64_t base_s;
    } GIVEN[] = {
        {"ClamAV 1.4.6", "1.4.6", "", 0},
        {"ClamAV 1.4.6/27500/Mon Nov 23 08:26:24 2026", "1.4.6", "27500", 1795422384},
        {"ClamAV 1.4.6/27500/Thu Jan  1 00:00:01 1970", "1.4.6", "27500", 1},
        {"ClamAV 0.103.11/1/yesterday", "0.103.11", "1", 0},
        {"ClamAV 1.4.6/27500/Mon Foo 23 08:26:24 2026", "1.4.6", "27500", 0},
        {"ClamAV 1.4.6/27500/Mon Nov 31 08:26:24 2026", "1.4.6", "27500", 0},
        {"ClamAV 1.4.6/27500/Mon Nov 23 08:26:24 2026 ", "1.4.6", "27500", 0},
        {"ClamAV 1.4.6/27500", "1.4.6", "27500", 0},
    };
    static const char *const NONE[] = {"",
                                       "PONG",
                                       "ClamAV",
                                       "ClamAV ",
                                       "clamav 1.4.6",
                                       "ClamAV /27500/",
                                       "ClamAV 1.4\n",
                                       "ClamAV 1.4.6/27500000000000000000/",
                                       "ClamAV " NAME_OF_250};
    struct version version;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GIVEN); i++) {
        assert_true(reply_version(GIVEN[i].text, strlen(GIVEN[i].text), &version));
        assert_string_equal(version.text, GIVEN[i].text);
        assert_string_equal(version.engine, GIVEN[i].engine);
        assert_string_equal(version.base, GIVEN[i].base);
        assert_int_equal(version.base_s, GIVEN[i].base_s);
    }
    for (size_t i = 0; i < ARRAY_LEN(NONE); i++)
        assert_false(reply_version(NONE[i], strlen(NONE[i]), &version));
}

static void t45_the_report_names_engine_base_and_date(void **state)
{
    struct version version;

    (void)state;
    assert_true(reply_version(G("ClamAV 1.4.6/27500/Mon Nov 23 08:26:24 2026"), &version));
    AUTO_JSON json_t *dated = version_render(&version);
    assert_string_equal(json_text(dated, "name"), "clamav");
    assert_string_equal(json_text(dated, "version"), "1.4.6");
    assert_string_equal(json_text(dated, "base"), "27500");
    assert_string_equal(json_text(dated, "baseDate"), "2026-11-23T08:26:24Z");

    assert_true(reply_version(G("ClamAV 1.4.6"), &version));
    AUTO_JSON json_t *undated = version_render(&version);
    assert_null(json_object_get(undated, "base"));
    assert_null(json_object_get(undated, "baseDate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_read_strictly),
        cmocka_unit_test(nothing_near_ok_is_clean),
        cmocka_unit_test(a_version_tells_engine_base_and_date),
        cmocka_unit_test(t45_the_report_names_engine_base_and_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
