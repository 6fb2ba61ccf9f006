/* XML answers. Pure; airlock-blob only. Must never write a character that would make the document unreadable. */
#include "blob/xml.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define MARKER_FORM "1!" /* in front of ours, so that another form can be told apart */

/* Characters of valid UTF-8 that XML 1.0 has no place for, or would change (carriage returns): U+FFFE and U+FFFF end in
 * EF BF BE and EF BF BF. */
static bool xml_can_hold(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    for (; *c; c++)
        if ((*c < 0x20 && *c != '\t' && *c != '\n') || (c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE))
            return false;
    return true;
}

static void append_name(struct str *out, const char *name)
{
    if (!name)
        name = "";
    if (xml_can_hold(name)) {
        str_append(out, "<Name>");
        str_append_xml(out, name);
    } else {
        str_append(out, "<Name Encoded=\"true\">");
        str_append_url(out, name);
    }
    str_append(out, "</Name>");
}

static void append_text(struct str *out, const char *element, const char *text)
{
    if (!*text) {
        str_printf(out, "<%s/>", element);
        return;
    }
    str_printf(out, "<%s>", element);
    if (xml_can_hold(text))
        str_append_xml(out, text);
    else
        str_append_url(out, text);
    str_printf(out, "</%s>", element);
}

static void append_time(struct str *out, const char *element, int64_t us)
{
    char text[CLOCK_TEXT_MAX];

    clock_format_http(us, text);
    append_text(out, element, text);
}

static void append_properties(struct str *out, const json_t *blob)
{
    static const struct {
        const char *element;
        const char *field;
    } TEXTS[] = {
        {"Content-Type", "contentType"},         {"Content-Encoding", "contentEncoding"},
        {"Content-Language", "contentLanguage"}, {"Content-MD5", "contentMd5"},
        {"Cache-Control", "cacheControl"},       {"Content-Disposition", "contentDisposition"},
    };
    const json_t *properties = json_object_get(blob, "properties");

    str_append(out, "<Properties>");
    if (json_int(blob, "created") != 0) { /* a blob of blocks that wait for their list has none of these */
        append_time(out, "Creation-Time", json_int(blob, "created"));
        append_time(out, "Last-Modified", json_int(blob, "modified"));
        append_text(out, "Etag", json_text(blob, "etag"));
    }
    str_printf(out, "<Content-Length>%lld</Content-Length>", (long long)json_int(blob, "size"));
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
        append_text(out, TEXTS[i].element, json_text(properties, TEXTS[i].field));
    str_append(out, "<BlobType>BlockBlob</BlobType><LeaseStatus>unlocked</LeaseStatus>"
                    "<LeaseState>available</LeaseState><ServerEncrypted>false</ServerEncrypted></Properties>");
}

/* Names were checked to be identifiers when they came, so they are elements as they are. */
static void append_metadata(struct str *out, const json_t *metadata)
{
    const char *name;
    json_t *value;

    str_append(out, "<Metadata>");
    json_object_foreach((json_t *)metadata, name, value) append_text(out, name, json_text(metadata, name));
    str_append(out, "</Metadata>");
}

static void append_blobs(const struct xml_list *list, const json_t *page, struct str *out)
{
    size_t i;
    json_t *item;

    str_append(out, "<Blobs>");
    json_array_foreach(json_object_get(page, "prefixes"), i, item)
    {
        str_append(out, "<BlobPrefix>");
        append_name(out, json_string_value(item));
        str_append(out, "</BlobPrefix>");
    }
    json_array_foreach(json_object_get(page, "blobs"), i, item)
    {
        str_append(out, "<Blob>");
        append_name(out, json_text(item, "name"));
        append_properties(out, item);
        if (list->metadata)
            append_metadata(out, json_object_get(item, "metadata"));
        str_append(out, "</Blob>");
    }
    str_append(out, "</Blobs>");
}

void xml_append_list(const struct xml_list *list, const json_t *page, struct str *out)
{
    AUTO_STR struct str marker = STR_INIT(XML_LIST_MAX);

    str_append(out, DECLARATION "<EnumerationResults ServiceEndpoint=\"");
    str_append_xml(out, list->endpoint);
    str_append(out, "\" ContainerName=\"");
    str_append_xml(out, list->container);
    str_append(out, "\">");
    append_text(out, "Prefix", list->prefix);
    append_text(out, "Marker", list->marker);
    str_printf(out, "<MaxResults>%u</MaxResults>", list->max_results);
    if (*list->delimiter)
        append_text(out, "Delimiter", list->delimiter);
    append_blobs(list, page, out);
    xml_marker_encode(json_text(page, "nextMarker"), &marker);
    append_text(out, "NextMarker", str_text(&marker));
    str_append(out, "</EnumerationResults>");
}

static void append_block_set(struct str *out, const char *element, const json_t *blocks)
{
    size_t i;
    json_t *block;

    if (json_array_size(blocks) == 0) {
        str_printf(out, "<%s/>", element);
        return;
    }
    str_printf(out, "<%s>", element);
    json_array_foreach(blocks, i, block)
    {
        const char *id = json_string_value(json_array_get(block, 0));
        str_append(out, "<Block>");
        append_text(out, "Name", id ? id : "");
        str_printf(out, "<Size>%lld</Size></Block>", (long long)json_integer_value(json_array_get(block, 1)));
    }
    str_printf(out, "</%s>", element);
}

void xml_append_blocks(const json_t *blocks, const char *which, struct str *out)
{
    str_append(out, DECLARATION "<BlockList>");
    if (strcmp(which, "uncommitted") != 0)
        append_block_set(out, "CommittedBlocks", json_object_get(blocks, "committed"));
    if (strcmp(which, "committed") != 0)
        append_block_set(out, "UncommittedBlocks", json_object_get(blocks, "uncommitted"));
    str_append(out, "</BlockList>");
}

void xml_marker_encode(const char *marker, struct str *out)
{
    if (!*marker)
        return;
    str_append(out, MARKER_FORM);
    base64url_append(out, marker, strlen(marker));
}

char *xml_marker_decode(const char *text)
{
    size_t len;

    if (!*text)
        return xstrdup("");
    if (!str_starts(text, MARKER_FORM))
        return NULL;
    text += strlen(MARKER_FORM);
    size_t text_len = strlen(text);
    AUTO_FREE char *marker = xmalloc(text_len + 1);
    if (!base64url_decode(text, text_len, (unsigned char *)marker, text_len, &len) || len == 0)
        return NULL;
    marker[len] = '\0';
    return TAKE_PTR(marker);
}
