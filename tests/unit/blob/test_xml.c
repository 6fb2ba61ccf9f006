/* The XML of lists: what the clients need, escaped so that every name comes back as it was. */
#include "check.h"

#include <expat.h>

#include "blob/xml.h"

static const struct xml_list LIST = {
    .endpoint = "http://127.0.0.1:8401/stalimex/",
    .container = "c",
    .prefix = "",
    .marker = "",
    .delimiter = "",
    .max_results = 5000,
};

static json_t *make_blob(const char *name)
{
    return json_pack("{s:s, s:s, s:i, s:I, s:I, s:{s:s, s:s}, s:{s:s}}", "name", name, "etag", "0x8D1", "size", 6,
                     "created", (json_int_t)1795357981000000, "modified", (json_int_t)1795357981900000, "properties",
                     "contentType", "text/plain", "contentMd5", "sZRqySSS0jR8YjW00mERhA==", "metadata", "Foo", "b<r");
}

static void assert_has(const struct str *xml, const char *text)
{
    if (!strstr(str_text(xml), text))
        fail_msg("%s\nis not in\n%s", text, str_text(xml));
}

static void assert_well_formed(const struct str *xml)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    if (XML_Parse(parser, str_text(xml), (int)xml->len, 1) != XML_STATUS_OK)
        fail_msg("not XML: %s", str_text(xml));
    XML_ParserFree(parser);
}

static void test_page(void **state UNUSED)
{
    AUTO_JSON json_t *page =
        json_pack("{s:[o], s:[s], s:s}", "blobs", make_blob("dir/a.txt"), "prefixes", "dir/sub/", "nextMarker", "");
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);
    struct xml_list list = LIST;

    list.prefix = "dir/";
    list.delimiter = "/";
    list.metadata = true;
    xml_append_list(&list, page, &xml);
    assert_well_formed(&xml);
    assert_string_equal(
        str_text(&xml),
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
        "ServiceEndpoint=\"http://127.0.0.1:8401/stalimex/\" ContainerName=\"c\"><Prefix>dir/</Prefix><Marker/>"
        "<MaxResults>5000</MaxResults><Delimiter>/</Delimiter><Blobs>"
        "<BlobPrefix><Name>dir/sub/</Name></BlobPrefix>"
        "<Blob><Name>dir/a.txt</Name><Properties><Creation-Time>Sun, 22 Nov 2026 14:33:01 GMT</Creation-Time>"
        "<Last-Modified>Sun, 22 Nov 2026 14:33:01 GMT</Last-Modified><Etag>0x8D1</Etag>"
        "<Content-Length>6</Content-Length><Content-Type>text/plain</Content-Type><Content-Encoding/>"
        "<Content-Language/><Content-MD5>sZRqySSS0jR8YjW00mERhA==</Content-MD5><Cache-Control/>"
        "<Content-Disposition/><BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus>"
        "<LeaseState>available</LeaseState><ServerEncrypted>false</ServerEncrypted></Properties>"
        "<Metadata><Foo>b&lt;r</Foo></Metadata></Blob></Blobs><NextMarker/></EnumerationResults>");
}

static void test_empty_page(void **state UNUSED)
{
    AUTO_JSON json_t *page = json_pack("{s:[], s:[], s:s}", "blobs", "prefixes", "nextMarker", "");
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);

    xml_append_list(&LIST, page, &xml);
    assert_well_formed(&xml);
    assert_has(&xml, "<Prefix/><Marker/><MaxResults>5000</MaxResults><Blobs></Blobs><NextMarker/>");
    assert_null(strstr(str_text(&xml), "Delimiter"));
}

/* --- Every name comes back --- */

struct names {
    bool in_name;
    bool encoded;
    struct str got;
};

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct names *names = ctx;
    names->in_name = strcmp(name, "Name") == 0;
    if (names->in_name)
        names->encoded = attributes[0] && strcmp(attributes[0], "Encoded") == 0 && strcmp(attributes[1], "true") == 0;
}

static void on_end(void *ctx, const XML_Char *name UNUSED)
{
    ((struct names *)ctx)->in_name = false;
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct names *names = ctx;
    if (names->in_name)
        str_append_len(&names->got, text, (size_t)len);
}

static void check_name(const char *name, bool is_encoded)
{
    AUTO_JSON json_t *page = json_pack("{s:[o], s:[], s:s}", "blobs", make_blob(name), "prefixes", "nextMarker", "");
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);
    struct names names = {.got = STR_INIT(1 << 20)};
    char decoded[4096];
    XML_Parser parser = XML_ParserCreate(NULL);

    xml_append_list(&LIST, page, &xml);
    XML_SetUserData(parser, &names);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    assert_int_equal(XML_Parse(parser, str_text(&xml), (int)xml.len, 1), XML_STATUS_OK);
    XML_ParserFree(parser);
    assert_int_equal(names.encoded, is_encoded);
    const char *got = str_text(&names.got);
    if (is_encoded) {
        assert_true(http_decode(got, strlen(got), decoded, sizeof decoded));
        got = decoded;
    }
    assert_string_equal(got, name);
    str_done(&names.got);
}

static void test_names(void **state UNUSED)
{
    check_name("a", false);
    check_name("spaces and  more ", false);
    check_name("plus+percent%hash#amp&eq=q.txt", false);
    check_name("<Name>&lt;]]>\"'", false);
    check_name("deep (1) [x] ~!@$,;'.txt", false);
    check_name("\xc3\xbc \xe6\x96\x87\xe4\xbb\xb6 \xf0\x9f\x98\x80", false);
    check_name("tab\there", false);
    check_name("\xef\xbb\xbf", false);
    check_name("\xef\xbf\xbd", false);
    check_name("U+FFFE \xef\xbf\xbe", true);
    check_name("U+FFFF \xef\xbf\xbf%+", true);
    check_name("\x01\r", true);
}

static void test_markers(void **state UNUSED)
{
    static const char *const NAMES[] = {"f3.txt", "a b+c%&<>", "\xef\xbf\xbf", "x/"};

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        AUTO_JSON json_t *page = json_pack("{s:[], s:[], s:s}", "blobs", "prefixes", "nextMarker", NAMES[i]);
        AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);
        AUTO_STR struct str marker = STR_INIT(4096);
        xml_append_list(&LIST, page, &xml);
        assert_well_formed(&xml);
        xml_marker_encode(NAMES[i], &marker);
        assert_has(&xml, str_text(&marker));
        AUTO_FREE char *back = xml_marker_decode(str_text(&marker));
        assert_string_equal(back, NAMES[i]);
    }
    AUTO_FREE char *empty = xml_marker_decode("");
    assert_string_equal(empty, "");
    assert_null(xml_marker_decode("f3.txt"));
    assert_null(xml_marker_decode("1!"));
    assert_null(xml_marker_decode("1!***"));
}

static void test_blocks(void **state UNUSED)
{
    AUTO_JSON json_t *blocks = json_pack("{s:[], s:[[s,i]], s:i}", "committed", "uncommitted", "YjE=", 5, "size", 0);
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);

    xml_append_blocks(blocks, "all", &xml);
    assert_string_equal(str_text(&xml), "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks/>"
                                        "<UncommittedBlocks><Block><Name>YjE=</Name><Size>5</Size></Block>"
                                        "</UncommittedBlocks></BlockList>");
    str_reset(&xml);
    xml_append_blocks(blocks, "committed", &xml);
    assert_has(&xml, "<BlockList><CommittedBlocks/></BlockList>");
    str_reset(&xml);
    xml_append_blocks(blocks, "uncommitted", &xml);
    assert_null(strstr(str_text(&xml), "<CommittedBlocks"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),    cmocka_unit_test(test_empty_page), cmocka_unit_test(test_names),
        cmocka_unit_test(test_markers), cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
