/* The database seam: transactions, savepoints, rows, refusals, and what a schema of another time leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "db/db.h"

struct bench {
    char dir[64];
    char *url;
    struct db *db;
};

static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    assert_true(str_copy(b->dir, sizeof b->dir, "/tmp/airlock-db-XXXXXX"));
    assert_non_null(mkdtemp(b->dir));
    b->url = xasprintf("sqlite:%s/state.db", b->dir);
    assert_int_equal(db_open(b->url, &b->db, NULL), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    AUTO_FD int root = open("/", O_RDONLY | O_DIRECTORY);
    db_close(b->db);
    assert_int_equal(file_remove_tree(root, b->dir + 1, NULL), 0);
    free(b->url);
    free(b);
    return 0;
}

/* Statements that no query of ours may hold, by the engine's own hand. */
static int by_hand(struct bench *b, const char *sql)
{
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(b->url + strlen("sqlite:"), &handle), SQLITE_OK);
    int r = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return r;
}

static int put(struct bench *b, const char *subject, const char *name)
{
    return db_exec(b->db, Q_PERSON_PUT, ARGS(DB_T(subject), DB_T(name), DB_T("")), NULL);
}

static size_t people(struct bench *b)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0;
    assert_int_equal(db_select(b->db, Q_PERSON_LIST, NO_ARGS, &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count++;
    return count;
}

static void a_savepoint_undoes_its_part_only(void **state)
{
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, NULL), 0);
    assert_int_equal(put(b, "one", "x"), 1);
    assert_int_equal(db_savepoint(b->db, NULL), 0);
    assert_int_equal(put(b, "two", "x"), 1);
    assert_int_equal(db_rollback_to(b->db, NULL), 0);
    assert_true(db_in_transaction(b->db));
    assert_int_equal(db_commit(b->db, NULL), 0);
    assert_int_equal(people(b), 1);
}

static void changes_are_counted(void **state)
{
    struct bench *b = *state;
    assert_int_equal(put(b, "one", "x"), 1);
    assert_int_equal(put(b, "one", "x"), 0); /* the same again */
    assert_int_equal(put(b, "one", "y"), 1);
}

static void parameters_are_bound_by_name(void **state)
{
    struct bench *b = *state;
    AUTO_ROWS struct db_rows *row = NULL;
    assert_int_equal(put(b, "o'); DROP TABLE person; --", "x"), 1);
    assert_int_equal(db_first(b->db, Q_PERSON_GET, ARGS(DB_T("o'); DROP TABLE person; --")), &row, NULL), 1);
    assert_string_equal(db_text(row, 1), "x");
}

static void a_broken_rule_is_told_apart(void **state)
{
    struct bench *b = *state;
    /* a history row of a request that is not there */
    assert_int_equal(db_exec(b->db, Q_HISTORY_ADD, ARGS(DB_T("none"), DB_I(0), DB_T("x"), DB_T("{}"), DB_I(0)), NULL),
                     E_EXISTS);
    assert_int_equal(db_exec(b->db, Q_PERSON_PUT, ARGS(DB_T("one")), NULL), E_INTERNAL);
}

static void the_same_query_may_be_read_inside_itself(void **state)
{
    struct bench *b = *state;
    AUTO_ROWS struct db_rows *rows = NULL;
    assert_int_equal(put(b, "one", "x"), 1);
    assert_int_equal(put(b, "two", "x"), 1);
    assert_int_equal(db_select(b->db, Q_PERSON_LIST, NO_ARGS, &rows, NULL), 0);
    assert_int_equal(db_rows_next(rows, NULL), 1);
    assert_int_equal(people(b), 2);
    assert_int_equal(db_rows_next(rows, NULL), 1);
    assert_int_equal(db_rows_next(rows, NULL), 0);
}

static void the_audit_log_is_append_only(void **state)
{
    struct bench *b = *state;
    assert_int_equal(db_exec(b->db, Q_AUDIT_ADD,
                             ARGS(DB_I(1), DB_T("x"), DB_N, DB_N, DB_T(""), DB_T(""), DB_T("{}")), NULL),
                     1);
    assert_int_equal(by_hand(b, "UPDATE audit SET kind = 'y'"), SQLITE_CONSTRAINT);
    assert_int_equal(by_hand(b, "DELETE FROM audit"), SQLITE_CONSTRAINT);
}

static void tables_are_strict(void **state)
{
    struct bench *b = *state;
    assert_int_equal(by_hand(b, "INSERT INTO person (subject, name, email) VALUES ('a', 'b', x'00')"), SQLITE_CONSTRAINT);
}

static void t80_a_newer_schema_is_refused(void **state)
{
    struct bench *b = *state;
    struct db *again = NULL;
    struct error err = {0};
    assert_int_equal(
        by_hand(b, "INSERT INTO schema_version SELECT max(version) + 1, 'later', 'x', 1 FROM schema_version"),
        SQLITE_OK);
    assert_int_equal(db_open(b->url, &again, &err), E_CONFIG);
    assert_non_null(strstr(err.detail, "newer program"));
}

static void a_changed_migration_is_refused(void **state)
{
    struct bench *b = *state;
    struct db *again = NULL;
    assert_int_equal(by_hand(b, "UPDATE schema_version SET sha256 = 'other'"), SQLITE_OK);
    assert_int_equal(db_open(b->url, &again, NULL), E_CONFIG);
}

/* Counters of texts in characters, and block ids that outlived a seal. */
static void older_requests_are_mended(void **state)
{
    struct bench *b = *state;
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_ROWS struct db_rows *part = NULL;

    assert_int_equal(by_hand(b, "INSERT INTO workspace VALUES ('w', 'c', 'd', '', '', 1, '[]', 1, 1, 1, 1, 1, 1, 0, 0, 1, '{}', 0);"
                                "INSERT INTO request (id, workspace, type, title, justification, status, version,"
                                " generation, fence, dir, creator, created_by, created, updated_by, updated)"
                                " VALUES ('r', 'w', '', '', '', '', 1, 1, 1, '', '', '', 1, '', 1);"
                                "INSERT INTO blob (id, request, name, twin, size, etag, properties, metadata, object,"
                                " commit_id, created, modified)"
                                " VALUES (7, 'r', 'ünïcödé', 't', 1, 'e', '{}', '{}', 'o', 'c', 1, 1);"
                                "INSERT INTO extent VALUES (7, 0, 'c2VjcmV0', 'o', 0, 1, 'x', 0);"
                                "INSERT INTO usage VALUES ('r', 1, 1, 0, 0, 11, 1)"),
                     SQLITE_OK);
    assert_string_equal(DB_MIGRATIONS[4].name, "0005-older-requests");
    assert_int_equal(by_hand(b, DB_MIGRATIONS[4].sql), SQLITE_OK);
    assert_int_equal(db_first(b->db, Q_USAGE_GET, ARGS(DB_T("r")), &row, NULL), 1);
    assert_int_equal(db_int(row, 4), strlen("ünïcödé") + strlen("{}{}"));
    assert_int_equal(db_first(b->db, Q_EXTENT_LIST, ARGS(DB_I(7)), &part, NULL), 1);
    assert_true(db_is_null(part, 1));
}

static void an_unknown_engine_is_refused(void **state UNUSED)
{
    struct db *db = NULL;
    assert_int_equal(db_open("mysql:x", &db, NULL), E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_savepoint_undoes_its_part_only),
        T(changes_are_counted),
        T(parameters_are_bound_by_name),
        T(a_broken_rule_is_told_apart),
        T(the_same_query_may_be_read_inside_itself),
        T(the_audit_log_is_append_only),
        T(tables_are_strict),
        T(t80_a_newer_schema_is_refused),
        T(a_changed_migration_is_refused),
        T(older_requests_are_mended),
        cmocka_unit_test(an_unknown_engine_is_refused),
    };
    return cmocka_run_group_tests_name("db/seam", tests, NULL, NULL);
}
