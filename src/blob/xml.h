/* The XML answers of List Blobs and Get Block List. Pure; airlock-blob only.
 * Source: Azure "List Blobs", "Get Block List"; what clients need of it: Name, Properties with Last-Modified in RFC
 * 1123 form, Content-Length, NextMarker. */
#ifndef AIRLOCK_BLOB_XML_H
#define AIRLOCK_BLOB_XML_H

#include "base/json.h"
#include "base/str.h"

#define XML_LIST_MAX (64u * 1024 * 1024)

struct xml_list {
    const char *endpoint; /* https://host[/account]/ */
    const char *container;
    const char *prefix; /* as asked, "" when not; as the next two */
    const char *marker;
    const char *delimiter;
    unsigned max_results;
    bool metadata;
};

/* page: core's answer to blob.list. */
void xml_append_list(const struct xml_list *list, const json_t *page, struct str *out);
/* blocks: core's answer to block.list. which: as blocklisttype. */
void xml_append_blocks(const json_t *blocks, const char *which, struct str *out);

/* Where a list goes on. Core's marker may hold any character of a name; clients get a word that survives XML and URLs.
 */
void xml_marker_encode(const char *marker, struct str *out);
/* The result is the caller's; NULL: not one of ours. "" is "". */
char *xml_marker_decode(const char *text);

#endif
