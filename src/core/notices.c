/* Nobody is told by mail yet. Part of airlock-core. */
#include "core/notices.h"

int notices_add(struct core *core UNUSED, const struct call *call UNUSED, const struct request *req UNUSED,
                enum status from UNUSED, int64_t event_id UNUSED, struct error *err UNUSED)
{
    return 0;
}

int notice_render(struct core *core UNUSED, const struct call *call UNUSED, const struct delivery *delivery UNUSED,
                  json_t **ret_mail UNUSED, struct error *err UNUSED)
{
    return 0;
}

int notice_sent(struct core *core UNUSED, const struct call *call UNUSED, const struct delivery *delivery UNUSED,
                struct error *err UNUSED)
{
    return 0;
}
