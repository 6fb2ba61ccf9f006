/* CIDR blocks and numeric addresses. Pure: nothing is ever resolved. */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

static const unsigned char MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_parse(const char *text, struct address *ret_address)
{
    struct address address = {.bits = 32};

    if (inet_pton(AF_INET, text, address.bytes) == 1) {
        *ret_address = address;
        return true;
    }
    if (inet_pton(AF_INET6, text, address.bytes) != 1)
        return false;
    address.bits = 128;
    if (memcmp(address.bytes, MAPPED_PREFIX, sizeof MAPPED_PREFIX) == 0) {
        struct address mapped = {.bits = 32};
        memcpy(mapped.bytes, address.bytes + sizeof MAPPED_PREFIX, 4);
        address = mapped;
    }
    *ret_address = address;
    return true;
}

int address_compare(const struct address *a, const struct address *b)
{
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    int order = memcmp(a->bytes, b->bytes, a->bits / 8);
    return order < 0 ? -1 : order > 0;
}

/* Do the first prefix bits agree? Both of one family. */
static bool same_prefix(const struct address *a, const struct address *b, unsigned prefix)
{
    size_t whole = prefix / 8;
    unsigned rest = prefix % 8;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_are_zero(const struct address *address, unsigned prefix)
{
    for (unsigned bit = prefix; bit < address->bits; bit++)
        if (address->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

int network_parse(const char *text, struct network *ret_network, struct error *err)
{
    char address_text[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    struct network network = {0};
    uint64_t prefix;

    if (!slash || (size_t)(slash - text) >= sizeof address_text)
        return error_set_field(err, E_INVALID, "networks",
                               "A network must be written like 10.1.0.0/16 or 2001:db8::/32");
    memcpy(address_text, text, (size_t)(slash - text));
    address_text[slash - text] = '\0';
    if (!address_parse(address_text, &network.base))
        return error_set_field(err, E_INVALID, "networks", "\"%.60s\" does not begin with a numeric address", text);
    /* A mapped address would have to shift its prefix by 96: write it as the IPv4 network that it is. */
    if (network.base.bits == 32 && strchr(address_text, ':'))
        return error_set_field(err, E_INVALID, "networks", "\"%.60s\": write IPv4 networks in IPv4 form", text);
    if (strlen(slash + 1) > 3 || (slash[1] == '0' && slash[2] != '\0') ||
        !num_parse(slash + 1, 0, network.base.bits, &prefix))
        return error_set_field(err, E_INVALID, "networks", "\"%.60s\": the prefix must be 0 to %u", text,
                               network.base.bits);
    network.prefix = (unsigned)prefix;
    if (!host_bits_are_zero(&network.base, network.prefix))
        return error_set_field(err, E_INVALID, "networks", "\"%.60s\" has bits set behind its prefix", text);
    *ret_network = network;
    return 0;
}

void network_format(const struct network *network, char ret_text[static NETWORK_TEXT_MAX])
{
    char address[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(network->base.bits == 32 ? AF_INET : AF_INET6, network->base.bytes, address, sizeof address);
    (void)snprintf(ret_text, NETWORK_TEXT_MAX, "%s/%u", address, network->prefix); /* 45 + 1 + 3 always fit */
}

bool network_contains(const struct network *network, const struct address *address)
{
    return network->base.bits == address->bits && same_prefix(&network->base, address, network->prefix);
}

bool network_contains_text(const struct network *network, const char *address)
{
    struct address parsed;
    return address_parse(address, &parsed) && network_contains(network, &parsed);
}

bool network_overlaps(const struct network *a, const struct network *b)
{
    if (a->base.bits != b->base.bits)
        return false;
    return same_prefix(&a->base, &b->base, a->prefix < b->prefix ? a->prefix : b->prefix);
}
