/* What every test of airlock-blob's parts needs: cmocka, and a request head made by the real parser. */
#ifndef AIRLOCK_TESTS_BLOB_CHECK_H
#define AIRLOCK_TESTS_BLOB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "http/http.h"

/* A head and the bytes it points into. */
struct parsed_head {
    char bytes[4096];
    struct http_head head;
};

/* text: header lines, each with its line feed. */
static inline void parse_head(struct parsed_head *parsed, const char *headers)
{
    char *out = parsed->bytes;
    size_t used, text_len;
    int status;
    struct error err = {0};

    out += snprintf(out, sizeof parsed->bytes, "PUT /a/c/b HTTP/1.1\r\nHost: h\r\n");
    for (const char *c = headers; *c; c++) {
        if (*c == '\n')
            *out++ = '\r';
        *out++ = *c;
    }
    memcpy(out, "\r\n", 3);
    text_len = (size_t)(out - parsed->bytes) + 2;
    if (http_parse_head(parsed->bytes, text_len, &parsed->head, &used, &status, &err) != 1)
        fail_msg("head is refused: %s", err.detail);
}

#endif
