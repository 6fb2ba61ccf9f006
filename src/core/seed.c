/* Seeding a new database. Part of airlock-core; runs once, before anyone can ask. */
#include "core/seed.h"

#include <unistd.h>

#include "base/clock.h"
#include "core/workspace.h"
#include "model/validate.h"

#define SEED_MAX (1 << 20)
#define SYSTEM_SEED "system:seed"

static int seed_read(int fd, json_t **ret, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(SEED_MAX);
    char chunk[8192];
    ssize_t got;
    off_t at = 0;

    while ((got = pread(fd, chunk, sizeof chunk, at)) > 0) {
        str_append_len(&text, chunk, (size_t)got);
        at += got;
    }
    if (got < 0)
        return error_set_errno(err, E_IO, "Cannot read the seed");
    return json_parse_object(str_text(&text), text.len, ret, err);
}

static int seed_workspace(struct core *core, const struct call *call, const json_t *item, struct error *err)
{
    struct workspace_input input;
    char id[UUID_TEXT_SIZE];
    AUTO_JSON json_t *body =
        json_pack("{s:s, s:O, s:b}", "display_name", json_text(item, "display_name"), "networks",
                  json_object_get(item, "networks"), "enable_airlock", json_flag(item, "enable_airlock"));
    int r = validate_workspace_create(body, &input, err);
    return r ? r : workspace_insert(core, call, json_text(item, "id"), json_text(item, "client_id"), &input, id, err);
}

static int seed_assignment(struct core *core, const struct call *call, const json_t *item, struct error *err)
{
    enum role role;
    const char *subject = json_text(item, "subject");
    int r = person_put(core, subject, json_text(item, "name"), json_text(item, "email"), err);

    if (r == 0 && !role_by_name(json_text(item, "role"), &role))
        return error_set(err, E_CONFIG, "The seed names an unknown role \"%.60s\"", json_text(item, "role"));
    return r ? r : role_assign(core, call, json_text(item, "workspace"), subject, role, true, err);
}

static int seed_rows(struct core *core, const json_t *seed, struct error *err)
{
    struct call call = {.now = clock_now_us(), .address = ""};
    size_t i;
    const json_t *item;
    int r = 0;

    (void)str_copy(call.who.subject, sizeof call.who.subject, SYSTEM_SEED);
    call.who.known = true;
    json_array_foreach(json_object_get(seed, "workspaces"), i, item)
    {
        if (r == 0)
            r = seed_workspace(core, &call, item, err);
    }
    json_array_foreach(json_object_get(seed, "assignments"), i, item)
    {
        if (r == 0)
            r = seed_assignment(core, &call, item, err);
    }
    return r;
}

/* The rows are closed at once: a read that stays open would keep the commit from finishing. */
static int seed_is_wanted(struct core *core, bool *ret_wanted, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_TRE_IN_USE, NO_ARGS, &row, err);

    if (r >= 0)
        *ret_wanted = r == 0;
    return r < 0 ? r : 0;
}

int seed_apply(struct core *core, struct error *err)
{
    AUTO_FD int fd = child_take_fd(core->child, "seed");
    AUTO_JSON json_t *seed = NULL;
    bool wanted = false;
    int r = fd < 0 ? 0 : seed_is_wanted(core, &wanted, err);

    if (r != 0 || !wanted)
        return r;
    r = seed_read(fd, &seed, err);
    if (r == 0)
        r = db_begin(core->db, err);
    if (r != 0)
        return r;
    r = seed_rows(core, seed, err);
    if (r == 0)
        return db_commit(core->db, err);
    db_rollback(core->db);
    return r;
}
