/* Hosts and paths: one decoding, one meaning, and names that are never paths of files. */
#include "check.h"

#include "blob/location.h"

#define C "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a10"
#define PATH_HOST "127.0.0.1:8401"

static const struct {
    const char *host;
    const char *path;
    const char *account;
    const char *container; /* "" at account level */
    const char *blob;      /* NULL above a blob */
} READ[] = {
    {PATH_HOST, "/stalimex", "stalimex", "", NULL},
    {PATH_HOST, "/stalimex/", "stalimex", "", NULL},
    {PATH_HOST, "/stalimex/" C, "stalimex", C, NULL},
    {PATH_HOST, "/stalimex/" C "/", "stalimex", C, NULL},
    {PATH_HOST, "/stalimex/" C "/b", "stalimex", C, "b"},
    {"airlock.example", "/stalimex/" C "/b", "stalimex", C, "b"},
    {"stalimex.blob.airlock.example:8443", "/" C "/b", "stalimex", C, "b"},
    {"STALimex.BLOB.airlock.example", "/" C, "stalimex", C, NULL},
    {"stalimex.blob.airlock.example", "/", "stalimex", "", NULL},
    {"stalimex.web.blob.example", "/stalimapp/" C, "stalimapp", C, NULL},
    {"", "/stalimex/" C "/b", "stalimex", C, "b"},

    /* the three spellings that clients send of one name */
    {PATH_HOST, "/stalimex/" C "/dir%2F%C3%BC%20+%25.txt", "stalimex", C, "dir/\xc3\xbc +%.txt"},
    {PATH_HOST, "/stalimex/" C "/dir/%C3%BC%20%2B%25.txt", "stalimex", C, "dir/\xc3\xbc +%.txt"},
    {PATH_HOST, "/stalimex/" C "/dir/%C3%BC%20+%25.txt", "stalimex", C, "dir/\xc3\xbc +%.txt"},
    {PATH_HOST, "%2Fstalimex%2F" C "%2Fb", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex%2F" C "%2Fb", "stalimex", C, "b"},
    {PATH_HOST, "/stalimex/" C "/a%5Cb\\c", "stalimex", C, "a/b/c"},

    /* never decoded twice, never resolved */
    {PATH_HOST, "/stalimex/" C "/%252e%252e", "stalimex", C, "%2e%2e"},
    {PATH_HOST, "/stalimex/" C "/..", "stalimex", C, ".."},
    {PATH_HOST, "/stalimex/" C "/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "stalimex", C, "../../etc/passwd"},
    {PATH_HOST, "/stalimex/" C "/a/./b/../c", "stalimex", C, "a/./b/../c"},
    {PATH_HOST, "/stalimex/" C "//etc/passwd", "stalimex", C, "/etc/passwd"},
    {PATH_HOST, "/stalimex/" C "/a//b", "stalimex", C, "a//b"},
    {PATH_HOST, "/stalimex/" C "/dir/", "stalimex", C, "dir/"},
    {PATH_HOST, "/stalimex/" C "/dot.", "stalimex", C, "dot."},
    {PATH_HOST, "/stalimex/" C "/plus+percent%25hash%23amp%26eq=q.txt", "stalimex", C,
     "plus+percent%hash#amp&eq=q.txt"},

    /* refused */
    {PATH_HOST, "/", NULL, NULL, NULL},
    {PATH_HOST, "*", NULL, NULL, NULL},
    {PATH_HOST, "/..", NULL, NULL, NULL},
    {PATH_HOST, "/../" C "/b", NULL, NULL, NULL},
    {PATH_HOST, "//" C "/b", NULL, NULL, NULL},
    {PATH_HOST, "/Stalimex/" C, NULL, NULL, NULL},
    {PATH_HOST, "/st/" C, NULL, NULL, NULL},
    {PATH_HOST, "/stalimexstalimexstalimexx/" C, NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/..", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex//b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/$root/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/a--b/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/-ab/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/ab-/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/ab/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/ABC/b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%00", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/a%00b", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%0a", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%1f", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%7f", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%ff", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%c0%af", NULL, NULL, NULL},    /* an overlong slash */
    {PATH_HOST, "/stalimex/" C "/%ed%a0%80", NULL, NULL, NULL}, /* a surrogate */
    {PATH_HOST, "/stalimex/" C "/%", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%2", NULL, NULL, NULL},
    {PATH_HOST, "/stalimex/" C "/%zz", NULL, NULL, NULL},
};

static void test_paths(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(READ); i++) {
        struct location location = {0};
        struct error err = {0};
        enum azure_code code = location_parse(READ[i].host, READ[i].path, &location, &err);
        if ((code == AZURE_OK) != (READ[i].account != NULL))
            fail_msg("%s%s: %d", READ[i].host, READ[i].path, (int)code);
        if (code != AZURE_OK) {
            assert_int_equal(azure_facts(code)->http, 400);
            continue;
        }
        assert_string_equal(location.account, READ[i].account);
        assert_string_equal(location.container, READ[i].container);
        assert_int_equal(location.blob != NULL, READ[i].blob != NULL);
        if (location.blob)
            assert_string_equal(location.blob, READ[i].blob);
        assert_int_equal(location.level, location.blob         ? LEVEL_BLOB
                                         : *location.container ? LEVEL_CONTAINER
                                                               : LEVEL_ACCOUNT);
        location_done(&location);
    }
}

static enum azure_code parse_name(const char *character, unsigned count)
{
    AUTO_STR struct str path = STR_INIT(1 << 20);
    struct location location;
    struct error err = {0};

    str_append(&path, "/stalimex/" C "/");
    for (unsigned i = 0; i < count; i++)
        str_append(&path, character);
    enum azure_code code = location_parse(PATH_HOST, str_text(&path), &location, &err);
    if (code == AZURE_OK)
        location_done(&location);
    return code;
}

static void test_length(void **state UNUSED)
{
    assert_int_equal(parse_name("a", 1024), AZURE_OK);
    assert_int_equal(parse_name("a", 1025), AZURE_INVALID_RESOURCE_NAME);
    assert_int_equal(parse_name("%E6%96%87", 1024), AZURE_OK);
    assert_int_equal(parse_name("%E6%96%87", 1025), AZURE_INVALID_RESOURCE_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
