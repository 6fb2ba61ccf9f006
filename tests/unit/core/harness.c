/* The core test bench. */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/audit.h"
#include "core/caller.h"
#include "core/dispatch.h"
#include "core/drain.h"
#include "core/keys.h"
#include "core/limits.h"
#include "core/provider_keys.h"
#include "core/relay.h"
#include "core/tokens.h"
#include "core/workspace.h"
#include "model/gate_policy.h"
#include "model/validate.h"

#define ISSUER "http://issuer.test/v2.0"

char bench_detail[512];

static const struct {
    const char *workspace;
    const char *who;
    enum role role;
} PEOPLE[] = {
    {WS1, "alice", ROLE_RESEARCHER},   {WS1, "dave", ROLE_RESEARCHER}, {WS1, "bob", ROLE_MANAGER},
    {WS1, "carol", ROLE_OWNER},        {WS1, "erin", ROLE_RESEARCHER}, {WS1, "erin", ROLE_MANAGER},
    {WS2, "mallory", ROLE_RESEARCHER}, {WS2, "mallory", ROLE_MANAGER}, {"", "admin", ROLE_TRE_ADMIN},
    {"", "alice", ROLE_TRE_USER},      {"", "mallory", ROLE_TRE_USER},
};

static void bench_people(struct bench *b)
{
    struct call call = {.now = clock_now_us(), .address = ""};
    struct workspace_input input = {.display_name = "One", .enable_airlock = true, .network_count = 1};
    char id[UUID_TEXT_SIZE];
    struct error err = {0};

    assert_int_equal(network_parse("127.0.0.0/8", &input.networks[0], &err), 0);
    assert_int_equal(workspace_insert(&b->core, &call, WS1, WS1, &input, id, &err), 0);
    assert_int_equal(workspace_insert(&b->core, &call, WS2, WS2, &input, id, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++) {
        assert_int_equal(person_put(&b->core, PEOPLE[i].who, PEOPLE[i].who, "x@example.org", &err), 0);
        assert_int_equal(role_assign(&b->core, &call, PEOPLE[i].workspace, PEOPLE[i].who, PEOPLE[i].role, true, &err),
                         0);
    }
}

int bench_setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct error err = {0};

    assert_true(str_copy(b->dir, sizeof b->dir, "/tmp/airlock-core-XXXXXX"));
    assert_non_null(mkdtemp(b->dir));
    AUTO_FREE char *url = xasprintf("sqlite:%s/state.db", b->dir);
    assert_int_equal(db_open(url, &b->core.db, &err), 0);
    b->core.config =
        (struct core_config){.tre_id = "demo",
                             .issuer = ISSUER,
                             .core_client_id = CORE_CLIENT,
                             .core_audiences = "",
                             .claim_subject = "oid sub",
                             .claim_name = "name",
                             .claim_email = "email preferred_username",
                             .claim_roles = "roles",
                             .claim_groups = "groups",
                             .group_roles = "",
                             .api_scope = "",
                             .api_resource = "",
                             .cli_client_id = "airlock-cli",
                             .gate_commands = "",
                             .blob_url = {"http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"},
                             .leeway_s = 30,
                             .decision_token_age_s = 5400,
                             .keys_max_age_s = 3600,
                             .idp_enabled = true,
                             .job_attempts_max = 3,
                             .job_lease_s = 60,
                             .job_retry_ms = 0,
                             .job_retry_max_ms = 0,
                             .kept_metadata = "mtime",
                             .policy_default = {[POLICY_MAX_FILES] = 1,
                                                [POLICY_MAX_BYTES] = 1000000,
                                                [POLICY_APPROVALS] = 1,
                                                [POLICY_LINK_LIFETIME] = 3600}};
    bench_gates(b, BENCH_GATES_OFF);
    b->core.link_keys = link_keys_new((const unsigned char *)"0123456789abcdef0123456789abcdef");
    assert_int_equal(link_keys_start(&b->core, &err), 0);
    b->core.drains = drains_new();
    assert_int_equal(rules_parse("default", &b->core.config.rules, &err), 0);
    b->core.limits = limits_new(&(struct limits_config){0});
    b->core.refusals = refusals_new();
    b->core.relays = relays_new();
    b->core.tokens = tokens_new();
    assert_int_equal(jwt_key_generate(&b->key, &err), 0);
    AUTO_JSON json_t *set = json_pack("{s:[o]}", "keys", jwt_key_public_jwk(b->key));
    assert_int_equal(jwk_set_parse(set, &b->core.keys.set, &err), 0);
    bench_people(b);
    *state = b;
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *b = *state;
    db_close(b->core.db);
    for (int type = 0; type < REQUEST_TYPE_COUNT; type++)
        json_decref(b->core.config.gates[type]);
    link_keys_free(b->core.link_keys);
    drains_free(b->core.drains);
    limits_free(b->core.limits);
    refusals_free(b->core.refusals);
    relays_free(b->core.relays);
    tokens_free(b->core.tokens);
    provider_keys_done(&b->core);
    jwt_key_free(b->key);
    free(b->core.effects.items);
    json_decref(b->sas);
    AUTO_FD int root = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(file_remove_tree(root, b->dir + 1, NULL), 0);
    free(b);
    return 0;
}

char *bench_token(struct bench *b, const char *who, const char *audience, int64_t age_s)
{
    int64_t now = clock_now_s() - age_s;
    char *token = NULL;
    AUTO_FREE char *email = xasprintf("%s@example.org", who);
    AUTO_JSON json_t *claims = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "iss", ISSUER, "aud",
                                         *audience ? audience : CORE_CLIENT, "iat", (json_int_t)now, "exp",
                                         (json_int_t)(clock_now_s() + 600), "oid", who, "name", who, "email", email);
    assert_int_equal(jwt_sign_rs256(b->key, claims, &token, NULL), 0);
    return token;
}

int bench_ask(struct bench *b, enum peer from, enum message message, json_t *fields, json_t **ret_ok)
{
    AUTO_JSON json_t *frame = fields;
    AUTO_JSON json_t *answer = NULL;
    struct error err = {0};

    json_object_set_new(frame, "op", json_string(message_op(message)));
    json_object_set_new(frame, "id", json_integer(1));
    if (!json_object_get(frame, "address"))
        json_object_set_new(frame, "address", json_string("127.0.0.1"));
    if (!b->in_batch)
        assert_int_equal(db_begin(b->core.db, &err), 0);
    int r = dispatch(&b->core, from, frame, &answer, &err);
    if (r == 0 && !b->in_batch)
        assert_int_equal(db_commit(b->core.db, &err), 0);
    else if (r != 0)
        db_rollback(b->core.db);
    for (size_t i = 0; i < b->core.effects.count; i++)
        if (b->core.effects.items[i].kind == EFFECT_DRAIN)
            drain_begin(&b->core, &b->core.effects.items[i]);
    b->core.effects.count = 0;
    if (r != 0)
        return r;
    const json_t *refusal = json_object_get(answer, "error");
    (void)snprintf(bench_detail, sizeof bench_detail, "%s", refusal ? json_text(refusal, "detail") : "");
    if (refusal)
        return error_code_by_name(json_text(refusal, "code"));
    if (ret_ok)
        *ret_ok = json_incref(json_object_get(answer, "ok"));
    return 0;
}

void bench_batch(struct bench *b, bool begin)
{
    b->in_batch = begin;
    assert_int_equal(begin ? db_begin(b->core.db, NULL) : db_commit(b->core.db, NULL), 0);
}

int bench_act(struct bench *b, const char *who, enum message message, json_t *fields, json_t **ret_ok)
{
    AUTO_FREE char *token = bench_token(b, who, strcmp(who, "mallory") == 0 ? WS2 : WS1, 0);
    if (!fields)
        fields = json_object();
    json_object_set_new(fields, "token", json_string(token));
    if (!json_object_get(fields, "workspace"))
        json_object_set_new(fields, "workspace", json_string(WS1));
    if (!json_object_get(fields, "request"))
        json_object_set_new(fields, "request", json_string(b->request));
    return bench_ask(b, PEER_API, message, fields, ret_ok);
}

void bench_create(struct bench *b, const char *who, const char *type)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(
        bench_act(b, who, MESSAGE_REQUEST_CREATE, json_pack("{s:s, s:s}", "type", type, "title", "T"), &ok), 0);
    assert_true(str_copy(b->request, sizeof b->request, json_text(json_object_get(ok, "airlockRequest"), "id")));
}

/* Splits a link into account and SAS parameters; our links' values need no more than %2C, %3A, %2F, %2B and %3D. */
static void bench_split(struct bench *b)
{
    AUTO_FREE char *copy = xstrdup(b->url);
    char *rest = strchr(copy, '?');
    *rest++ = '\0';
    const char *container = strrchr(copy, '/');
    const char *start = container;
    while (start[-1] != '/')
        start--;
    (void)snprintf(b->account, sizeof b->account, "%.*s", (int)(container - start), start);
    json_decref(b->sas);
    b->sas = json_array();
    for (char *pair = strsep(&rest, "&"); pair; pair = strsep(&rest, "&")) {
        char *value = strchr(pair, '=');
        *value++ = '\0';
        AUTO_STR struct str decoded = STR_INIT(1000);
        for (; *value; value++) {
            unsigned char c = (unsigned char)*value;
            const char hex[3] = {value[0] == '%' ? value[1] : '0', value[0] == '%' ? value[2] : '0', '\0'};
            if (*value == '%') {
                assert_true(hex_decode(hex, &c, 1));
                value += 2;
            }
            str_append_char(&decoded, (char)c);
        }
        json_array_append_new(b->sas, json_pack("[s,s]", pair, str_text(&decoded)));
    }
}

void bench_link(struct bench *b, const char *who)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_act(b, who, MESSAGE_REQUEST_LINK, NULL, &ok), 0);
    bench_take_link(b, json_text(ok, "containerUrl"));
}

void bench_take_link(struct bench *b, const char *url)
{
    assert_true(str_copy(b->url, sizeof b->url, url));
    bench_split(b);
}

static enum peer bench_blob_peer(const struct bench *b)
{
    return str_starts(b->account, "stalimex") || str_starts(b->account, "stalexapp") ? PEER_BLOB_EXTERNAL
           : str_starts(b->account, "stalimip")                                      ? PEER_BLOB_CORE
                                                                                     : PEER_BLOB_WORKSPACE;
}

int bench_blob(struct bench *b, enum message message, json_t *fields, json_t **ret_ok)
{
    json_object_set(fields, "sas", b->sas);
    json_object_set_new(fields, "scheme", json_string("http"));
    if (!json_object_get(fields, "account"))
        json_object_set_new(fields, "account", json_string(b->account));
    json_object_set_new(fields, "container", json_string(b->request));
    return bench_ask(b, bench_blob_peer(b), message, fields, ret_ok);
}

int bench_put(struct bench *b, const char *name, int64_t size, char object[static UUID_TEXT_SIZE])
{
    char digest[SHA256_HEX_SIZE];
    sha256_hex(name, strlen(name), digest);
    uuid_new(object);
    return bench_blob(b, MESSAGE_BLOB_PUT,
                      json_pack("{s:s, s:s, s:I, s:s, s:{s:s}, s:{s:s}}", "blob", name, "object", object, "size",
                                (json_int_t)size, "sha256", digest, "properties", "contentType", "text/plain",
                                "metadata", "secret", "channel"),
                      NULL);
}

void bench_submit(struct bench *b)
{
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    for (int64_t drain = 1; drain < 20; drain++) /* whatever was asked to drain has drained */
        assert_int_equal(bench_ask(b, bench_blob_peer(b), MESSAGE_BLOB_DRAINED,
                                   json_pack("{s:I}", "drain", (json_int_t)drain), NULL),
                         0);
}

json_t *bench_lease(struct bench *b, json_t **ret_ok)
{
    json_decref(*ret_ok);
    *ret_ok = NULL;
    assert_int_equal(bench_ask(b, PEER_MOVER, MESSAGE_JOB_LEASE, json_object(), ret_ok), 0);
    json_t *job = json_object_get(*ret_ok, "job");
    return json_is_null(job) ? NULL : job;
}

int bench_result(struct bench *b, const json_t *job, const char *outcome, json_t *files_stolen)
{
    json_t *fields = json_pack("{s:I, s:I, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                               (json_int_t)json_int(job, "token"), "outcome", outcome);
    if (files_stolen)
        json_object_set_new(fields, "files", files_stolen);
    return bench_ask(b, PEER_MOVER, MESSAGE_JOB_RESULT, fields, NULL);
}

json_t *bench_sealed_files(struct bench *b, const json_t *job)
{
    json_t *sealed = json_array();
    int64_t after = 0;
    do {
        AUTO_JSON json_t *ok = NULL;
        size_t i;
        const json_t *file;
        assert_int_equal(bench_ask(b, PEER_MOVER, MESSAGE_JOB_FILES,
                                   json_pack("{s:I, s:I, s:I}", "job", (json_int_t)json_int(job, "id"), "token",
                                             (json_int_t)json_int(job, "token"), "after", (json_int_t)after),
                                   &ok),
                         0);
        json_array_foreach(json_object_get(ok, "files"), i, file)
        {
            const json_t *extent = json_array_get(json_object_get(file, "extents"), 0);
            json_array_append_new(sealed, json_pack("{s:I, s:s, s:I, s:s}", "blob", (json_int_t)json_int(file, "blob"),
                                                    "object", json_string_value(json_array_get(extent, 0)), "size",
                                                    (json_int_t)json_int(file, "size"), "sha256",
                                                    json_string_value(json_array_get(extent, 3))));
        }
        after = json_int(ok, "next");
    } while (after);
    return sealed;
}

void bench_seal(struct bench *b)
{
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *sweep = NULL;
    json_t *job = bench_lease(b, &lease);
    assert_non_null(job);
    assert_string_equal(json_text(job, "kind"), "seal");
    assert_int_equal(bench_result(b, job, "sealed", bench_sealed_files(b, job)), 0);
    job = bench_lease(b, &sweep);
    assert_string_equal(json_text(job, "kind"), "sweep");
    assert_int_equal(bench_result(b, job, "swept", NULL), 0);
}

json_t *bench_shown(struct bench *b)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GET, NULL, &ok), 0);
    return json_incref(json_object_get(ok, "airlockRequest"));
}

static char status_text[40];

const char *bench_status(struct bench *b)
{
    AUTO_JSON json_t *request = bench_shown(b);
    assert_true(str_copy(status_text, sizeof status_text, json_text(request, "status")));
    return status_text;
}

void bench_gates(struct bench *b, const char *policy)
{
    for (int type = 0; type < REQUEST_TYPE_COUNT; type++) {
        json_decref(TAKE_PTR(b->core.config.gates[type]));
        assert_int_equal(gate_policy_parse(policy, &b->core.config.gates[type], NULL), 0);
    }
}

int64_t bench_count(struct bench *b, const char *kind)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(b->request), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count += strcmp(db_text(rows, 2), kind) == 0;
    return count;
}

void bench_draft(struct bench *b, const char *type)
{
    bench_create(b, "alice", type);
    bench_link(b, "alice");
}

static void block_id(int index, char out[static 32])
{
    char raw[16];
    AUTO_STR struct str text = STR_INIT(64);
    (void)snprintf(raw, sizeof raw, "block-%06d", index);
    base64_append(&text, raw, strlen(raw));
    assert_true(str_copy(out, 32, str_text(&text)));
}

static int begin_block(struct bench *b, const char *name, int index, int64_t size, json_t **ret_place)
{
    char id[32];
    block_id(index, id);
    return bench_blob(b, MESSAGE_BLOCK_BEGIN,
                      json_pack("{s:s, s:s, s:I}", "blob", name, "blockId", id, "size", (json_int_t)size), ret_place);
}

int bench_begin_block(struct bench *b, const char *name, int index, int64_t size)
{
    return begin_block(b, name, index, size, NULL);
}

void bench_stage(struct bench *b, const char *name, int index, int64_t size, int64_t *ret_offset)
{
    AUTO_JSON json_t *place = NULL;
    char digest[SHA256_HEX_SIZE];
    sha256_hex(name, strlen(name), digest);
    assert_int_equal(begin_block(b, name, index, size, &place), 0);
    if (ret_offset)
        *ret_offset = json_int(place, "offset");
    assert_int_equal(bench_blob(b, MESSAGE_BLOCK_PUT,
                                json_pack("{s:s, s:I, s:s}", "blob", name, "extent",
                                          (json_int_t)json_int(place, "extent"), "sha256", digest),
                                NULL),
                     0);
}

int bench_commit(struct bench *b, const char *name, const int *order, size_t count, const char *commit_id)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char id[32];
        block_id(order[i], id);
        json_array_append_new(list, json_pack("[s,s]", "Latest", id));
    }
    return bench_blob(b, MESSAGE_BLOCK_COMMIT,
                      json_pack("{s:s, s:s, s:o, s:{}, s:{}}", "blob", name, "commit", commit_id, "list", list,
                                "properties", "metadata"),
                      NULL);
}
