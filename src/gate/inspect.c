/* One walk over a file for the gates of the child INSPECT. Runs in a sandboxed child; must never write but into the
 * scratch files, and never put a byte of the file into the report besides names. */
#include "gate/inspect.h"

#include "gate/text.h"
#include "gate/types.h"
#include "gate/walk.h"

struct inspect {
    const struct check *check;
    struct report *report;
    struct types types;
};

static bool runs(const struct inspect *inspect, enum gate gate)
{
    return inspect->check->gates & 1U << gate;
}

static int member_inspect(void *ctx, const struct member *member, struct error *err)
{
    struct inspect *inspect = ctx;
    char type[MAGIC_TYPE_MAX];
    int r = types_check(&inspect->types, inspect->check, member, runs(inspect, GATE_TYPES) ? inspect->report : NULL,
                        type, err);

    if (r)
        return r;
    if (member->path && runs(inspect, GATE_ARCHIVE))
        report_member(inspect->report, member->path, member->size, type);
    return text_check(inspect->check, member->fd, member->size, member->name, member->path, type, inspect->report, err);
}

static void trailing_report(void *ctx, const struct member *archive)
{
    const struct inspect *inspect = ctx;

    if (runs(inspect, GATE_TYPES))
        types_trailing(archive, inspect->report);
}

int inspect_prepare(struct error *err)
{
    walk_prepare();
    return types_open(err);
}

int inspect_check(const struct check *check, struct report *report, struct error *err)
{
    static const enum gate GATES[] = {GATE_ARCHIVE, GATE_TYPES, GATE_DISCLOSURE, GATE_IDENTIFIERS};
    struct inspect inspect = {.check = check, .report = report};
    struct walk walk = {.visit = member_inspect, .trailing = trailing_report, .ctx = &inspect};

    types_init(&inspect.types);
    walk.report = runs(&inspect, GATE_ARCHIVE) ? report : NULL;
    for (size_t i = 0; i < ARRAY_LEN(GATES); i++)
        if (runs(&inspect, GATES[i]))
            report_ran(report, GATES[i]);
    int r = walk_members(check, &walk, err);
    if (r > 0 && runs(&inspect, GATE_DISCLOSURE)) /* whatever the policy of the gate archive makes of that */
        report_add(report, FINDING_NOT_READ, NULL, "not everything in it could be unpacked");
    return r < 0 ? r : 0;
}
