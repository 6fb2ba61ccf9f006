/* Bringing a database's schema up to date, the same for every engine. Inside src/db only. */
#ifndef AIRLOCK_DB_MIGRATE_H
#define AIRLOCK_DB_MIGRATE_H

#include "db/db.h"

/* Applies what is missing, each in its own transaction; records name and SHA-256. E_CONFIG when the database is newer
 * than this program, or when an applied migration's text has changed. */
int migrate_run(struct db *db, struct error *err) MUST_USE;

/* What a driver offers to the migrations: plain statements, and the common schema text in the engine's own words. */
int db_script(struct db *db, const char *sql, struct error *err) MUST_USE;
int db_run_schema(struct db *db, const char *sql, struct error *err) MUST_USE;

#endif
