/* The gates between the seal and the review: which run and by what policy, what airlock-gate is told to do, and what
 * its results do to a request. A request whose gates could not say waits with a reason, and goes nowhere. Nothing here
 * sees a byte of a file. */
#ifndef AIRLOCK_CORE_GATES_H
#define AIRLOCK_CORE_GATES_H

#include "core/outcome.h"
#include "model/gate.h"

#define NOT_SCANNED "not scanned by policy"

/* gates.c: what is to be done */

/* What the gates do with requests of that type in a workspace; gate_policy_done also after an error: the TRE's settings
 * and the workspace's rows were checked when they were set, but another release may know other rows. */
int gates_policy(const struct core *core, const struct workspace *w, enum request_type type, struct gate_policy *ret,
                 struct error *err) MUST_USE;
/* Bits 1 << enum gate: those that the policy turns on. Without a configured scanner nothing is scanned. */
unsigned gates_wanted(const struct core *core, const struct gate_policy *policy);
/* A workspace's rows with those of a change over them; null takes one back. JSON, the caller's. */
char *gates_merge(const char *present, const json_t *change);
/* Do the rows name only external gates and programs that there are? E_INVALID naming the first that there is not. */
int gates_check_names(const struct core *core, const json_t *change, struct error *err) MUST_USE;
/* The request was sealed: the gates are queued, or, where none is on, it goes to the review. */
int gates_begin(struct outcome *o, struct error *err) MUST_USE;
/* What a lease of a gates or check job says besides. The policy is kept with the job: its result is judged by it. */
int gates_describe(struct core *core, const struct job *job, const struct request *req, json_t *out,
                   struct error *err) MUST_USE;

/* gates_result.c: what was done */

/* The verdict of all gates is known: the report is kept, the job is over, and the request goes on. blocked: why, for
 * people, where one blocks. */
int gates_conclude(struct outcome *o, const json_t *gates, enum verdict verdict, const char *blocked,
                   const struct gate_policy *policy, struct error *err) MUST_USE;
/* The policy that the job's last lease was told; E_STALE when there was none. gate_policy_done also after an error. */
int gates_job_policy(const struct job *job, struct gate_policy *ret, struct error *err) MUST_USE;
/* What a request waits for, for people: a text, or null for nothing in particular. NULL: no word of it. */
int gates_tell(struct core *core, const struct job *job, const json_t *reason, struct error *err) MUST_USE;
/* The names of a report's files come from the rows, not from who read the files; "blob" goes. E_STALE for one that is not
 * the request's. */
int gates_name_files(struct outcome *o, json_t *gates, struct error *err) MUST_USE;
int gates_take_checked(struct outcome *o, struct error *err) MUST_USE;
int gates_take_unsure(struct outcome *o, struct error *err) MUST_USE;
/* They could not say: the reason is shown, and they are tried again, or given up. */
int gates_take_reason(struct outcome *o, const char *reason, struct error *err) MUST_USE;
/* Gates are tried for a time and not for a number of times: what they wait for is seldom the files' fault. */
bool gates_give_up(const struct core *core, const struct call *call, const struct job *job);
/* The job will not be tried again. detail: why. */
int gates_end_without(struct outcome *o, const char *detail, struct error *err) MUST_USE;

/* gates_report.c: what people see of it */

/* What the gate of that name said, in a list of gates; NULL: nothing. Borrowed. */
const json_t *gates_part(const json_t *gates, const char *name);

/* Keeps a report for the request, in short with the request itself. gates: as job.result brings them, judged. */
int gates_keep_report(struct core *core, const struct call *call, struct request *req, const json_t *gates,
                      enum verdict verdict, const struct gate_policy *policy, struct error *err) MUST_USE;

call_handler request_gates, request_check, request_check_result;

#endif
