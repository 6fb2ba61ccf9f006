/* The checks of a verified SAS against the request at hand: time, protocol, address, permission. Pure. */
#include "model/sas.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/network.h"
#include "model/authz.h"

int sas_check_time(const struct sas_fields *fields, int64_t now, int64_t grace_s, struct error *err)
{
    int64_t start = INT64_MIN, end;

    if (fields->st[0] != '\0' && !clock_parse_sas(fields->st, &start))
        return error_set_field(err, E_SAS, "st", "\"st\" is not a time");
    if (!clock_parse_sas(fields->se, &end))
        return error_set_field(err, E_SAS, "se", "\"se\" is not a time");
    if (now < start || now - grace_s >= end)
        return error_set_field(err, E_SAS, now < start ? "st" : "se",
                               "Signature not valid in the specified time frame");
    return 0;
}

int sas_check_protocol(const struct sas_fields *fields, bool is_tls, struct error *err)
{
    if (strcmp(fields->spr, "") == 0 || strcmp(fields->spr, "https,http") == 0)
        return 0;
    if (strcmp(fields->spr, "https") == 0 && is_tls)
        return 0;
    return error_set_field(err, E_SAS_PROTOCOL, "spr",
                           "This request is not authorized to perform this operation using this protocol");
}

/* "first-last" or one address, into a closed range. */
static bool parse_range(const char *sip, struct address *ret_first, struct address *ret_last)
{
    char first[INET6_ADDRSTRLEN];
    size_t len = strcspn(sip, "-");

    if (len >= sizeof first)
        return false;
    memcpy(first, sip, len);
    first[len] = '\0';
    if (!address_parse(first, ret_first))
        return false;
    if (sip[len] == '\0') {
        *ret_last = *ret_first;
        return true;
    }
    return address_parse(sip + len + 1, ret_last) && ret_first->bits == ret_last->bits &&
           address_compare(ret_first, ret_last) <= 0;
}

int sas_check_address(const struct sas_fields *fields, const char *address, struct error *err)
{
    struct address first, last, client;

    if (fields->sip[0] == '\0')
        return 0;
    if (parse_range(fields->sip, &first, &last) && address_parse(address, &client) && client.bits == first.bits &&
        address_compare(&first, &client) <= 0 && address_compare(&client, &last) <= 0)
        return 0;
    return error_set_field(err, E_SAS_ADDRESS, "sip",
                           "This request is not authorized to perform this operation using this source IP %s", address);
}

int sas_check_permission(const struct sas_fields *fields, unsigned needed, struct error *err)
{
    unsigned granted;

    if (permission_parse(fields->sp, &granted, NULL) < 0)
        return error_set_field(err, E_SAS, "sp", "\"sp\" has unknown or repeated letters");
    if (!(granted & needed))
        return error_set_field(err, E_SAS_PERMISSION, "sp",
                               "This request is not authorized to perform this operation using this permission");
    return 0;
}
