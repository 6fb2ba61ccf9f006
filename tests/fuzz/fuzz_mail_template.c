/* Fuzz target: an operator's template, and what is made of it. What is refused names its line; what is taken renders within
 * its bound, and whatever it does, a value's markup stays text. */
#include <assert.h>
#include <string.h>

#include "notify/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sample title, as it must never stand in HTML unless the template itself says it. */
static const char MARKUP[] = "<later>";

static void render(const struct template *template, const json_t *values, bool is_html, bool says_it)
{
    AUTO_STR struct str out = STR_INIT(TEMPLATE_OUT_MAX);

    template_render(template, values, &out);
    assert(out.len <= TEMPLATE_OUT_MAX);
    assert(!is_html || says_it || !strstr(str_text(&out), MARKUP));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *)data : "";
    bool says_it = memchr(text, '>', size) != NULL;

    for (int form = TEMPLATE_TEXT; form <= TEMPLATE_HTML; form++) {
        struct template *template = NULL;
        struct error err = {0};
        if (template_parse("t", text, size, (enum template_form)form, &template, &err) != 0) {
            assert(!template && err.code == E_CONFIG && str_starts(err.detail, "t:"));
            continue;
        }
        AUTO_JSON json_t *samples = template_samples();
        AUTO_JSON json_t *nothing = json_object();
        render(template, samples, form == TEMPLATE_HTML, says_it);
        render(template, nothing, form == TEMPLATE_HTML, says_it);
        template_free(template);
    }
    return 0;
}
