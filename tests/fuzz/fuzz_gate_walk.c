/* Fuzz target: the walk over whatever a file holds, with libarchive behind it. The input is a file. The walk ends, what
 * it shows is within the limits, and a file of which something was left out is never called whole. */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "gate/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct shown {
    const struct gate_policy *policy;
    uint64_t bytes;
    int64_t members;
    bool damaged;
};

static int show(void *ctx, const struct member *member, struct error *err)
{
    struct shown *shown = ctx;

    (void)err;
    assert(member->name && member->depth <= CHECK_SCRATCH_MAX);
    assert(lseek(member->fd, 0, SEEK_CUR) == 0 && lseek(member->fd, 0, SEEK_END) == (off_t)member->size);
    shown->damaged = shown->damaged || !member->whole;
    if (!member->path)
        return 0;
    shown->bytes += member->size;
    assert(++shown->members <= shown->policy->number[GATE_POLICY_ARCHIVE_MEMBERS]);
    assert(shown->bytes <= (uint64_t)shown->policy->number[GATE_POLICY_ARCHIVE_BYTES]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_GATE_POLICY struct gate_policy policy;
    struct check check = {.name = "input.gz", .size = size, .policy = &policy, .scanner = -1};
    struct shown shown = {.policy = &policy};
    struct walk walk = {.visit = show, .ctx = &shown};

    gate_policy_init(&policy);
    policy.number[GATE_POLICY_ARCHIVE_BYTES] = 32 << 20;
    policy.number[GATE_POLICY_ARCHIVE_MEMBERS] = 200;
    AUTO_REPORT struct report *report = report_new(&policy);
    walk.report = report;
    check.fd = memfd_create("input", MFD_CLOEXEC);
    for (int i = 0; i < CHECK_SCRATCH_MAX; i++)
        check.scratch[i] = memfd_create("scratch", MFD_CLOEXEC);
    if (file_write_all(check.fd, data, size, NULL) == 0) {
        int missed = walk_members(&check, &walk, NULL);
        assert(missed >= 0 && (missed > 0 || !shown.damaged));
        assert(missed == 0 || report_verdict(report, GATE_ARCHIVE) == VERDICT_BLOCK);
    }
    for (int i = 0; i < CHECK_SCRATCH_MAX; i++)
        (void)close(check.scratch[i]);
    (void)close(check.fd);
    return 0;
}
