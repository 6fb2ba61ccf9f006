/* `airlock request link`, and the link every transfer begins with. */
#include "cli/link.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/api.h"
#include "cli/request.h"
#include "cli/table.h"
#include "cli/url.h"

#define EXPIRES_MAX_S (7 * 24 * 3600)

int link_fetch(struct cli *cli, const char *workspace, const char *request, const char *permissions, uint64_t expires_s,
               char **ret_url, struct error *err)
{
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
    AUTO_FREE char *expires = xasprintf("%llu", (unsigned long long)expires_s);
    AUTO_JSON json_t *answer = NULL;
    const char *url;

    str_printf(&path, "/workspaces/%s/requests/%s/link", workspace, request);
    if (permissions)
        url_append_query(&path, "permissions", permissions);
    if (expires_s)
        url_append_query(&path, "expiresIn", expires);
    int r = api_get(cli, workspace, str_text(&path), &answer, err);
    if (!r && json_need_string(answer, "containerUrl", URL_MAX, &url, err))
        r = error_set(err, E_PROTOCOL, "The server's answer holds no link");
    if (r)
        return r;
    *ret_url = xstrdup(url);
    return 0;
}

int request_link_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_FREE char *url = NULL;
    uint64_t expires;

    int r = args_number(args, "expires", 0, 1, EXPIRES_MAX_S, &expires, err);
    if (!r)
        r = request_locate(cli, args, args->items[0], &workspace, NULL, err);
    if (!r)
        r = link_fetch(cli, workspace, args->items[0], args_get(args, "permissions"), expires, &url, err);
    if (r)
        return r;
    AUTO_JSON json_t *answer = json_pack("{s:s}", "containerUrl", url);
    AUTO_FREE char *line = xasprintf("%s\n", url);
    return cli->json ? output_json(answer, err) : output_write(line, err);
}
