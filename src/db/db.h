/* The database seam: named queries with bound parameters, transactions with savepoints, migrations. Nothing outside
 * src/db knows which engine runs. One handle, one thread, one owner: airlock-core.
 *
 * An engine may drop a whole transaction by itself (SQLite does on a full disk): after any failure ask
 * db_in_transaction; when it is false, everything since db_begin is gone. */
#ifndef AIRLOCK_DB_DB_H
#define AIRLOCK_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "queries.h"

struct db;
struct db_rows;

enum db_kind { DB_NULL, DB_INT, DB_TEXT };
struct db_value {
    enum db_kind kind;
    int64_t integer;
    const char *text; /* borrowed until the call returns, or until db_rows_done */
};
#define DB_I(value) ((struct db_value){.kind = DB_INT, .integer = (int64_t)(value)})
#define DB_T(value) db_value_text(value) /* NULL is SQL's NULL */
#define DB_N ((struct db_value){.kind = DB_NULL})
static inline struct db_value db_value_text(const char *text)
{
    return (struct db_value){.kind = text ? DB_TEXT : DB_NULL, .text = text};
}
/* The parameters of a query, in order: ARGS(DB_T(id), DB_I(version)). */
#define ARGS(...) ((const struct db_value[]){__VA_ARGS__}), ARRAY_LEN(((const struct db_value[]){__VA_ARGS__}))
#define NO_ARGS NULL, 0

/* url: "sqlite:PATH". Opens or creates, checks integrity after an unclean stop, and brings the schema up to date;
 * E_CONFIG for an unknown engine or for a schema newer than this program. */
int db_open(const char *url, struct db **ret, struct error *err) MUST_USE;
void db_close(struct db *db);

int db_begin(struct db *db, struct error *err) MUST_USE;
int db_commit(struct db *db, struct error *err) MUST_USE; /* E_UNKNOWN: nobody can tell; E_NO_SPACE: rolled back */
void db_rollback(struct db *db);
int db_savepoint(struct db *db, struct error *err) MUST_USE;
int db_release(struct db *db, struct error *err) MUST_USE;
int db_rollback_to(struct db *db, struct error *err) MUST_USE; /* and releases it */
bool db_in_transaction(const struct db *db);

/* Runs a statement that gives no rows. Returns the number of rows it changed, or a negative code (E_EXISTS: a
 * uniqueness rule; E_NO_SPACE; E_IO). */
int db_exec(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct error *err) MUST_USE;

/* Rows, one after the other: while ((r = db_rows_next(rows, err)) == 1). Texts are borrowed until the next step. */
int db_select(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct db_rows **ret_rows,
              struct error *err) MUST_USE;
int db_rows_next(struct db_rows *rows, struct error *err) MUST_USE; /* 1, 0 at the end, negative */
void db_rows_done(struct db_rows *rows);
static inline void cleanup_db_rows_(struct db_rows **rows)
{
    db_rows_done(*rows);
}
#define AUTO_ROWS CLEANUP(cleanup_db_rows_)

/* The first row: 1 (rows stands on it), 0 (none), negative. *ret_rows is the caller's whenever it is not NULL. */
int db_first(struct db *db, enum db_query query, const struct db_value *args, size_t count, struct db_rows **ret_rows,
             struct error *err) MUST_USE;

const char *db_text(const struct db_rows *rows, int column); /* "" for NULL */
int64_t db_int(const struct db_rows *rows, int column);      /* 0 for NULL */
bool db_is_null(const struct db_rows *rows, int column);

#endif
