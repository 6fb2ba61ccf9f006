/* Put Block List's XML by expat. Runs in airlock-blob. Must never expand an entity or read a document type. */
#include "blob/block_list.h"

#include <expat.h>
#include <string.h>

#include "base/crypto.h"

#define DEPTH_MAX 2

struct block_list {
    XML_Parser parser;
    enum azure_code code; /* the refusal, once there is one */
    unsigned depth;
    bool has_root;
    json_t *blocks;
    const char *kind; /* of the open element; NULL outside of one */
    size_t len;
    char text[BLOCK_ID_TEXT_MAX + 1];
};

static const char *const KINDS[] = {"Latest", "Committed", "Uncommitted"};

bool block_id_check(const char *text, size_t len)
{
    unsigned char id[BLOCK_ID_BYTES_MAX];
    size_t id_len;
    return len > 0 && len <= BLOCK_ID_TEXT_MAX && base64_decode(text, len, id, sizeof id, &id_len) && id_len > 0;
}

static void refuse(struct block_list *list, enum azure_code code)
{
    if (list->code == AZURE_OK)
        list->code = code;
    XML_StopParser(list->parser, XML_FALSE);
}

static const char *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (strcmp(KINDS[i], name) == 0)
            return KINDS[i];
    return NULL;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes UNUSED)
{
    struct block_list *list = ctx;

    if (++list->depth > DEPTH_MAX) {
        refuse(list, AZURE_INVALID_XML_DOCUMENT);
        return;
    }
    if (list->depth == 1) {
        list->has_root = strcmp(name, "BlockList") == 0;
        if (!list->has_root)
            refuse(list, AZURE_INVALID_XML_DOCUMENT);
        return;
    }
    list->kind = find_kind(name);
    list->len = 0;
    if (!list->kind)
        refuse(list, AZURE_INVALID_XML_DOCUMENT);
    else if (json_array_size(list->blocks) >= BLOCK_LIST_BLOCKS_MAX)
        refuse(list, AZURE_BLOCK_LIST_TOO_LONG);
}

static void on_end(void *ctx, const XML_Char *name UNUSED)
{
    struct block_list *list = ctx;

    list->depth--;
    if (!list->kind)
        return;
    if (!block_id_check(list->text, list->len)) {
        refuse(list, AZURE_INVALID_BLOCK_ID);
        return;
    }
    list->text[list->len] = '\0';
    (void)json_array_append_new(list->blocks, json_pack("[s, s]", list->kind, list->text));
    list->kind = NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space is layout everywhere, since base64 has none. */
static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct block_list *list = ctx;

    for (int i = 0; i < len; i++) {
        if (is_space(text[i]))
            continue;
        if (!list->kind || list->len >= BLOCK_ID_TEXT_MAX) {
            refuse(list, list->kind ? AZURE_INVALID_BLOCK_ID : AZURE_INVALID_XML_DOCUMENT);
            return;
        }
        list->text[list->len++] = text[i];
    }
}

static void on_doctype(void *ctx, const XML_Char *name UNUSED, const XML_Char *system UNUSED,
                       const XML_Char *public UNUSED, int has_subset UNUSED)
{
    refuse(ctx, AZURE_INVALID_XML_DOCUMENT);
}

static void on_entity(void *ctx, const XML_Char *name UNUSED, int is_parameter UNUSED, const XML_Char *value UNUSED,
                      int len UNUSED, const XML_Char *base UNUSED, const XML_Char *system UNUSED,
                      const XML_Char *public UNUSED, const XML_Char *notation UNUSED)
{
    refuse(ctx, AZURE_INVALID_XML_DOCUMENT);
}

struct block_list *block_list_new(void)
{
    struct block_list *list = xcalloc(1, sizeof *list);

    list->blocks = json_array();
    list->parser = XML_ParserCreate(NULL);
    if (!list->parser)
        abort(); /* out of memory, as everywhere */
    XML_SetUserData(list->parser, list);
    XML_SetElementHandler(list->parser, on_start, on_end);
    XML_SetCharacterDataHandler(list->parser, on_text);
    XML_SetStartDoctypeDeclHandler(list->parser, on_doctype);
    XML_SetEntityDeclHandler(list->parser, on_entity);
    return list;
}

void block_list_free(struct block_list *list)
{
    if (!list)
        return;
    XML_ParserFree(list->parser);
    json_decref(list->blocks);
    free(list);
}

enum azure_code block_list_feed(struct block_list *list, const void *bytes, size_t len, bool is_last)
{
    if (len > BLOCK_LIST_BYTES_MAX)
        return AZURE_REQUEST_BODY_TOO_LARGE;
    if (XML_Parse(list->parser, bytes, (int)len, is_last) != XML_STATUS_OK && list->code == AZURE_OK)
        list->code = AZURE_INVALID_XML_DOCUMENT;
    return list->code;
}

json_t *block_list_take(struct block_list *list)
{
    return TAKE_PTR(list->blocks);
}
