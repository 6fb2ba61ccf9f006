/* Other parsers of HTTP, asked the same question: libh2o's picohttpparser and http-parser (Node.js's former one). Both
 * are laxer than airlock by design, so what matters is "we accept and they do not", and two different readings. Where a
 * library is not installed its oracle answers nothing (ORACLE_SILENT). */
#ifndef AIRLOCK_TESTS_FUZZ_ORACLE_H
#define AIRLOCK_TESTS_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oracle_verdict { ORACLE_SILENT, ORACLE_REFUSES, ORACLE_WANTS_MORE, ORACLE_ACCEPTS };

struct oracle_head {
    size_t size;
    char method[40];
    const char *target; /* in the input */
    size_t target_len;
    size_t headers;
    int minor;
    bool has_framing; /* only http-parser looks at these two */
    bool chunked;
    uint64_t content_length; /* UINT64_MAX: none */
};

enum oracle_verdict oracle_pico_head(const char *in, size_t len, struct oracle_head *ret);
enum oracle_verdict oracle_node_head(const char *in, size_t len, struct oracle_head *ret);

/* ret_out holds len bytes. ret_used: where the body's framing ends. */
enum oracle_verdict oracle_pico_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used);
enum oracle_verdict oracle_node_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used);

#endif
