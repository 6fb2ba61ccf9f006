/* Who may see a list that is empty here. Part of airlock-core. */
#include "core/nothing.h"

#include "core/caller.h"
#include "core/workspace.h"

static int nothing_in_tre(struct core *core, struct call *call, unsigned needed, json_t **ret_ok, struct error *err)
{
    int r = caller_core(core, call, err);
    if (r == 0)
        r = caller_need_role(call, needed, err);
    if (r == 0)
        *ret_ok = json_object();
    return r;
}

static int nothing_in_workspace(struct core *core, struct call *call, unsigned needed, unsigned core_roles,
                                json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = caller_workspace(core, call, needed, core_roles, err);
    if (r == 0)
        r = workspace_load(core, call->workspace, &w, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:s}", "id", w.id, "name", w.display_name);
    return r;
}

int nothing_of_tre(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return nothing_in_tre(core, call, ROLE_TRE_ALL, ret_ok, err);
}

int nothing_for_admin(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return nothing_in_tre(core, call, ROLE_TRE_ADMIN, ret_ok, err);
}

int nothing_of_workspace(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return nothing_in_workspace(core, call, ROLE_WORKSPACE_ALL, 0, ret_ok, err);
}

int nothing_for_owner(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return nothing_in_workspace(core, call, ROLE_OWNER, ROLE_TRE_ADMIN, ret_ok, err);
}
