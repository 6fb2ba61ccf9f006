/* The decoder of chunked request bodies, for every process that faces HTTP. Pure: a byte at a time for the framing,
 * whole runs for the payload. Strict: CRLF only, no white space, at most 16 hex digits, bounded extensions and
 * trailers, which are read and dropped. Source: RFC 9112 7.1. */
#include <string.h>

#include "base/num.h"
#include "http/internal.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_text(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

static int broken(struct error *err, const char *why)
{
    return error_set(err, E_PROTOCOL, "The chunked body is malformed: %s", why);
}

static int read_size(struct http_chunked *c, char byte, struct error *err)
{
    int digit = num_hex_digit(byte);
    if (digit >= 0) {
        if (++c->digits > 16 || c->left > (uint64_t)INT64_MAX >> 4)
            return broken(err, "a chunk size is out of bounds");
        c->left = c->left << 4 | (uint64_t)digit;
        return 0;
    }
    if (c->digits == 0 || (byte != ';' && byte != '\r'))
        return broken(err, "a chunk size must be hex digits");
    c->extension = 0;
    c->state = byte == ';' ? CHUNKED_EXTENSION : CHUNKED_SIZE_LF;
    return 0;
}

static int read_extension(struct http_chunked *c, char byte, struct error *err)
{
    if (byte == '\r')
        c->state = CHUNKED_SIZE_LF;
    else if (!is_text(byte))
        return broken(err, "a chunk extension has a control character");
    else if (++c->extension > HTTP_EXTENSION_MAX)
        return error_set(err, E_LIMIT, "A chunk extension is too long");
    return 0;
}

static int read_trailer(struct http_chunked *c, char byte, struct error *err)
{
    if (++c->trailer > HTTP_TRAILER_MAX)
        return error_set(err, E_LIMIT, "The trailers are too long");
    switch (c->state) {
    case CHUNKED_TRAILER:
        c->state = byte == '\r' ? CHUNKED_END_LF : CHUNKED_TRAILER_NAME;
        return byte == '\r' || is_name(byte) ? 0 : broken(err, "a trailer must begin with its name");
    case CHUNKED_TRAILER_NAME:
        if (byte == ':')
            c->state = CHUNKED_TRAILER_VALUE;
        return byte == ':' || is_name(byte) ? 0 : broken(err, "a trailer must be a name, a colon and a value");
    default:
        if (byte == '\r')
            c->state = CHUNKED_TRAILER_LF;
        return byte == '\r' || is_text(byte) ? 0 : broken(err, "a trailer has a control character");
    }
}

/* The line feed or carriage return that must stand here. */
static int read_exactly(struct http_chunked *c, char byte, char wanted, enum http_chunked_state next, struct error *err)
{
    if (byte != wanted)
        return broken(err, "lines and chunks must end with CR LF");
    c->state = next;
    return 0;
}

static int read_framing(struct http_chunked *c, char byte, struct error *err)
{
    switch (c->state) {
    case CHUNKED_SIZE:
        return read_size(c, byte, err);
    case CHUNKED_EXTENSION:
        return read_extension(c, byte, err);
    case CHUNKED_SIZE_LF:
        c->digits = 0;
        return read_exactly(c, byte, '\n', c->left ? CHUNKED_DATA : CHUNKED_TRAILER, err);
    case CHUNKED_DATA_CR:
        return read_exactly(c, byte, '\r', CHUNKED_DATA_LF, err);
    case CHUNKED_DATA_LF:
        return read_exactly(c, byte, '\n', CHUNKED_SIZE, err);
    case CHUNKED_TRAILER:
    case CHUNKED_TRAILER_NAME:
    case CHUNKED_TRAILER_VALUE:
        return read_trailer(c, byte, err);
    case CHUNKED_TRAILER_LF:
        return read_exactly(c, byte, '\n', CHUNKED_TRAILER, err);
    case CHUNKED_END_LF:
        return read_exactly(c, byte, '\n', CHUNKED_END, err);
    case CHUNKED_DATA:
    case CHUNKED_END:
        break;
    }
    return broken(err, "bytes where there is no framing");
}

int http_chunked_read(struct http_chunked *c, const char *in, size_t in_len, size_t *ret_used, char *out, size_t room,
                      size_t *ret_out, struct error *err)
{
    size_t used = 0;
    size_t made = 0;

    while (used < in_len && c->state != CHUNKED_END) {
        if (c->state == CHUNKED_DATA) {
            size_t run = in_len - used < room - made ? in_len - used : room - made;
            if (run == 0)
                break;
            if (run > c->left)
                run = (size_t)c->left;
            memcpy(out + made, in + used, run);
            http_chunked_skip(c, run);
            used += run;
            made += run;
            continue;
        }
        int rc = read_framing(c, in[used], err);
        if (rc)
            return rc;
        used++;
    }
    *ret_used = used;
    *ret_out = made;
    return c->state == CHUNKED_END;
}

uint64_t http_chunked_direct(const struct http_chunked *c)
{
    return c->state == CHUNKED_DATA ? c->left : 0;
}

void http_chunked_skip(struct http_chunked *c, uint64_t taken)
{
    c->left -= taken;
    if (c->left == 0)
        c->state = CHUNKED_DATA_CR;
}
