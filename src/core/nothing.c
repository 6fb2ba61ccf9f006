/* Lists that are empty here. Part of airlock-core. */
#include "core/nothing.h"

#include "core/workspace.h"

int nothing_of_tre(struct core *core UNUSED, struct call *call UNUSED, json_t **ret_ok, struct error *err UNUSED)
{
    *ret_ok = json_object();
    return 0;
}

int nothing_of_workspace(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_load(core, call->workspace, &w, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:s}", "id", w.id, "name", w.display_name);
    return r;
}
