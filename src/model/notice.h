/* Words of the mails to people, by status (notice.def), and what a person may choose (notice_choice.def). Pure; used by
 * airlock-core. */
#ifndef AIRLOCK_MODEL_NOTICE_H
#define AIRLOCK_MODEL_NOTICE_H

#include "model/rule.h"
#include "model/status.h"

enum notice_choice {
#define X(name, wire, what) NOTICE_##name,
#include "model/notice_choice.def"
#undef X
    NOTICE_CHOICE_COUNT
};

const char *notice_choice_name(enum notice_choice choice);
bool notice_choice_by_name(const char *name, enum notice_choice *ret);

const char *notice_status_words(enum status status); /* "in review" */
/* One sentence for people whom a rule names so: what comes next, or is to be done. */
const char *notice_next(enum status status, enum request_type type, unsigned whom);

#endif
