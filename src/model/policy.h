/* What a workspace allows a request to be: number of files, bytes, life of links. Bounds and defaults are in
 * policy.def. Pure; used by core when a request is submitted and when a workspace is changed. */
#ifndef AIRLOCK_MODEL_POLICY_H
#define AIRLOCK_MODEL_POLICY_H

#include <stdint.h>

#include "base/error.h"

struct policy {
#define X(name, member, wire, min, max, fallback, what) int64_t member;
#include "model/policy.def"
#undef X
};

enum policy_row {
#define X(name, member, wire, min, max, fallback, what) POLICY_##name,
#include "model/policy.def"
#undef X
    POLICY_COUNT
};

struct policy_facts {
    const char *name;
    int64_t min, max, fallback;
    const char *what;
};

const struct policy_facts *policy_facts(enum policy_row row);
void policy_init(struct policy *ret_policy); /* the defaults */
int64_t policy_get(const struct policy *policy, enum policy_row row);
/* E_INVALID naming the field when out of bounds. */
int policy_set(struct policy *policy, enum policy_row row, int64_t value, struct error *err) MUST_USE;

/* E_CONFLICT with AzureTRE's sentence ("Request did not contain any files.", "Request contained more than 1 file.");
 * the request stays a draft. */
int policy_check_submit(const struct policy *policy, int64_t file_count, int64_t total_bytes,
                        struct error *err) MUST_USE;

#endif
