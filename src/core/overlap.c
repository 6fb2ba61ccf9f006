/* Warnings about overlapping networks. Part of airlock-core. */
#include "core/overlap.h"

#include <string.h>

#include "base/log.h"
#include "base/network.h"
#include "model/validate.h"

#define WORKSPACES_MAX 1000 /* as many as the query gives */

struct area {
    char id[UUID_TEXT_SIZE];
    char *name;
    size_t count;
    struct network networks[VALIDATE_NETWORKS_MAX];
};

struct areas {
    size_t count;
    struct area *items;
};

static void areas_done(struct areas *areas)
{
    for (size_t i = 0; i < areas->count; i++)
        free(areas->items[i].name);
    free(areas->items);
}

static void area_read(const struct db_rows *row, struct area *area)
{
    AUTO_JSON json_t *networks = json_loads(db_text(row, 6), 0, NULL);
    size_t i;
    const json_t *item;

    (void)str_copy(area->id, sizeof area->id, db_text(row, 0)); /* written by us: fits */
    area->name = xstrdup(db_text(row, 3));
    json_array_foreach(networks, i, item)
    {
        const char *text = json_string_value(item);
        if (text && area->count < VALIDATE_NETWORKS_MAX && network_parse(text, &area->networks[area->count], NULL) == 0)
            area->count++;
    }
}

static int areas_load(struct core *core, struct areas *areas, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_WORKSPACE_LIST, ARGS(DB_I(1), DB_T(""), DB_T("")), &rows, err);

    areas->items = xcalloc(WORKSPACES_MAX, sizeof *areas->items);
    while (r == 0 && areas->count < WORKSPACES_MAX && (r = db_rows_next(rows, err)) == 1) {
        area_read(rows, &areas->items[areas->count++]);
        r = 0;
    }
    return r;
}

static bool area_overlaps(const struct area *a, const struct area *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (network_overlaps(&a->networks[i], &b->networks[k]))
                return true;
    return false;
}

/* true: told. */
static bool area_warn(const struct areas *areas, const struct area *area)
{
    const struct area *other = NULL;
    size_t more = 0;

    for (size_t i = 0; i < areas->count; i++) {
        if (&areas->items[i] == area || !area_overlaps(area, &areas->items[i]))
            continue;
        more += other != NULL;
        other = other ? other : &areas->items[i];
    }
    if (!other)
        return false;
    AUTO_FREE char *others = more ? xasprintf(" and of %zu more", more) : xstrdup("");
    log_warning("the networks of workspace \"%s\" (%s) overlap with those of \"%s\" (%s)%s: whoever is in both can "
                "reach both",
                area->name, area->id, other->name, other->id, others);
    return true;
}

int overlap_warn(struct core *core, const char *workspace, struct error *err)
{
    CLEANUP(areas_done) struct areas areas = {0};
    int told = 0;
    int r = areas_load(core, &areas, err);

    for (size_t i = 0; r == 0 && i < areas.count; i++)
        if (!workspace || strcmp(areas.items[i].id, workspace) == 0)
            told += area_warn(&areas, &areas.items[i]);
    return r < 0 ? r : told;
}
