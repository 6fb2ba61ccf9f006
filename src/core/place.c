/* Paths of containers below the storage root. Part of airlock-core, which never opens them. */
#include "core/place.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"

static const char *const USE_NAMES[] = {[USE_DRAFT] = "draft", [USE_KEPT] = "kept"};

int place_account(const struct core *core, enum account account, const char *digits, char ret[static PATH_MAX_TEXT],
                  struct error *err)
{
    const struct account_facts *facts = account_facts(account);
    char name[ACCOUNT_NAME_MAX + 1];
    int r = account_name_format(account, core->config.tre_id, digits, name, err);

    if (r != 0)
        return r;
    (void)snprintf(ret, PATH_MAX_TEXT, "%s/%s/%s", zone_name(facts->zone), USE_NAMES[facts->use], name);
    return 0;
}

void place_dir(const char *account_dir, const char *request, int64_t token, char ret[static PATH_MAX_TEXT])
{
    (void)snprintf(ret, PATH_MAX_TEXT, "%s/%s.%lld", account_dir, request, (long long)token);
}

bool place_read(const char *dir, enum zone *ret_zone, char ret_account[static ACCOUNT_NAME_MAX + 1],
                char ret_request[static UUID_TEXT_SIZE], int64_t *ret_token)
{
    AUTO_FREE char *copy = xstrdup(dir);
    char *rest = copy;
    const char *zone = strsep(&rest, "/");
    const char *use = rest ? strsep(&rest, "/") : NULL;
    const char *account = rest ? strsep(&rest, "/") : NULL;
    const char *request = rest ? strsep(&rest, ".") : NULL;
    uint64_t token;

    if (!use || !account || !request || !rest || !zone_by_name(zone, ret_zone) || !uuid_is_v4(request) ||
        !num_parse(rest, 0, INT64_MAX, &token) || !str_copy(ret_account, ACCOUNT_NAME_MAX + 1, account))
        return false;
    (void)str_copy(ret_request, UUID_TEXT_SIZE, request); /* its length was checked as a UUID's */
    *ret_token = (int64_t)token;
    return true;
}

const char *place_in_zone(const char *dir)
{
    const char *slash = strchr(dir, '/');
    return slash ? slash + 1 : dir;
}

void place_delivery(const char *workspace, const char *request, char ret[static PATH_MAX_TEXT])
{
    (void)snprintf(ret, PATH_MAX_TEXT, "delivery/%s/%s", workspace, request);
}
