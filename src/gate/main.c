/* airlock-gate: looks at the files of requests, each in a sandboxed child of its own that has this one file and nothing
 * else. It has a channel to core, whose jobs it does, one to the mover, who lends it the files, the malware scanner's
 * sockets and a directory for files without a name. It never opens a stored file itself, the network, the database or a
 * key, and it decides nothing: core judges its results. */
#include "gate/inspect.h"
#include "gate/malware.h"
#include "gate/supervisor.h"

static const struct checks CHECKS = {
    .prepare = inspect_prepare,
    .run = {[GATE_CHILD_SCAN] = malware_check, [GATE_CHILD_INSPECT] = inspect_check},
};

int main(void)
{
    struct supervisor *supervisor = supervisor_new(child_begin(), &CHECKS);

    supervisor_confine(supervisor);
    supervisor_run(supervisor);
}
