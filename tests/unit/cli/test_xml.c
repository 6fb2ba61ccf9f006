/* The blob endpoint's XML, friendly and hostile. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/blob_xml.h"

static const char LIST[] =
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"x\">"
    "<Prefix>p</Prefix><Blobs><BlobPrefix><Name>dir/</Name></BlobPrefix>"
    "<Blob><Name>a &amp; b.txt</Name><Properties><Etag>0x8D</Etag><Content-Length>12</Content-Length></Properties>"
    "<Metadata><k>v</k></Metadata></Blob>"
    "<Blob><Name Encoded=\"true\">x%01+y</Name><Properties><Content-Length>0</Content-Length><Etag>\"q\"</Etag>"
    "</Properties></Blob></Blobs><NextMarker>m 1</NextMarker></EnumerationResults>";

static void reads_lists(void **state)
{
    struct blob_list list = {0};

    (void)state;
    assert_int_equal(blob_xml_list(LIST, strlen(LIST), &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].name, "a & b.txt");
    assert_string_equal(list.items[0].etag, "\"0x8D\"");
    assert_int_equal(list.items[0].size, 12);
    assert_string_equal(list.items[1].name, "x\x01+y");
    assert_string_equal(list.items[1].etag, "\"q\"");
    assert_string_equal(list.next_marker, "m 1");
    assert_int_equal(blob_xml_list(LIST, strlen(LIST), &list, NULL), 0);
    assert_int_equal(list.count, 4);
    blob_list_done(&list);
}

static void reads_blocks(void **state)
{
    static const char BLOCKS[] =
        "<BlockList><CommittedBlocks><Block><Name>AA</Name><Size>1</Size></Block></CommittedBlocks>"
        "<UncommittedBlocks><Block><Name>BB</Name><Size>8388608</Size></Block></UncommittedBlocks></BlockList>";
    struct block_list list = {0};

    (void)state;
    assert_int_equal(blob_xml_blocks(BLOCKS, strlen(BLOCKS), &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_true(list.items[0].committed);
    assert_false(list.items[1].committed);
    assert_string_equal(list.items[1].id, "BB");
    assert_int_equal(list.items[1].size, 8388608);
    block_list_done(&list);
}

static void refuses_the_hostile(void **state)
{
    static const char *const BAD[] = {
        "",
        "not xml",
        "<a><Blobs></a>",
        "<!DOCTYPE a [<!ENTITY e \"eeee\">]><a><Blob><Name>&e;</Name></Blob></a>",
        "<a><Blob><Properties/></Blob></a>",
        "<a><Blob><Name>x</Name><Content-Length>-1</Content-Length></Blob></a>",
        "<a><Blob><Name>x</Name><Content-Length>99999999999999999999</Content-Length></Blob></a>",
        "<a><Blob><Name Encoded=\"true\">x%zz</Name></Blob></a>",
        "<a><Blob><Name Encoded=\"true\">x%00</Name></Blob></a>",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct blob_list list = {0};
        assert_int_equal(blob_xml_list(BAD[i], strlen(BAD[i]), &list, NULL), E_PROTOCOL);
        blob_list_done(&list);
    }
}

static void bounds_depth(void **state)
{
    for (int depth = 16; depth <= 17; depth++) {
        AUTO_STR struct str xml = STR_INIT(1024);
        struct blob_list list = {0};
        for (int i = 0; i < depth; i++)
            str_append(&xml, "<a>");
        for (int i = 0; i < depth; i++)
            str_append(&xml, "</a>");
        assert_int_equal(blob_xml_list(xml.p, xml.len, &list, NULL), depth == 16 ? 0 : E_PROTOCOL);
    }
    (void)state;
}

static void grows(void **state)
{
    AUTO_STR struct str xml = STR_INIT(1 << 20);
    struct blob_list list = {0};

    (void)state;
    str_append(&xml, "<a>");
    for (int i = 0; i < 1000; i++)
        str_printf(&xml, "<Blob><Name>%d</Name></Blob>", i);
    str_append(&xml, "</a>");
    assert_int_equal(blob_xml_list(xml.p, xml.len, &list, NULL), 0);
    assert_int_equal(list.count, 1000);
    assert_string_equal(list.items[999].name, "999");
    blob_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lists),  cmocka_unit_test(reads_blocks), cmocka_unit_test(refuses_the_hostile),
        cmocka_unit_test(bounds_depth), cmocka_unit_test(grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
