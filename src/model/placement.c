/* Decoding of the block ids that real clients send. Pure; used by airlock-blob.
 *
 * Forms (the base64 text is decoded once):
 *   AzCopy         36 bytes: "00000", 16 bytes of job id, then 5 digits each of part, file and block number
 *   JS SDK         48 bytes: a prefix (a 36-character UUID), then the block's index in digits up to the end
 *   Go SDK, rclone 64 bytes: 16 random bytes, the index as 4 bytes big-endian, 44 NULs
 *   rclone 1.64    16 bytes: the index as 8 bytes big-endian, 8 random bytes
 *   Python SDK, az the base64 text, percent-encoded, of the offset in 32 digits
 *   Python SDK     (large blocks of a file) the text "BlockId" and 5 digits, not decoded
 *   .NET SDK       48 bytes: the offset as 8 bytes little-endian, 40 NULs */
#include "model/placement.h"

#include <string.h>

#include "base/crypto.h"
#include "base/num.h"
#include "base/str.h"

#define DECODED_MAX 64 /* Azure's limit for a block id */

struct block_id {
    unsigned char bytes[DECODED_MAX];
    size_t len;
};

static bool all_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static uint64_t read_big(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint64_t read_little(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = len; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

static bool decode_azcopy(const struct block_id *id, uint64_t *ret)
{
    uint64_t part, file;
    const char *digits = (const char *)id->bytes + 21;

    return id->len == 36 && memcmp(id->bytes, "00000", 5) == 0 && num_parse_len(digits, 5, 0, UINT64_MAX, &part) &&
           num_parse_len(digits + 5, 5, 0, UINT64_MAX, &file) &&
           num_parse_len(digits + 10, 5, 0, PLACEMENT_INDEX_MAX - 1, ret);
}

static bool decode_js(const struct block_id *id, uint64_t *ret)
{
    static const char HEX_DASH[] = "0123456789abcdefABCDEF-";

    if (id->len != 48)
        return false;
    for (size_t i = 0; i < 36; i++)
        if (id->bytes[i] == '\0' || !strchr(HEX_DASH, id->bytes[i]))
            return false;
    return num_parse_len((const char *)id->bytes + 36, 12, 0, PLACEMENT_INDEX_MAX - 1, ret);
}

static bool decode_go(const struct block_id *id, uint64_t *ret)
{
    if (id->len != 64 || !all_zero(id->bytes + 20, 44))
        return false;
    *ret = read_big(id->bytes + 16, 4);
    return *ret < PLACEMENT_INDEX_MAX;
}

static bool decode_rclone(const struct block_id *id, uint64_t *ret)
{
    if (id->len != 16)
        return false;
    *ret = read_big(id->bytes, 8);
    return *ret < PLACEMENT_INDEX_MAX;
}

/* The 32 digits' base64 ends in one '=', which arrives as "%3D" (46 bytes) or, from a client that does not escape, as
 * itself (44 bytes). */
static bool decode_python(const struct block_id *id, uint64_t *ret)
{
    char inner[45];
    unsigned char digits[33];
    size_t len = 0;

    if (id->len != 46 && id->len != 44)
        return false;
    memcpy(inner, id->bytes, 44);
    if (id->len == 46) {
        if (memcmp(id->bytes + 43, "%3D", 3) != 0)
            return false;
        inner[43] = '=';
    }
    return base64_decode(inner, 44, digits, sizeof digits, &len) && len == 32 &&
           num_parse_len((const char *)digits, 32, 0, PLACEMENT_BLOB_MAX, ret);
}

static bool decode_dotnet(const struct block_id *id, uint64_t *ret)
{
    if (id->len != 48 || !all_zero(id->bytes + 8, 40))
        return false;
    *ret = read_little(id->bytes, 8);
    return *ret < PLACEMENT_BLOB_MAX;
}

static const struct {
    enum placement_client client;
    bool (*decode)(const struct block_id *id, uint64_t *ret);
} FORMS[] = {
    {PLACEMENT_AZCOPY, decode_azcopy}, {PLACEMENT_JS, decode_js},         {PLACEMENT_GO, decode_go},
    {PLACEMENT_RCLONE, decode_rclone}, {PLACEMENT_PYTHON, decode_python}, {PLACEMENT_DOTNET, decode_dotnet},
};

enum placement_client placement_decode(const char *block_id, uint64_t *ret_number)
{
    struct block_id id;
    uint64_t number;

    if (str_starts(block_id, "BlockId") && strlen(block_id) == 12 &&
        num_parse(block_id + 7, 0, PLACEMENT_INDEX_MAX - 1, ret_number))
        return PLACEMENT_PYTHON_STREAM;
    if (!base64_decode(block_id, strlen(block_id), id.bytes, sizeof id.bytes, &id.len))
        return PLACEMENT_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++)
        if (FORMS[i].decode(&id, &number)) {
            *ret_number = number;
            return FORMS[i].client;
        }
    return PLACEMENT_UNKNOWN;
}

bool placement_is_offset(enum placement_client client)
{
    return client == PLACEMENT_PYTHON || client == PLACEMENT_DOTNET;
}

bool placement_hint(const char *block_id, uint64_t block_len, uint64_t *ret_offset)
{
    uint64_t number, offset, end;
    enum placement_client client = placement_decode(block_id, &number);

    if (client == PLACEMENT_UNKNOWN || block_len == 0)
        return false;
    if (placement_is_offset(client))
        offset = number;
    else if (!num_mul(number, block_len, &offset))
        return false;
    if (offset % PLACEMENT_ALIGN != 0 || !num_add(offset, block_len, &end) || end > PLACEMENT_BLOB_MAX)
        return false;
    *ret_offset = offset;
    return true;
}
