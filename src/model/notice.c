/* Look-ups in the tables of notices. Pure. */
#include "model/notice.h"

#include <string.h>

static const struct {
    const char *words, *of_requestor[REQUEST_TYPE_COUNT], *of_managers, *of_others;
} WORDS[STATUS_COUNT] = {
#define X(status, words, of_import, of_export, of_managers, of_others) \
    [STATUS_##status] = {                                              \
        words, {[REQUEST_IMPORT] = (of_import), [REQUEST_EXPORT] = (of_export)}, of_managers, of_others},
#include "model/notice.def"
#undef X
};

static const char *const CHOICES[] = {
#define X(name, wire, what) [NOTICE_##name] = (wire),
#include "model/notice_choice.def"
#undef X
};

const char *notice_choice_name(enum notice_choice choice)
{
    return CHOICES[choice];
}

bool notice_choice_by_name(const char *name, enum notice_choice *ret)
{
    for (size_t i = 0; i < NOTICE_CHOICE_COUNT; i++)
        if (strcmp(CHOICES[i], name) == 0) {
            *ret = (enum notice_choice)i;
            return true;
        }
    return false;
}

const char *notice_status_words(enum status status)
{
    return WORDS[status].words;
}

const char *notice_next(enum status status, enum request_type type, unsigned whom)
{
    if (whom == NOTIFY_REQUESTOR)
        return WORDS[status].of_requestor[type];
    return whom == NOTIFY_MANAGERS ? WORDS[status].of_managers : WORDS[status].of_others;
}
