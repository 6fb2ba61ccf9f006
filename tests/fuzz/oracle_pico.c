/* The oracle picohttpparser, as libh2o-evloop exports it. Its header is not in Debian's package, hence the
 * declarations. */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "oracle.h"

#ifdef HAVE_PICO

struct phr_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

struct phr_chunked_decoder {
    size_t bytes_left_in_chunk;
    char consume_trailer;
    char hex_count;
    char state;
};

int phr_parse_request(const char *buf, size_t len, const char **method, size_t *method_len, const char **path,
                      size_t *path_len, int *minor_version, struct phr_header *headers, size_t *num_headers,
                      size_t last_len);
ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *buf, size_t *bufsz);

enum oracle_verdict oracle_pico_head(const char *in, size_t len, struct oracle_head *ret)
{
    struct phr_header headers[256];
    struct oracle_head head = {.headers = 256, .content_length = UINT64_MAX};
    const char *method;
    size_t method_len;
    int rc = phr_parse_request(in, len, &method, &method_len, &head.target, &head.target_len, &head.minor, headers,
                               &head.headers, 0);
    if (rc < 0)
        return rc == -2 ? ORACLE_WANTS_MORE : ORACLE_REFUSES;
    if (method_len >= sizeof head.method)
        return ORACLE_REFUSES;
    memcpy(head.method, method, method_len);
    head.size = (size_t)rc;
    *ret = head;
    return ORACLE_ACCEPTS;
}

enum oracle_verdict oracle_pico_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used)
{
    struct phr_chunked_decoder decoder = {.consume_trailer = 1};
    size_t made = len;
    memcpy(ret_out, in, len);
    ssize_t rc = phr_decode_chunked(&decoder, ret_out, &made);
    if (rc < 0)
        return rc == -2 ? ORACLE_WANTS_MORE : ORACLE_REFUSES;
    *ret_made = made;
    *ret_used = len - (size_t)rc;
    return ORACLE_ACCEPTS;
}

#else

enum oracle_verdict oracle_pico_head(const char *in, size_t len, struct oracle_head *ret)
{
    (void)in;
    (void)len;
    (void)ret;
    return ORACLE_SILENT;
}

enum oracle_verdict oracle_pico_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used)
{
    (void)in;
    (void)len;
    (void)ret_out;
    (void)ret_made;
    (void)ret_used;
    return ORACLE_SILENT;
}

#endif
