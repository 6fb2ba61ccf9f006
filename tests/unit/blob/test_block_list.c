/* Put Block List's XML: what clients send is read, whatever way it is cut; everything else is refused early. */
#include "check.h"

#include "base/crypto.h"
#include "blob/block_list.h"

static enum azure_code parse(const char *text, size_t len, size_t step, json_t **ret)
{
    struct block_list *list = block_list_new();
    enum azure_code code = AZURE_OK;

    for (size_t at = 0; at < len && code == AZURE_OK; at += step)
        code = block_list_feed(list, text + at, len - at < step ? len - at : step, false);
    if (code == AZURE_OK)
        code = block_list_feed(list, "", 0, true);
    *ret = code == AZURE_OK ? block_list_take(list) : NULL;
    block_list_free(list);
    return code;
}

static const struct {
    const char *xml;
    const char *json;
} READ[] = {
    {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BlockList><Latest>MDAw</Latest><Latest>MDAx</Latest></BlockList>",
     "[[\"Latest\",\"MDAw\"],[\"Latest\",\"MDAx\"]]"},
    {"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><BlockList><Committed>YQ==</Committed>"
     "<Uncommitted>Yg==</Uncommitted><Latest>YQ==</Latest></BlockList>",
     "[[\"Committed\",\"YQ==\"],[\"Uncommitted\",\"Yg==\"],[\"Latest\",\"YQ==\"]]"},
    {"<BlockList></BlockList>", "[]"},
    {"<BlockList/>", "[]"},
    {"\xef\xbb\xbf<BlockList>\r\n  <Latest>\n MDAw \n</Latest>\n</BlockList>\n", "[[\"Latest\",\"MDAw\"]]"},
    {"<BlockList xmlns=\"urn:x\" a='1'><!-- c --><Latest b=\"2\">MDAw</Latest></BlockList>", "[[\"Latest\",\"MDAw\"]]"},
    {"<BlockList><Latest>&#77;DAw</Latest></BlockList>", "[[\"Latest\",\"MDAw\"]]"},
    {"<BlockList><Latest><![CDATA[MDAw]]></Latest></BlockList>", "[[\"Latest\",\"MDAw\"]]"},
    {"<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>+/+/</Latest></BlockList>", "[[\"Latest\",\"+/+/\"]]"},
};

static void test_read(void **state UNUSED)
{
    static const size_t STEPS[] = {1, 2, 3, 7, 1000};

    for (size_t i = 0; i < ARRAY_LEN(READ); i++)
        for (size_t k = 0; k < ARRAY_LEN(STEPS); k++) {
            AUTO_JSON json_t *list = NULL;
            AUTO_JSON json_t *wanted = json_loads(READ[i].json, 0, NULL);
            enum azure_code code = parse(READ[i].xml, strlen(READ[i].xml), STEPS[k], &list);
            if (code != AZURE_OK || !json_equal(list, wanted))
                fail_msg("%s, %zu bytes at a time: %d", READ[i].xml, STEPS[k], (int)code);
        }
}

static const struct {
    const char *xml;
    enum azure_code code;
} REFUSED[] = {
    {"", AZURE_INVALID_XML_DOCUMENT},
    {"MDAw", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest>MDAw</BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest>MDAw</Latest></BlockList><BlockList/>", AZURE_INVALID_XML_DOCUMENT},
    {"<List><Latest>MDAw</Latest></List>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><latest>MDAw</latest></BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Newest>MDAw</Newest></BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest><Latest>MDAw</Latest></Latest></BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList>MDAw</BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest></Latest></BlockList>", AZURE_INVALID_BLOCK_ID},
    {"<BlockList><Latest/></BlockList>", AZURE_INVALID_BLOCK_ID},
    {"<BlockList><Latest>not base64!</Latest></BlockList>", AZURE_INVALID_BLOCK_ID},
    {"<BlockList><Latest>MDA</Latest></BlockList>", AZURE_INVALID_BLOCK_ID},
    {"<BlockList><Latest>&amp;</Latest></BlockList>", AZURE_INVALID_BLOCK_ID},
    {"<!DOCTYPE BlockList><BlockList/>", AZURE_INVALID_XML_DOCUMENT},
    {"<!DOCTYPE BlockList [<!ENTITY a \"MDAw\">]><BlockList><Latest>&a;</Latest></BlockList>",
     AZURE_INVALID_XML_DOCUMENT},
    {"<!DOCTYPE BlockList SYSTEM \"file:///etc/passwd\"><BlockList/>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest>&undefined;</Latest></BlockList>", AZURE_INVALID_XML_DOCUMENT},
    {"<BlockList><Latest>\xff\xfe</Latest></BlockList>", AZURE_INVALID_XML_DOCUMENT},
};

static void test_refused(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        json_t *list;
        enum azure_code code = parse(REFUSED[i].xml, strlen(REFUSED[i].xml), 5, &list);
        if (code != REFUSED[i].code)
            fail_msg("%s: %d", REFUSED[i].xml, (int)code);
    }
}

/* Ten levels of entities that would expand to gigabytes. */
static void test_billion_laughs(void **state UNUSED)
{
    AUTO_STR struct str xml = STR_INIT(65536);
    json_t *list;

    str_append(&xml, "<?xml version=\"1.0\"?><!DOCTYPE BlockList [<!ENTITY l0 \"MDAw\">");
    for (int level = 1; level < 10; level++) {
        str_printf(&xml, "<!ENTITY l%d \"", level);
        for (int i = 0; i < 10; i++)
            str_printf(&xml, "&l%d;", level - 1);
        str_append(&xml, "\">");
    }
    str_append(&xml, "]><BlockList><Latest>&l9;</Latest></BlockList>");
    assert_int_equal(parse(str_text(&xml), xml.len, 4096, &list), AZURE_INVALID_XML_DOCUMENT);
}

static void test_depth(void **state UNUSED)
{
    AUTO_STR struct str xml = STR_INIT(1 << 20);
    json_t *list;

    for (int i = 0; i < 50000; i++)
        str_append(&xml, "<BlockList>");
    assert_int_equal(parse(str_text(&xml), xml.len, 4096, &list), AZURE_INVALID_XML_DOCUMENT);
}

static void test_count(void **state UNUSED)
{
    AUTO_STR struct str xml = STR_INIT(BLOCK_LIST_BYTES_MAX);
    AUTO_JSON json_t *list = NULL;
    json_t *nothing;

    str_append(&xml, "<BlockList>");
    for (unsigned i = 0; i < BLOCK_LIST_BLOCKS_MAX; i++)
        str_append(&xml, "<Uncommitted>MDAwMDAw5ieB3GvKTnySEoj8CSl8jTAwMDAwMDAwMDAwMDAwMDAw</Uncommitted>");
    size_t full = xml.len;
    str_append(&xml, "</BlockList>");
    assert_int_equal(parse(str_text(&xml), xml.len, 65536, &list), AZURE_OK);
    assert_int_equal(json_array_size(list), BLOCK_LIST_BLOCKS_MAX);

    xml.len = full;
    str_append(&xml, "<Latest>MDAw</Latest></BlockList>");
    assert_int_equal(parse(str_text(&xml), xml.len, 65536, &nothing), AZURE_BLOCK_LIST_TOO_LONG);
}

static void test_ids(void **state UNUSED)
{
    unsigned char bytes[BLOCK_ID_BYTES_MAX + 1] = {0};
    AUTO_STR struct str longest = STR_INIT(200);
    AUTO_STR struct str longer = STR_INIT(200);

    base64_append(&longest, bytes, BLOCK_ID_BYTES_MAX);
    base64_append(&longer, bytes, BLOCK_ID_BYTES_MAX + 1);
    assert_int_equal(longest.len, BLOCK_ID_TEXT_MAX);
    assert_true(block_id_check(str_text(&longest), longest.len));
    assert_false(block_id_check(str_text(&longer), longer.len));
    assert_true(block_id_check("YQ==", 4));
    assert_false(block_id_check("", 0));
    assert_false(block_id_check("YQ", 2));
    assert_false(block_id_check("-_-_", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),  cmocka_unit_test(test_refused), cmocka_unit_test(test_billion_laughs),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_count),   cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
