/* The XML of the blob endpoint: lists of blobs and of blocks, and error messages. A document type is refused, so no
 * entity of the sender's is ever expanded. No I/O. */
#ifndef AIRLOCK_CLI_BLOB_XML_H
#define AIRLOCK_CLI_BLOB_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define BLOB_LIST_MAX 1000000
#define BLOB_NAME_MAX 4096 /* bytes; Azure allows 1024 characters */

struct blob_entry {
    char *name;
    char *etag; /* quoted, fit for If-Match; "" when the list has none */
    uint64_t size;
};

struct blob_list {
    size_t count;
    struct blob_entry *items;
    char *next_marker; /* NULL on the last page */
};
/* Appends a page to list and replaces its next_marker. E_PROTOCOL. */
int blob_xml_list(const char *xml, size_t len, struct blob_list *list, struct error *err) MUST_USE;
void blob_list_done(struct blob_list *list);

struct block_entry {
    char *id; /* base64 */
    uint64_t size;
    bool committed;
};

struct block_list {
    size_t count;
    struct block_entry *items;
};
int blob_xml_blocks(const char *xml, size_t len, struct block_list *list, struct error *err) MUST_USE;
void block_list_done(struct block_list *list);

/* Appends the first line of <Error><Message>, or nothing. */
void blob_xml_message(const char *xml, size_t len, struct str *message);

#endif
