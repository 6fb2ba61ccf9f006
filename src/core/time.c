/* The high-water mark of the clock. Part of airlock-core. */
#include "core/time.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

#define STORE_EVERY_US 60000000
#define TOLD_BEHIND_US 60000000

int64_t core_now(struct core *core)
{
    struct core_time *t = &core->time;
    int64_t wall = t->wall ? t->wall() : clock_now_us();
    int64_t mono = clock_mono_us();
    int64_t seen = t->seen ? t->seen + mono - t->seen_mono_us : 0;

    t->seen = wall > seen ? wall : seen;
    t->seen_mono_us = mono;
    return t->seen;
}

int core_time_start(struct core *core, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_HIGH_WATER_GET, NO_ARGS, &row, err);

    if (r < 0)
        return r;
    core->time.stored = r == 1 ? db_int(row, 0) : 0;
    int64_t behind = core->time.stored - core_now(core);
    if (behind > TOLD_BEHIND_US)
        log_warning("the clock is %" PRId64 " s behind the time of the last run: links and tokens are judged by the "
                    "later one until it has caught up",
                    behind / 1000000);
    if (behind > 0)
        core->time.seen = core->time.stored;
    return 0;
}

int core_time_store(struct core *core, struct error *err)
{
    int64_t now = core_now(core);

    if (now - core->time.stored < STORE_EVERY_US)
        return 0;
    int r = db_exec(core->db, Q_HIGH_WATER_PUT, ARGS(DB_I(now)), err);
    if (r < 0)
        return r;
    core->time.stored = now;
    return 0;
}
