/* The default policy, for the tests of one file: policy_begin and policy_end are its group's set-up and tear-down. */
#ifndef AIRLOCK_TESTS_GATE_POLICY_H
#define AIRLOCK_TESTS_GATE_POLICY_H

#include "../check.h"
#include "model/gate_policy.h"

static struct gate_policy policy;

static int policy_begin(void **state)
{
    (void)state;
    gate_policy_init(&policy);
    return 0;
}

static int policy_end(void **state)
{
    (void)state;
    gate_policy_done(&policy);
    return 0;
}

#endif
