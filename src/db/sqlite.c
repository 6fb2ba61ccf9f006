/* The SQLite driver of the database seam. Runs in airlock-core, the only process that opens the file. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "db/migrate.h"

#define SAVEPOINT_NAME "op"

struct db {
    sqlite3 *handle;
    sqlite3_stmt *cache[Q_COUNT]; /* prepared once; NULL while lent out */
};

struct db_rows {
    struct db *db;
    enum db_query query;
    sqlite3_stmt *stmt;
};

/* SQLite's result as one of ours. */
static int sqlite_failed(struct db *db, const char *what, struct error *err)
{
    int code = sqlite3_errcode(db->handle);
    int ours = E_IO;

    if (code == SQLITE_FULL)
        ours = E_NO_SPACE;
    else if (code == SQLITE_CONSTRAINT)
        ours = E_EXISTS;
    else if (code == SQLITE_BUSY) /* somebody looks at the file by hand */
        ours = E_UNAVAILABLE;
    else if (code == SQLITE_MISUSE || code == SQLITE_RANGE || code == SQLITE_ERROR)
        ours = E_INTERNAL;
    return error_set(err, ours, "The database cannot %s: %s", what, sqlite3_errmsg(db->handle));
}

int db_script(struct db *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failed(db, "run a statement", err);
    return 0;
}

/* STRICT is SQLite's own word: the common schema text gets it here, before each table's closing bracket. */
int db_run_schema(struct db *db, const char *sql, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(1 << 20);

    for (const char *at = sql; *at;) {
        const char *end = strstr(at, "\n);");
        size_t len = end ? (size_t)(end - at) : strlen(at);
        str_append_len(&text, at, len);
        if (!end)
            break;
        str_append(&text, "\n) STRICT;");
        at = end + strlen("\n);");
    }
    return db_script(db, str_text(&text), err);
}

static const char APPEND_ONLY[] = "CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit BEGIN SELECT "
                                  "raise(ABORT, 'the audit log is append-only'); END;"
                                  "CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit BEGIN SELECT "
                                  "raise(ABORT, 'the audit log is append-only'); END;";

static const char SETTINGS[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 2000;";

static int sqlite_check_integrity(struct db *db, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool sound = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    if (!sound)
        return error_set(err, E_IO, "The database is damaged; restore it from a backup");
    return 0;
}

static int sqlite_prepare_file(struct db *db, struct error *err)
{
    int r = db_script(db, SETTINGS, err);
    if (r == 0)
        r = sqlite_check_integrity(db, err);
    if (r == 0)
        r = migrate_run(db, err);
    if (r == 0)
        r = db_script(db, APPEND_ONLY, err);
    return r;
}

int db_open(const char *url, struct db **ret, struct error *err)
{
    static const char SCHEME[] = "sqlite:";
    if (!str_starts(url, SCHEME))
        return error_set(err, E_CONFIG, "db.url must begin with sqlite: (no other database is built in)");

    struct db *db = xcalloc(1, sizeof *db);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int r = 0;
    if (sqlite3_open_v2(url + strlen(SCHEME), &db->handle, flags, NULL) != SQLITE_OK)
        r = error_set(err, E_IO, "Cannot open the database %s: %s", url, sqlite3_errmsg(db->handle));
    else
        r = sqlite_prepare_file(db, err);
    if (r != 0) {
        db_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(db->cache[i]);
    (void)sqlite3_close(db->handle); /* all statements are finalised: nothing can be left to fail on */
    free(db);
}

int db_begin(struct db *db, struct error *err)
{
    return db_script(db, "BEGIN", err);
}

int db_commit(struct db *db, struct error *err)
{
    int r = db_script(db, "COMMIT", err);
    if (r == 0)
        return 0;
    db_rollback(db);
    if (r == E_IO) /* the log may hold the commit whose sync failed: the next opening finds it, or does not */
        r = error_set(err, E_UNKNOWN, "Whether the change was kept is not known: the disk failed");
    return r;
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* a failed one leaves no transaction either */
}

int db_savepoint(struct db *db, struct error *err)
{
    return db_script(db, "SAVEPOINT " SAVEPOINT_NAME, err);
}

int db_release(struct db *db, struct error *err)
{
    return db_script(db, "RELEASE " SAVEPOINT_NAME, err);
}

int db_rollback_to(struct db *db, struct error *err)
{
    return db_script(db, "ROLLBACK TO " SAVEPOINT_NAME "; RELEASE " SAVEPOINT_NAME, err);
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

/* The prepared statement: from the cache, or a fresh one while the cached one is lent out further up. */
static int sqlite_borrow(struct db *db, enum db_query query, sqlite3_stmt **ret, struct error *err)
{
    if (db->cache[query]) {
        *ret = TAKE_PTR(db->cache[query]);
        return 0;
    }
    if (sqlite3_prepare_v3(db->handle, DB_QUERIES[query].sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return sqlite_failed(db, DB_QUERIES[query].name, err);
    return 0;
}

static void sqlite_give_back(struct db *db, enum db_query query, sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt); /* repeats the error that sqlite3_step already told */
    (void)sqlite3_clear_bindings(stmt);
    if (db->cache[query])
        sqlite3_finalize(stmt);
    else
        db->cache[query] = stmt;
}

/* $1 is bound by its name: SQLite numbers parameters by first use, not by what they are called. */
static int sqlite_bind(struct db *db, sqlite3_stmt *stmt, const struct db_value *args, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(stmt, name);
        int r = SQLITE_OK;
        if (at == 0)
            return error_set(err, E_INTERNAL, "A query has no parameter %s", name);
        if (args[i].kind == DB_INT)
            r = sqlite3_bind_int64(stmt, at, args[i].integer);
        else if (args[i].kind == DB_TEXT)
            r = sqlite3_bind_text(stmt, at, args[i].text, -1, SQLITE_TRANSIENT);
        if (r != SQLITE_OK)
            return sqlite_failed(db, "bind a value", err);
    }
    if ((size_t)sqlite3_bind_parameter_count(stmt) > count)
        return error_set(err, E_INTERNAL, "A query was given too few parameters");
    return 0;
}

int db_select(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct db_rows **ret_rows,
              struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int r = sqlite_borrow(db, query, &stmt, err);

    if (r != 0)
        return r;
    r = sqlite_bind(db, stmt, args, count, err);
    if (r != 0) {
        sqlite_give_back(db, query, stmt);
        return r;
    }
    struct db_rows *rows = xmalloc(sizeof *rows);
    *rows = (struct db_rows){db, query, stmt};
    *ret_rows = rows;
    return 0;
}

int db_rows_next(struct db_rows *rows, struct error *err)
{
    int r = sqlite3_step(rows->stmt);
    if (r == SQLITE_ROW)
        return 1;
    if (r == SQLITE_DONE)
        return 0;
    return sqlite_failed(rows->db, DB_QUERIES[rows->query].name, err);
}

void db_rows_done(struct db_rows *rows)
{
    if (!rows)
        return;
    sqlite_give_back(rows->db, rows->query, rows->stmt);
    free(rows);
}

int db_first(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct db_rows **ret_rows,
             struct error *err)
{
    struct db_rows *rows = NULL;
    int r = db_select(db, query, args, count, &rows, err);

    if (r == 0)
        r = db_rows_next(rows, err);
    if (r == 1)
        *ret_rows = rows;
    else
        db_rows_done(rows);
    return r;
}

int db_exec(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int before = sqlite3_total_changes(db->handle);
    int r = db_select(db, query, args, count, &rows, err);

    if (r == 0)
        r = db_rows_next(rows, err);
    if (r == 1)
        return error_set(err, E_INTERNAL, "%s gives rows; select it", DB_QUERIES[query].name);
    return r != 0 ? r : sqlite3_total_changes(db->handle) - before;
}

const char *db_text(const struct db_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->stmt, column);
    return text ? (const char *)text : "";
}

int64_t db_int(const struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->stmt, column);
}

bool db_is_null(const struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}
