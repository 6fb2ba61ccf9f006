/* The table of policy values and the check of a submit against it. Pure. */
#include "model/policy.h"

#include <inttypes.h>

static const struct policy_facts POLICIES[] = {
#define X(name, member, wire, min, max, fallback, what) {wire, min, max, fallback, what},
#include "model/policy.def"
#undef X
};

const struct policy_facts *policy_facts(enum policy_row row)
{
    return &POLICIES[row];
}

/* The one place that maps a row to its member. */
static int64_t *policy_member(struct policy *policy, enum policy_row row)
{
    switch (row) {
#define X(name, member, wire, min, max, fallback, what) \
    case POLICY_##name:                                 \
        return &policy->member;
#include "model/policy.def"
#undef X
    case POLICY_COUNT:
        break;
    }
    abort();
}

void policy_init(struct policy *ret_policy)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        *policy_member(ret_policy, (enum policy_row)i) = POLICIES[i].fallback;
}

int64_t policy_get(const struct policy *policy, enum policy_row row)
{
    struct policy copy = *policy;
    return *policy_member(&copy, row);
}

int policy_set(struct policy *policy, enum policy_row row, int64_t value, struct error *err)
{
    const struct policy_facts *facts = &POLICIES[row];

    if (value < facts->min || value > facts->max)
        return error_set_field(err, E_INVALID, facts->name, "\"%s\" (%s) must be between %" PRId64 " and %" PRId64,
                               facts->name, facts->what, facts->min, facts->max);
    *policy_member(policy, row) = value;
    return 0;
}

int policy_check_submit(const struct policy *policy, int64_t file_count, int64_t total_bytes, struct error *err)
{
    if (file_count <= 0)
        return error_set(err, E_CONFLICT, "Request did not contain any files.");
    if (file_count > policy->max_files)
        return error_set(err, E_CONFLICT, "Request contained more than %" PRId64 " file%s.", policy->max_files,
                         policy->max_files == 1 ? "" : "s");
    if (total_bytes > policy->max_bytes)
        return error_set(err, E_CONFLICT, "Request contained more than %" PRId64 " bytes.", policy->max_bytes);
    return 0;
}
