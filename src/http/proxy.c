/* The header of the PROXY protocol, version 2, with which a trusted proxy names the client it speaks for. Loop. Reads
 * binary version 2 only, and only on connections from http_settings.proxies.
 * Source: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2.2. */
#include <string.h>

#include "http/internal.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_SIZE 12
#define FIXED_SIZE 16 /* signature, version and command, family, length */

enum { VERSION_LOCAL = 0x20, VERSION_PROXY = 0x21, STREAM_V4 = 0x11, STREAM_V6 = 0x21 };

/* The address block: source, destination, source port, destination port. */
static bool named_client(unsigned char family, const unsigned char *block, size_t len, struct sockaddr_storage *peer)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)peer;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)peer;

    if (family == STREAM_V4 && len >= 12) {
        *peer = (struct sockaddr_storage){.ss_family = AF_INET};
        memcpy(&v4->sin_addr, block, 4);
        memcpy(&v4->sin_port, block + 8, 2);
        return true;
    }
    if (family == STREAM_V6 && len >= 36) {
        *peer = (struct sockaddr_storage){.ss_family = AF_INET6};
        memcpy(&v6->sin6_addr, block, 16);
        memcpy(&v6->sin6_port, block + 32, 2);
        return true;
    }
    return false; /* datagrams, sockets with paths, or nobody: not who speaks HTTP here */
}

int http_proxy_parse(const char *bytes, size_t len, size_t *ret_size, struct sockaddr_storage *peer)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t known = len < SIGNATURE_SIZE ? len : SIGNATURE_SIZE;

    *ret_size = FIXED_SIZE;
    if (known > 0 && memcmp(bytes, SIGNATURE, known) != 0)
        return E_PROTOCOL;
    if (len < FIXED_SIZE)
        return 0;
    size_t block = (size_t)b[14] << 8 | b[15];
    *ret_size = FIXED_SIZE + block;
    if (*ret_size > HTTP_PROXY_HEADER_MAX || (b[12] != VERSION_LOCAL && b[12] != VERSION_PROXY))
        return E_PROTOCOL;
    if (len < *ret_size)
        return 0;
    if (b[12] == VERSION_PROXY && !named_client(b[13], b + FIXED_SIZE, block, peer))
        return E_PROTOCOL;
    return 1; /* what stands behind the addresses (TLVs) changes nothing */
}

bool http_is_proxy(const struct http_settings *settings, const struct sockaddr_storage *peer)
{
    char text[INET6_ADDRSTRLEN];
    http_address_format(peer, text);
    for (size_t i = 0; i < settings->proxy_count; i++)
        if (network_contains_text(&settings->proxies[i], text))
            return true;
    return false;
}
