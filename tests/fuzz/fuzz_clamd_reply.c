/* Fuzz target: what clamd answers. Clean is one text and no other; names and versions that are taken are printable. */
#include <assert.h>
#include <string.h>

#include "gate/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "fd[", digits, "]: OK": said once more, in another way. */
static bool is_ok(const char *text, size_t len)
{
    size_t at = 3;

    while (at < len && text[at] >= '0' && text[at] <= '9')
        at++;
    return len > 8 && memcmp(text, "fd[", 3) == 0 && at > 3 && len - at == 5 && memcmp(text + at, "]: OK", 5) == 0;
}

static void check_text(const char *text)
{
    assert(strlen(text) < REPLY_TEXT_MAX);
    for (; *text; text++)
        assert(*text >= ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply reply;
    struct version version;

    reply_scan((const char *)data, size, &reply);
    assert(reply.kind >= 0 && reply.kind < REPLY_KIND_COUNT);
    assert(reply.kind != REPLY_CLEAN || is_ok((const char *)data, size));
    assert((reply.text[0] != '\0') == (reply.kind != REPLY_CLEAN && reply.kind != REPLY_NONSENSE));
    check_text(reply.text);
    if (reply_version((const char *)data, size, &version)) {
        check_text(version.text);
        assert(version.engine[0] && strlen(version.text) == size && version.base_s >= 0);
        AUTO_JSON json_t *engine = version_render(&version);
        assert(json_is_object(engine));
    }
    return 0;
}
