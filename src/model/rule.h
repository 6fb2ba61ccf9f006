/* Rules of notices: of which status of which requests whom is told, through what, in which words, and when. Pure; used by
 * airlockd, which checks the setting notify.rules, and by core, which follows it. The defaults are in rule.def. */
#ifndef AIRLOCK_MODEL_RULE_H
#define AIRLOCK_MODEL_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/status.h"

#define RULES_MAX 256
#define RULE_NAME_MAX 32                    /* bytes of a channel or template */
#define RULE_DELAY_MAX_S (366 * 24 * 3600)
#define RULE_MAIL "mail"
#define RULE_TEMPLATE "status"
#define RULE_DIGEST "digest" /* the template of summaries, which no rule may name */

/* Whom: bits of notify_bits, and the researchers of the workspace, whom no default names. */
enum { NOTIFY_RESEARCHERS = 1 << 3 };

struct rule {
    unsigned statuses;   /* bits 1 << enum status */
    unsigned directions; /* bits 1 << enum request_type */
    unsigned whom;       /* one bit of notify_bits, or NOTIFY_RESEARCHERS */
    char channel[RULE_NAME_MAX + 1]; /* mail, or the name of a receiver of events.webhooks */
    char template[RULE_NAME_MAX + 1];
    int64_t delay_s; /* sent only if the request has not moved on by then */
};

struct rules {
    size_t count;
    struct rule items[RULES_MAX];
};

/* Words with spaces between: "default" for the rows of rule.def, and
 * STATUS:DIRECTION:ROLE=CHANNEL[/TEMPLATE][+DELAY], where STATUS and DIRECTION may be an asterisk, ROLE is requestor,
 * managers, owners or researchers, and DELAY a number with s, m, h or d; "=off" takes back what was said of these before.
 * E_INVALID with a sentence that goes on after the setting's name; ret is untouched then. */
int rules_parse(const char *text, struct rules *ret, struct error *err) MUST_USE;
/* The next rule that speaks of that status of such a request, from *at on, which moves behind it; NULL: there is none. */
const struct rule *rules_next(const struct rules *rules, enum status status, enum request_type type, size_t *at);

/* Must these people hear of that status at once, whatever they chose? As rule.def says, whichever rule tells them. */
bool rule_is_mandatory(enum status status, unsigned whom);
const char *rule_whom_name(unsigned whom); /* "requestor", "managers", "owners", "researchers" */
bool rule_whom_by_name(const char *name, unsigned *ret);
/* Do rule.def and the notify column of status.def say the same? E_INTERNAL naming the first status where they differ. */
int rules_self_check(struct error *err) MUST_USE;

#endif
