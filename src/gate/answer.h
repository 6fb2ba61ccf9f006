/* What a child of airlock-gate said, taken as hostile: whoever sent the file may have taken the child over. Nothing of
 * it is passed on as it came: codes are looked up in the tables, verdicts are judged anew, texts and numbers meet their
 * bounds, and everything else is dropped. Pure. */
#ifndef AIRLOCK_GATE_ANSWER_H
#define AIRLOCK_GATE_ANSWER_H

#include "gate/report.h"

/* Of one gate about one file. */
struct answer_part {
    bool there;
    enum verdict verdict;
    json_t *file;   /* {"verdict","findings":[…],"omitted","detail"?,"type"?,"members"?,"membersOmitted"?} */
    json_t *engine; /* of the scanner; NULL: none */
};

struct answer {
    struct answer_part parts[GATE_COUNT];
};
void answer_done(struct answer *answer);
#define AUTO_ANSWER CLEANUP(answer_done)

/* The words of a check of ours. gates: bits of those that were to run; each must be there, and no other. E_PROTOCOL for
 * anything that no honest child says. */
int answer_read(const char *text, size_t len, unsigned gates, const struct gate_policy *policy, struct answer *ret,
                struct error *err) MUST_USE;

/* The words of an organisation's own program: {"verdict": "pass|warn|block", "findings": [{"code", "row"?, "column"?,
 * "detail"?}]}. Its codes are its own. */
int answer_read_command(const char *text, size_t len, const struct gate_policy *policy, struct answer_part *ret,
                        struct error *err) MUST_USE;
void answer_part_done(struct answer_part *part);

#endif
