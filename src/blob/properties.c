/* Properties and metadata of blobs. Runs in airlock-blob. Must never put a value into a header that could end it. */
#include "blob/properties.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "blob/request.h"
#include "model/name.h"

#define METADATA_PREFIX "x-ms-meta-"
#define TYPE_DEFAULT "application/octet-stream"
#define CACHE_DEFAULT "no-store"
#define DISPOSITION_DEFAULT "attachment" /* a browser saves it, whatever it is */

static const struct property {
    const char *field;    /* in messages */
    const char *header;   /* x-ms-blob-… */
    const char *standard; /* the header of a body that is the blob, or NULL */
    const char *response; /* NULL: sent by other means */
    const char *fallback; /* of the response */
} PROPERTIES[] = {
    {"contentType", "x-ms-blob-content-type", "Content-Type", NULL, NULL},
    {"contentEncoding", "x-ms-blob-content-encoding", "Content-Encoding", "Content-Encoding", NULL},
    {"contentLanguage", "x-ms-blob-content-language", "Content-Language", "Content-Language", NULL},
    {"contentDisposition", "x-ms-blob-content-disposition", NULL, "Content-Disposition", DISPOSITION_DEFAULT},
    {"cacheControl", "x-ms-blob-cache-control", "Cache-Control", "Cache-Control", CACHE_DEFAULT},
    {"contentMd5", "x-ms-blob-content-md5", "Content-MD5", NULL, NULL},
};

static const char *header_value(const struct http_head *head, const char *name)
{
    const char *value = name ? http_header(head, name) : NULL;
    return value && *value ? value : NULL;
}

enum azure_code md5_from_head(const struct http_head *head, const char *name, bool *ret_given,
                              unsigned char ret_md5[static MD5_SIZE])
{
    const char *value = header_value(head, name);
    size_t len;

    *ret_given = value != NULL;
    if (value && (!base64_decode(value, strlen(value), ret_md5, MD5_SIZE, &len) || len != MD5_SIZE))
        return AZURE_INVALID_MD5;
    return AZURE_OK;
}

enum azure_code properties_from_head(const struct http_head *head, bool is_content, json_t **ret)
{
    AUTO_JSON json_t *properties = json_object();
    unsigned char md5[MD5_SIZE];
    size_t total = 0;
    bool given;

    enum azure_code code = md5_from_head(head, "x-ms-blob-content-md5", &given, md5);
    if (code == AZURE_OK && is_content)
        code = md5_from_head(head, "Content-MD5", &given, md5);
    if (code != AZURE_OK)
        return code;
    for (size_t i = 0; i < ARRAY_LEN(PROPERTIES); i++) {
        const char *value = header_value(head, PROPERTIES[i].header);
        if (!value && is_content)
            value = header_value(head, PROPERTIES[i].standard);
        if (!value)
            continue;
        total += strlen(value);
        if (total > PROPERTIES_BYTES_MAX || !request_is_plain(value))
            return AZURE_INVALID_HEADER_VALUE;
        (void)json_object_set_new(properties, PROPERTIES[i].field, json_string(value));
    }
    if (!json_object_get(properties, "contentType"))
        (void)json_object_set_new(properties, "contentType", json_string(TYPE_DEFAULT));
    *ret = TAKE_PTR(properties);
    return AZURE_OK;
}

/* Names are compared without case, so that no two of them become one header. */
static bool has_metadata(const json_t *metadata, const char *name)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)metadata, key, value) if (strcasecmp(key, name) == 0) return true;
    return false;
}

enum azure_code metadata_from_head(const struct http_head *head, json_t **ret)
{
    AUTO_JSON json_t *metadata = json_object();
    size_t total = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (strncasecmp(header->name, METADATA_PREFIX, strlen(METADATA_PREFIX)) != 0)
            continue;
        const char *name = header->name + strlen(METADATA_PREFIX);
        total += strlen(name) + strlen(header->value);
        if (total > METADATA_BYTES_MAX)
            return AZURE_METADATA_TOO_LARGE;
        if (!name_is_metadata(name) || !request_is_plain(header->value) || has_metadata(metadata, name))
            return AZURE_INVALID_METADATA;
        (void)json_object_set_new(metadata, name, json_string(header->value));
    }
    *ret = TAKE_PTR(metadata);
    return AZURE_OK;
}

/* The link's word first, then the stored one; "" when neither can be a header. */
static const char *effective(const char *field, const json_t *properties, const json_t *override)
{
    const char *value = json_text(override, field);

    if (!*value || !request_is_plain(value))
        value = json_text(properties, field);
    return request_is_plain(value) ? value : "";
}

const char *properties_type(const json_t *properties, const json_t *override)
{
    const char *type = effective("contentType", properties, override);
    return *type ? type : TYPE_DEFAULT;
}

void properties_add_headers(struct http_exchange *x, const json_t *properties, const json_t *override)
{
    for (size_t i = 0; i < ARRAY_LEN(PROPERTIES); i++) {
        if (!PROPERTIES[i].response)
            continue;
        const char *value = effective(PROPERTIES[i].field, properties, override);
        if (!*value)
            value = PROPERTIES[i].fallback;
        if (value)
            http_header_add(x, PROPERTIES[i].response, value);
    }
}

void metadata_add_headers(struct http_exchange *x, const json_t *metadata)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)metadata, name, value)
    {
        char header[sizeof METADATA_PREFIX + NAME_METADATA_MAX];
        const char *text = json_string_value(value);
        if (!text || !request_is_plain(text) || !name_is_metadata(name))
            continue;
        (void)snprintf(header, sizeof header, METADATA_PREFIX "%s", name); /* name_is_metadata bounds it */
        http_header_add(x, header, text);
    }
}

/* --- Copies --- */

#define COPY_ID "copyId"
#define COPY_SOURCE "copySource"
#define COPY_COMPLETED "copyCompleted"

void properties_note_copy(json_t *properties, const char *id, const char *source)
{
    char now[CLOCK_TEXT_MAX];

    clock_format_http(clock_now_us(), now);
    (void)json_object_set_new(properties, COPY_ID, json_string(id));
    (void)json_object_set_new(properties, COPY_COMPLETED, json_string(now));
    if (source)
        (void)json_object_set_new(properties, COPY_SOURCE, json_string(source));
}

void properties_forget_copy(json_t *properties)
{
    (void)json_object_del(properties, COPY_ID);
    (void)json_object_del(properties, COPY_COMPLETED);
    (void)json_object_del(properties, COPY_SOURCE);
}

void properties_add_copy_headers(struct http_exchange *x, const json_t *properties, uint64_t size)
{
    const char *source = json_text(properties, COPY_SOURCE);

    if (!*json_text(properties, COPY_ID))
        return;
    http_header_add(x, "x-ms-copy-id", json_text(properties, COPY_ID));
    http_header_add(x, "x-ms-copy-status", "success");
    http_header_add(x, "x-ms-copy-completion-time", json_text(properties, COPY_COMPLETED));
    http_header_addf(x, "x-ms-copy-progress", "%" PRIu64 "/%" PRIu64, size, size);
    if (*source && request_is_plain(source))
        http_header_add(x, "x-ms-copy-source", source);
}
