/* A core without processes around it: a database in a temporary directory, a token signer, and frames by hand. */
#ifndef AIRLOCK_TESTS_CORE_HARNESS_H
#define AIRLOCK_TESTS_CORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"

#define WS1 "11111111-1111-4111-8111-111111111111"
#define CORE_CLIENT "33333333-3333-4333-8333-333333333333"
#define BENCH_GATES_OFF "archive=off types=off disclosure=off identifiers=off"
#define WS2 "22222222-2222-4222-8222-222222222222"

struct bench {
    struct core core;
    struct jwt_key *key;
    char dir[64];
    char request[UUID_TEXT_SIZE];
    char url[4096]; /* of the last link */
    json_t *sas;    /* its parameters, as airlock-blob sends them */
    char account[32];
    bool in_batch;
};

int bench_setup(void **state);
int bench_teardown(void **state);

/* Who: "alice", "dave" (researchers of WS1), "bob" (manager), "carol" (owner), "erin" (researcher and manager),
 * "mallory" (researcher and manager of WS2), "admin". Audience: a workspace id, or "" for the core application. */
char *bench_token(struct bench *b, const char *who, const char *audience, int64_t age_s);

/* Sends a frame in a transaction of its own and commits. fields is stolen. Returns 0 and the answer's ok, or the code
 * of its error (*ret_ok NULL; the detail is in bench_detail). */
int bench_ask(struct bench *b, enum peer from, enum message message, json_t *fields, json_t **ret_ok);
/* Between true and false frames share one transaction, as a batch of them does. */
void bench_batch(struct bench *b, bool begin);
extern char bench_detail[512];
/* The same as a person in WS1, for a request route. */
int bench_act(struct bench *b, const char *who, enum message message, json_t *fields, json_t **ret_ok);

/* Steps of a life. Each asserts success. */
void bench_create(struct bench *b, const char *who, const char *type);
void bench_link(struct bench *b, const char *who);
void bench_take_link(struct bench *b, const char *url);
/* A frame of the listener that the last link belongs to, with its SAS. */
int bench_blob(struct bench *b, enum message message, json_t *fields, json_t **ret_ok);
int bench_put(struct bench *b, const char *name, int64_t size, char object[static UUID_TEXT_SIZE]);
/* A new draft of alice's, and a link to it. */
void bench_draft(struct bench *b, const char *type);
/* Blocks are called by number. Stages one of size bytes; *ret_offset (may be NULL) is where it goes. */
void bench_stage(struct bench *b, const char *name, int index, int64_t size, int64_t *ret_offset);
int bench_begin_block(struct bench *b, const char *name, int index, int64_t size);
int bench_commit(struct bench *b, const char *name, const int *order, size_t count, const char *commit_id);
void bench_submit(struct bench *b);
/* Leases the next job; its description (borrowed from *ret_ok, which loses what it held before). */
json_t *bench_lease(struct bench *b, json_t **ret_ok);
int bench_result(struct bench *b, const json_t *job, const char *outcome, json_t *files_stolen);
/* Reports the job's files as sealed, as they were uploaded; object names stay. */
json_t *bench_sealed_files(struct bench *b, const json_t *job);
void bench_seal(struct bench *b);
/* The TRE's policy of gates for both directions, from here on. */
void bench_gates(struct bench *b, const char *policy);
json_t *bench_shown(struct bench *b); /* the request as bob sees it; the caller's */
const char *bench_status(struct bench *b);
int64_t bench_count(struct bench *b, const char *kind); /* audit rows of that kind for the request */

#endif
