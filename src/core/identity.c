/* The built-in identity provider's keys and people, and the roles it puts into tokens. Part of airlock-core. */
#include "core/identity.h"

#include <string.h>

#include "core/claims.h"
#include "core/provider_keys.h"
#include "core/users.h"
#include "core/workspace.h"

#define PEOPLE_MAX 10000

static int publish_people(struct core *core, const json_t *people, struct error *err)
{
    size_t i;
    const json_t *person;

    if (json_array_size(people) > PEOPLE_MAX)
        return error_set(err, E_LIMIT, "At most %d people", PEOPLE_MAX);
    json_array_foreach(people, i, person)
    {
        int r = user_put(core, person, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int idp_publish(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    int r = publish_people(core, json_object_get(call->in, "people"), err);

    if (r == 0)
        r = provider_keys_take(core, call, err);
    if (r == 0)
        *ret_ok = json_object();
    return r;
}

/* "api://ID/anything", "api://ID" or "ID" → ID; false for any other text. */
static bool scope_client(const char *scope, char ret[static VALIDATE_CLIENT_ID_MAX + 1])
{
    scope = audience_client(scope);
    AUTO_FREE char *id = xstrndup(scope, strcspn(scope, "/"));
    return str_copy(ret, VALIDATE_CLIENT_ID_MAX + 1, id);
}

int idp_scope(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    char client[VALIDATE_CLIENT_ID_MAX + 1] = "";
    unsigned roles = 0;
    int r = 0;

    if (!scope_client(json_text(call->in, "scope"), client))
        return error_set(err, E_NOT_FOUND, "No such scope");
    bool is_core = strcmp(client, core->config.core_client_id) == 0;
    if (!is_core)
        r = workspace_load_by_client(core, client, &w, err);
    if (r == 0)
        r = roles_load(core, w.id, json_text(call->in, "subject"), &roles, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:s?, s:o}", "audience", client, "workspace", is_core ? NULL : w.id, "roles",
                            role_names(roles & (is_core ? ROLE_TRE_ALL : ROLE_WORKSPACE_ALL)));
    return r;
}
