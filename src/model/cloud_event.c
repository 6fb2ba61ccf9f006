/* The table of events' kinds. Pure; any process. */
#include "model/cloud_event.h"

#include <string.h>

#include "base/str.h"

static const struct {
    const char *name, *what;
} KINDS[CLOUD_EVENT_COUNT] = {
#define X(name, kind, what) {kind, what},
#include "model/cloud_event.def"
#undef X
};

const char *cloud_event_name(enum cloud_event kind)
{
    return KINDS[kind].name;
}

const char *cloud_event_what(enum cloud_event kind)
{
    return KINDS[kind].what;
}

bool cloud_event_by_name(const char *name, enum cloud_event *ret)
{
    for (size_t i = 0; i < CLOUD_EVENT_COUNT; i++)
        if (strcmp(KINDS[i].name, name) == 0) {
            *ret = (enum cloud_event)i;
            return true;
        }
    return false;
}

static int kind_unknown(const char *word, struct error *err)
{
    AUTO_STR struct str known = STR_INIT(400);

    for (int i = 0; i < CLOUD_EVENT_COUNT; i++)
        str_printf(&known, "%s%s", i > 0 ? ", " : "", KINDS[i].name);
    return error_set(err, E_INVALID, "names the event \"%.60s\", which there is not; there are %s", word,
                     str_text(&known));
}

int cloud_event_kinds_parse(const char *text, const char *separators, unsigned *ret_kinds, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;
    unsigned kinds = 0;

    for (const char *word; (word = strtok_r(rest, separators, &rest));) {
        enum cloud_event kind;
        if (!cloud_event_by_name(word, &kind))
            return kind_unknown(word, err);
        kinds |= 1U << kind;
    }
    *ret_kinds = kinds ? kinds : CLOUD_EVENT_ALL;
    return 0;
}
