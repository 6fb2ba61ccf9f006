/* Fuzz target: the chunked decoder, against two others. What we accept, both accept, with the same payload and the same
 * end; and however input and output are cut, the reading is the same. The first two bytes choose the cuts.
 *
 * Expected disagreement: http-parser reads trailers as headers and refuses framing fields there; we drop all trailers.
 */
#include <assert.h>
#include <string.h>

#include "http/internal.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    int rc;
    size_t used;
    size_t made;
    bool trailers;
    char *out;
};

/* step: bytes of input given at a time; room: bytes of output taken at a time. */
static struct reading read_all(const char *in, size_t len, size_t step, size_t room)
{
    struct reading r = {.out = xmalloc(len)};
    struct http_chunked c = {0};

    while (r.rc == 0 && r.used < len) {
        size_t give = len - r.used < step ? len - r.used : step;
        size_t used = 0;
        size_t made = 0;
        AUTO_FREE char *piece = xmalloc(give);
        AUTO_FREE char *out = xmalloc(room);
        memcpy(piece, in + r.used, give);
        r.rc = http_chunked_read(&c, piece, give, &used, out, room, &made, NULL);
        if (r.rc < 0)
            break;
        assert(used <= give && made <= used && made <= room && (used > 0 || r.rc == 1));
        memcpy(r.out + r.made, out, made);
        r.used += used;
        r.made += made;
    }
    r.trailers = c.trailer > 1;
    return r;
}

typedef enum oracle_verdict oracle_fn(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used);

static void check_against(const struct reading *ours, const char *in, size_t len, oracle_fn *oracle)
{
    AUTO_FREE char *out = xmalloc(len);
    size_t made = 0;
    size_t used = 0;
    enum oracle_verdict verdict = oracle(in, len, out, &made, &used);
    if (verdict == ORACLE_SILENT)
        return;
    assert(verdict == ORACLE_ACCEPTS);
    assert(used == ours->used && made == ours->made && memcmp(out, ours->out, made) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *in = (const char *)data + 2;
    size_t len = size - 2;
    struct reading whole = read_all(in, len, len + 1, len + 1);
    struct reading cut = read_all(in, len, 1 + data[0] % 32u, 1 + data[1] % 32u);

    assert(whole.rc == cut.rc);
    assert(whole.rc < 0 || (whole.used == cut.used && whole.made == cut.made));
    assert(whole.rc < 0 || memcmp(whole.out, cut.out, whole.made) == 0);
    if (whole.rc == 1) {
        check_against(&whole, in, len, oracle_pico_chunked);
        if (!whole.trailers)
            check_against(&whole, in, len, oracle_node_chunked);
    }
    free(whole.out);
    free(cut.out);
    return 0;
}
