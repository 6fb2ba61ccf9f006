/* Marks of encryption outside of archives. Runs in a sandboxed child. It finds what ordinary programs write; who hides
 * that something is encrypted cannot be found by a mark. */
#include "gate/encrypted.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "gate/peek.h"

#define LOOK ((size_t)64 * 1024)
#define OLE_ENTRY 128

static bool begins(const unsigned char *bytes, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(bytes, with, with_len) == 0;
}

/* One name of an OLE directory: UTF-16 in the first 64 bytes of its entry. */
static bool ole_name_is(const unsigned char *entry, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i <= len; i++)
        if (peek_le16(entry + 2 * i) != (unsigned char)name[i])
            return false;
    return true;
}

/* A new office document with a password is an OLE file that holds the encrypted package. */
static bool ole_is_encrypted(int fd, const unsigned char *head, size_t len, unsigned char *directory)
{
    static const char *const NAMES[] = {"EncryptedPackage", "EncryptionInfo", "\tDRMContent", "EncryptedSummary"};

    if (!begins(head, len, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) || len < 512)
        return false;
    unsigned shift = peek_le16(head + 30);
    if (shift < 7 || shift > 16)
        return false;
    size_t got = peek(fd, ((uint64_t)peek_le32(head + 48) + 1) << shift, directory, LOOK);
    for (size_t at = 0; at + OLE_ENTRY <= got; at += OLE_ENTRY)
        for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
            if (ole_name_is(directory + at, NAMES[i]))
                return true;
    return false;
}

static bool pdf_names_encrypt(const unsigned char *bytes, size_t len)
{
    static const char KEY[] = "/Encrypt";
    const unsigned char *at = bytes, *end = bytes + len;

    while ((at = peek_find(at, (size_t)(end - at), KEY)) != NULL) {
        at += sizeof KEY - 1;
        if (at < end && !isalnum(*at)) /* not /EncryptMetadata */
            return true;
    }
    return false;
}

const char *encrypted_what(int fd, uint64_t size, const char *path, bool *ret_opaque)
{
    static const char ODF_LIST[] = "META-INF/manifest.xml";
    AUTO_FREE unsigned char *head = xmalloc(LOOK), *tail = xmalloc(LOOK);
    size_t len = peek(fd, 0, head, LOOK);

    *ret_opaque = !begins(head, len, "%PDF-", 5);
    if (ole_is_encrypted(fd, head, len, tail))
        return "an office document with a password";
    if (!*ret_opaque) {
        size_t tail_len = size > LOOK ? peek(fd, size - LOOK, tail, LOOK) : 0;
        return pdf_names_encrypt(head, len) || pdf_names_encrypt(tail, tail_len) ? "a PDF with encryption" : NULL;
    }
    if (begins(head, len, "-----BEGIN PGP MESSAGE-----", 27))
        return "a PGP message";
    if (begins(head, len, "age-encryption.org/v1\n", 22) || begins(head, len, "-----BEGIN AGE ENCRYPTED FILE-----", 34))
        return "an age file";
    if (begins(head, len, "Salted__", 8))
        return "a file encrypted by openssl";
    if (begins(head, len, "LUKS\xba\xbe", 6))
        return "an encrypted disk";
    size_t path_len = path ? strlen(path) : 0;
    if (path_len >= sizeof ODF_LIST - 1 && strcmp(path + path_len - (sizeof ODF_LIST - 1), ODF_LIST) == 0 &&
        peek_find(head, len, "encryption-data"))
        return "an OpenDocument with a password";
    return NULL;
}
