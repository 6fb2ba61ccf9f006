/* Zip files by hand, field by field, for what no library writes. */
#ifndef AIRLOCK_TESTS_GATE_RAW_ZIP_H
#define AIRLOCK_TESTS_GATE_RAW_ZIP_H

#include "packer.h"

/* What one of a member's two heads says. */
struct raw_head {
    const char *name;
    size_t name_len;
    unsigned flags, method;
    uint32_t crc, packed, unpacked;
};

static inline void raw_le16(struct str *out, unsigned value)
{
    str_append_char(out, (char)value);
    str_append_char(out, (char)(value >> 8));
}

static inline void raw_le32(struct str *out, uint32_t value)
{
    raw_le16(out, value & 0xffff);
    raw_le16(out, value >> 16);
}

static inline uint32_t raw_crc32(const void *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= ((const unsigned char *)bytes)[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}

/* A stored member as it should be. */
static inline struct raw_head raw_stored(const char *name, const char *data)
{
    uint32_t len = (uint32_t)strlen(data);

    return (struct raw_head){name, strlen(name), 0, 0, raw_crc32(data, len), len, len};
}

/* Appends what stands before a member's bytes; its offset. */
static inline uint32_t raw_local(struct str *out, const struct raw_head *head)
{
    uint32_t offset = (uint32_t)out->len;

    str_append_len(out, "PK\3\4", 4);
    raw_le16(out, 20);
    raw_le16(out, head->flags);
    raw_le16(out, head->method);
    raw_le32(out, 0x58000000); /* a date */
    raw_le32(out, head->crc);
    raw_le32(out, head->packed);
    raw_le32(out, head->unpacked);
    raw_le16(out, (unsigned)head->name_len);
    raw_le16(out, 0);
    str_append_len(out, head->name, head->name_len);
    return offset;
}

static inline void raw_central(struct str *out, const struct raw_head *head, uint32_t offset)
{
    str_append_len(out, "PK\1\2", 4);
    raw_le16(out, 20);
    raw_le16(out, 20);
    raw_le16(out, head->flags);
    raw_le16(out, head->method);
    raw_le32(out, 0x58000000);
    raw_le32(out, head->crc);
    raw_le32(out, head->packed);
    raw_le32(out, head->unpacked);
    raw_le16(out, (unsigned)head->name_len);
    for (int i = 0; i < 4; i++) /* extra, comment, disk, attributes */
        raw_le16(out, 0);
    raw_le32(out, 0);
    raw_le32(out, offset);
    str_append_len(out, head->name, head->name_len);
}

static inline void raw_end(struct str *out, unsigned entries, uint32_t directory)
{
    uint32_t size = (uint32_t)out->len - directory;

    str_append_len(out, "PK\5\6", 4);
    raw_le32(out, 0);
    raw_le16(out, entries);
    raw_le16(out, entries);
    raw_le32(out, size);
    raw_le32(out, directory);
    raw_le16(out, 0);
}

/* One member whose two heads may differ. */
static inline void raw_zip(struct str *out, const struct raw_head *local, const char *data,
                           const struct raw_head *central)
{
    uint32_t offset = raw_local(out, local);

    str_append(out, data);
    uint32_t directory = (uint32_t)out->len;
    raw_central(out, central, offset);
    raw_end(out, 1, directory);
}

#endif
