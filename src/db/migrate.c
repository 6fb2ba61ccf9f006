/* Forward-only migrations with recorded digests. Runs in airlock-core at start. */
#include "db/migrate.h"

#include <string.h>

#include "base/clock.h"

static const char SCHEMA_TABLE[] = "CREATE TABLE IF NOT EXISTS schema_version (\n"
                                   "    version INTEGER NOT NULL PRIMARY KEY,\n"
                                   "    name TEXT NOT NULL,\n"
                                   "    sha256 TEXT NOT NULL,\n"
                                   "    applied INTEGER NOT NULL\n);";

static int migrate_apply(struct db *db, int version, struct error *err)
{
    const struct db_migration *m = &DB_MIGRATIONS[version - 1];
    int r = db_begin(db, err);

    if (r == 0)
        r = db_run_schema(db, m->sql, err);
    if (r == 0)
        r = db_exec(db, Q_SCHEMA_ADD, ARGS(DB_I(version), DB_T(m->name), DB_T(m->sha256), DB_I(clock_now_us())), err);
    if (r >= 0)
        r = db_commit(db, err);
    if (r < 0)
        db_rollback(db);
    return r;
}

/* What is applied must be what we would have applied. Returns the number of applied migrations. */
static int migrate_applied(struct db *db, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int count = 0;
    int r = db_select(db, Q_SCHEMA_LIST, NO_ARGS, &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        if (++count > DB_MIGRATION_COUNT || db_int(rows, 0) != count)
            return error_set(err, E_CONFIG,
                             "The database has schema version %lld and this program knows %d; run a newer program",
                             (long long)db_int(rows, 0), DB_MIGRATION_COUNT);
        if (strcmp(db_text(rows, 1), DB_MIGRATIONS[count - 1].sha256) != 0)
            return error_set(err, E_CONFIG, "Migration %s was changed after it was applied",
                             DB_MIGRATIONS[count - 1].name);
    }
    return r < 0 ? r : count;
}

int migrate_run(struct db *db, struct error *err)
{
    int r = db_run_schema(db, SCHEMA_TABLE, err);
    if (r != 0)
        return r;
    int applied = migrate_applied(db, err);
    if (applied < 0)
        return applied;
    for (int version = applied + 1; version <= DB_MIGRATION_COUNT && r == 0; version++)
        r = migrate_apply(db, version, err);
    return r;
}
