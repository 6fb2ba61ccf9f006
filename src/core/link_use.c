/* One audit row for many uses of a link. Part of airlock-core. */
#include "core/link_use.h"

#include "core/audit.h"

#define MINUTE_US 60000000

int link_use_record(struct core *core, const struct call *call, const struct access *a, const char *kind,
                    struct error *err)
{
    int r = db_exec(core->db, Q_LINK_USE_ADD,
                    ARGS(DB_I(call->now / MINUTE_US), DB_T(call->link_id), DB_T(call->address), DB_T(kind)), err);
    if (r <= 0) /* 0: the minute's row is written */
        return r;
    return audit_add(core, call, "use", a->subject, json_pack("{s:s}", "kind", kind), err);
}
