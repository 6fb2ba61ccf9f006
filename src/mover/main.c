/* airlock-mover: renames, hashes, verifies, delivers and removes the bytes of requests, under leases from airlock-core.
 * It has the storage root and a channel to core, and lends files to the gate by another one. It never opens the network, the database or a key, and it decides
 * nothing: core names every directory and judges every result. */
#include "base/log.h"
#include "mover/confine.h"
#include "mover/worker.h"

int main(void)
{
    struct child *child = child_begin();
    struct error err = {0};
    int root = child_take_fd(child, "root");

    if (root < 0) {
        (void)error_set(&err, E_CONFIG, "The storage root was not passed");
        die(&err, "cannot start");
    }
    if (mover_confine(root, child_setting_bool(child, "sandbox.reduced"), &err) != 0)
        die(&err, "cannot start");
    const struct worker_options options = {.threads = (unsigned)child_setting_int(child, "mover.workers"),
                                           .lost_days = child_setting_int(child, "mover.lost_days")};
    worker_run(child, store_new(root, (uint64_t)child_setting_int(child, "storage.reserve_bytes")), &options);
}
