/* airlock-gate with checks that act as the file's content says, for test_supervisor.c: all but the checks is real. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "gate/supervisor.h"

static int act(const struct check *check, struct report *report, struct error *err)
{
    char words[64] = "";

    for (int i = 0; i < GATE_COUNT; i++)
        if (check->gates & 1U << i)
            report_ran(report, (enum gate)i);
    if (pread(check->fd, words, sizeof words - 1, 0) < 0)
        return error_set_errno(err, E_IO, "Cannot read");
    if (strncmp(words, "find ", 5) == 0)
        for (int i = 0; i < atoi(words + 5); i++)
            report_add(report, FINDING_SECRET, &(struct spot){.row = i + 1, .column = "some column of a table"}, NULL);
    if (strcmp(words, "crash") == 0)
        abort();
    while (strcmp(words, "hang") == 0)
        (void)poll(NULL, 0, 1000);
    if (strcmp(words, "fail") == 0)
        return error_set(err, E_IO, "this disk is broken");
    return 0;
}

static const struct checks CHECKS = {.run = {[GATE_CHILD_INSPECT] = act}};

int main(void)
{
    struct supervisor *supervisor = supervisor_new(child_begin(), &CHECKS);

    supervisor_confine(supervisor);
    supervisor_run(supervisor);
}
