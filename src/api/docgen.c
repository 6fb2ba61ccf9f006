/* Prints docs/generated/api.md from the route table, so that the page cannot say anything else. A build tool; no part
 * of the running system. */
#include <stdio.h>

#include "api/route.h"

static const char *place_text(unsigned places)
{
    if (places == (PLACE_QUERY | PLACE_BODY))
        return "query or body";
    return places == PLACE_QUERY ? "query" : places == PLACE_HEADER ? "header" : "body";
}

static void print_fields(const struct route *route)
{
    const char *between = "";

    for (size_t i = 0; i < route->field_count; i++) {
        printf("%s`%s` (%s)", between, route->fields[i].name, place_text(route->fields[i].places));
        between = ", ";
    }
}

int main(void)
{
    size_t count;
    const struct route *routes = route_table(&count);

    puts("# The API's routes\n");
    puts("Generated from `src/api/routes.def` by `build/src/api/api-docs`; a test fails when this page is stale. The "
         "same");
    puts("rows make the OpenAPI description at `/api/openapi.json`. Errors are problem documents (RFC 9457); `HEAD` "
         "works");
    puts("where `GET` does.\n");
    puts("| method | path | who | success | takes | does |");
    puts("|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str method = STR_INIT(16);
        AUTO_STR struct str who = STR_INIT(256);
        route_append_methods(&method, 1U << routes[i].method);
        right_append_who(&who, routes[i].right);
        printf("| %s | `%s` | %s | %d | ", str_text(&method), routes[i].pattern, str_text(&who),
               routes[i].status);
        print_fields(&routes[i]);
        printf(" | %s |\n", routes[i].summary);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
