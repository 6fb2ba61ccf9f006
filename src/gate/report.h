/* What one child found in one file: findings, members, and a verdict for each gate that it ran. Filled in a sandboxed
 * child of airlock-gate; the child writes it as JSON into its pipe and ends. A finding says where, and never what: no
 * byte of the file may get into it. */
#ifndef AIRLOCK_GATE_REPORT_H
#define AIRLOCK_GATE_REPORT_H

#include "base/json.h"
#include "model/gate.h"

#define REPORT_MEMBERS_MAX 1000 /* listed; the others are counted */
#define REPORT_NAME_MAX 1024    /* bytes of a member's or column's name; longer ones are cut */
#define REPORT_DETAIL_MAX 300
#define REPORT_JSON_MAX (4 * 1024 * 1024) /* of one child */

struct report;

/* Where in the file. Zero or NULL: says nothing. */
struct spot {
    const char *member; /* path in the archive; of archives inside archives with "!/" between */
    int64_t row;        /* from 1, the heading among them */
    const char *column; /* its heading, or its number from 1 where there is none */
    int64_t count;      /* of alike findings that this one stands for */
};

/* policy is borrowed and must live as long. */
struct report *report_new(const struct gate_policy *policy);
void report_free(struct report *report);
static inline void cleanup_report_(struct report **report)
{
    report_free(*report);
}
#define AUTO_REPORT CLEANUP(cleanup_report_)

/* The gate was run: without findings it passes. Gates that nobody names here are not in the report. */
void report_ran(struct report *report, enum gate gate);
/* Adds a finding of its gate, and runs the verdict up. detail: NULL, or a few words of our own (never of the file). Past
 * the policy's number of findings they are counted only, but still judge. */
void report_add(struct report *report, enum finding finding, const struct spot *spot, const char *detail, ...)
    PRINTF_LIKE(4, 5);
/* How many of the finding there were. */
int64_t report_count(const struct report *report, enum finding finding);
/* A member of an archive, for the reviewer: its path as in spot, its unpacked size, its type or NULL. */
void report_member(struct report *report, const char *path, uint64_t size, const char *type);
/* What the file is ("text/csv"), for the gate types. */
void report_type(struct report *report, const char *type);
/* The scanner's engine, base and date, for the gate malware: stolen. */
void report_engine(struct report *report, json_t *engine_stolen);
/* The gate cannot say: something that is not the file's fault. The last detail counts. */
void report_unsure(struct report *report, enum gate gate, const char *detail, ...) PRINTF_LIKE(3, 4);

enum verdict report_verdict(const struct report *report, enum gate gate);
/* [{"gate", "verdict", "findings": [{"code", "verdict", "member"?, "row"?, "column"?, "count"?, "detail"?}],
 *   "omitted", "detail"?, "type"?, "engine"?, "members"?, "membersOmitted"?}]. The caller's. */
json_t *report_render(const struct report *report);

#endif
