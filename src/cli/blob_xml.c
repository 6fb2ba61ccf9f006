/* Reading the blob endpoint's XML with expat. */
#include "cli/blob_xml.h"

#include <expat.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "cli/url.h"

#define TEXT_MAX 8192
#define DEPTH_MAX 16

/* One pass over a document: the text of the innermost element, and a handler that is told when an element ends. */
struct scan {
    XML_Parser parser;
    int depth;
    struct str text;
    bool encoded; /* the element just open says Encoded="true" */
    bool failed;
    void (*on_open)(struct scan *scan, const char *element);
    void (*on_close)(struct scan *scan, const char *element);
    void *context;
};

static void scan_fail(struct scan *scan)
{
    scan->failed = true;
    (void)XML_StopParser(scan->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attributes)
{
    struct scan *scan = context;

    if (++scan->depth > DEPTH_MAX) {
        scan_fail(scan);
        return;
    }
    str_reset(&scan->text);
    scan->encoded = attributes[0] && strcmp(attributes[0], "Encoded") == 0 && strcmp(attributes[1], "true") == 0;
    if (scan->on_open)
        scan->on_open(scan, element);
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
    struct scan *scan = context;

    scan->depth--;
    if (scan->text.overflow)
        scan_fail(scan);
    else
        scan->on_close(scan, element);
    str_reset(&scan->text);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int len)
{
    struct scan *scan = context;
    str_append_len(&scan->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    scan_fail(context);
}

static bool scan_run(struct scan *scan, const char *xml, size_t len)
{
    scan->parser = XML_ParserCreate(NULL);
    scan->text = STR_INIT(TEXT_MAX);
    if (!scan->parser || len > INT_MAX)
        abort(); /* out of memory; answers are at most 64 MiB */
    XML_SetUserData(scan->parser, scan);
    XML_SetElementHandler(scan->parser, on_start, on_end);
    XML_SetCharacterDataHandler(scan->parser, on_text);
    XML_SetStartDoctypeDeclHandler(scan->parser, on_doctype);
    bool done = XML_Parse(scan->parser, xml, (int)len, 1) == XML_STATUS_OK && !scan->failed;
    XML_ParserFree(scan->parser);
    str_done(&scan->text);
    return done;
}

/* The parsers below collect one item and add it when its element ends. */
struct blob_scan {
    struct blob_list *list;
    struct blob_entry item;
    bool in_blob;
};

static void blob_entry_done(struct blob_entry *entry)
{
    free(entry->name);
    free(entry->etag);
    *entry = (struct blob_entry){0};
}

/* Azure's lists leave the quotes of an ETag away; If-Match needs them. */
static char *etag_quoted(const char *text)
{
    return *text == '\0' || *text == '"' ? xstrdup(text) : xasprintf("\"%s\"", text);
}

static char *name_decoded(struct scan *scan)
{
    char decoded[BLOB_NAME_MAX + 1];

    if (!scan->encoded)
        return xstrdup(str_text(&scan->text));
    if (!url_decode(str_text(&scan->text), scan->text.len, false, decoded, sizeof decoded)) {
        scan_fail(scan);
        return xstrdup("");
    }
    return xstrdup(decoded);
}

static void blob_add(struct scan *scan, struct blob_scan *blobs)
{
    struct blob_list *list = blobs->list;

    if (!blobs->item.name || list->count == BLOB_LIST_MAX) {
        scan_fail(scan);
        return;
    }
    if (!blobs->item.etag)
        blobs->item.etag = xstrdup("");
    if ((list->count & (list->count + 1)) == 0) /* room for 2^n - 1 items is used up */
        list->items = xrealloc(list->items, (list->count + 1) * 2 * sizeof *list->items);
    list->items[list->count++] = blobs->item;
    blobs->item = (struct blob_entry){0};
    blobs->in_blob = false;
}

static void blob_open(struct scan *scan, const char *element)
{
    struct blob_scan *blobs = scan->context;
    if (strcmp(element, "Blob") == 0)
        blobs->in_blob = true;
}

static void replace(char **slot, char *value)
{
    free(*slot);
    *slot = value;
}

static void blob_close(struct scan *scan, const char *element)
{
    struct blob_scan *blobs = scan->context;
    const char *text = str_text(&scan->text);

    if (strcmp(element, "Blob") == 0)
        blob_add(scan, blobs);
    else if (strcmp(element, "NextMarker") == 0)
        replace(&blobs->list->next_marker, *text ? xstrdup(text) : NULL);
    else if (!blobs->in_blob)
        return;
    else if (strcmp(element, "Name") == 0)
        replace(&blobs->item.name, name_decoded(scan));
    else if (strcasecmp(element, "Etag") == 0)
        replace(&blobs->item.etag, etag_quoted(text));
    else if (strcmp(element, "Content-Length") == 0 && !num_parse(text, 0, INT64_MAX, &blobs->item.size))
        scan_fail(scan);
}

int blob_xml_list(const char *xml, size_t len, struct blob_list *list, struct error *err)
{
    struct blob_scan blobs = {.list = list};
    struct scan scan = {.on_open = blob_open, .on_close = blob_close, .context = &blobs};

    replace(&list->next_marker, NULL);
    bool done = scan_run(&scan, xml, len);
    blob_entry_done(&blobs.item);
    return done ? 0 : error_set(err, E_PROTOCOL, "The server's list of files cannot be read");
}

void blob_list_done(struct blob_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        blob_entry_done(&list->items[i]);
    free(list->items);
    free(list->next_marker);
    *list = (struct blob_list){0};
}

struct block_scan {
    struct block_list *list;
    struct block_entry item;
    bool committed;
};

static void block_open(struct scan *scan, const char *element)
{
    struct block_scan *blocks = scan->context;
    if (strcmp(element, "CommittedBlocks") == 0)
        blocks->committed = true;
    else if (strcmp(element, "UncommittedBlocks") == 0)
        blocks->committed = false;
}

static void block_add(struct scan *scan, struct block_scan *blocks)
{
    struct block_list *list = blocks->list;

    if (!blocks->item.id || list->count == BLOB_LIST_MAX) {
        scan_fail(scan);
        return;
    }
    blocks->item.committed = blocks->committed;
    if ((list->count & (list->count + 1)) == 0)
        list->items = xrealloc(list->items, (list->count + 1) * 2 * sizeof *list->items);
    list->items[list->count++] = blocks->item;
    blocks->item = (struct block_entry){0};
}

static void block_close(struct scan *scan, const char *element)
{
    struct block_scan *blocks = scan->context;

    if (strcmp(element, "Block") == 0)
        block_add(scan, blocks);
    else if (strcmp(element, "Name") == 0)
        replace(&blocks->item.id, xstrdup(str_text(&scan->text)));
    else if (strcmp(element, "Size") == 0 && !num_parse(str_text(&scan->text), 0, INT64_MAX, &blocks->item.size))
        scan_fail(scan);
}

int blob_xml_blocks(const char *xml, size_t len, struct block_list *list, struct error *err)
{
    struct block_scan blocks = {.list = list};
    struct scan scan = {.on_open = block_open, .on_close = block_close, .context = &blocks};

    bool done = scan_run(&scan, xml, len);
    free(blocks.item.id);
    return done ? 0 : error_set(err, E_PROTOCOL, "The server's list of blocks cannot be read");
}

void block_list_done(struct block_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].id);
    free(list->items);
    *list = (struct block_list){0};
}

static void message_close(struct scan *scan, const char *element)
{
    const char *text = str_text(&scan->text);
    if (strcmp(element, "Message") == 0)
        str_append_len(scan->context, text, strcspn(text, "\r\n"));
}

void blob_xml_message(const char *xml, size_t len, struct str *message)
{
    struct scan scan = {.on_close = message_close, .context = message};
    (void)scan_run(&scan, xml, len); /* what cannot be read has no message */
    message->overflow = false;
}
