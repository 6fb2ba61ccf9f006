/* Ending transfers of older generations: what waits for it, and that no restart of core forgets a zone. */
#include "harness.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/audit.h"
#include "core/drain.h"
#include "core/peers.h"
#include "core/request.h"

#define LIVE_REQUESTS 5
#define LATER_ROWS 1200

static void a_seal_waits_for_the_writers(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *early = NULL;
    AUTO_JSON json_t *late = NULL;
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", "export");
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    assert_null(bench_lease(b, &early));
    assert_int_equal(bench_ask(b, PEER_BLOB_EXTERNAL, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    assert_null(bench_lease(b, &early)); /* another zone's word does not count */
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    assert_non_null(bench_lease(b, &late));
}

/* Links were revoked before the submit: that drain says nothing of what was written under the links made since. */
static void an_earlier_drain_does_not_count(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *early = NULL;
    AUTO_JSON json_t *late = NULL;
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK_REVOKE_ALL, NULL, NULL), 0);
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    assert_null(bench_lease(b, &early));
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 2), NULL), 0);
    assert_non_null(bench_lease(b, &late));
}

/* Another life of core begins, and the zone's process gets its channel: what it is then told. */
static json_t *told_after_restart(struct bench *b, enum peer zone)
{
    AUTO_FD int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct frame frame = {0};
    json_t *told = json_array();
    int ends[2];

    drains_free(b->core.drains);
    b->core.drains = drains_new();
    assert_int_equal(drains_recover(&b->core, NULL), 0);
    assert_int_equal(drains_recover(&b->core, NULL), 0); /* a batch that failed: nothing is asked twice */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    b->core.peers = peers_new(epoll_fd);
    peers_attach(&b->core, zone, ends[0]);
    struct channel *blob = channel_new(ends[1]);
    while (channel_receive(blob, &frame, NULL) == 1) {
        assert_string_equal(json_text(frame.message, "op"), "blob.drain");
        json_array_append(told, frame.message);
        frame_done(&frame);
    }
    channel_free(blob);
    peers_free(b->core.peers);
    b->core.peers = NULL;
    return told;
}

static bool is_told(const json_t *told, const char *account, const char *container, int64_t generation)
{
    size_t i;
    const json_t *drain;

    json_array_foreach(told, i, drain)
    {
        if (str_starts(json_text(drain, "account"), account) && strcmp(json_text(drain, "container"), container) == 0 &&
            json_int(drain, "generation") == generation)
            return true;
    }
    return false;
}

/* Core died after the commit and before it told anybody: the next one does, until it has the zone's word. */
static void what_was_revoked_is_drained_after_a_restart(void **state)
{
    struct bench *b = *state;

    bench_draft(b, "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK_REVOKE_ALL, NULL, NULL), 0);
    AUTO_JSON json_t *told = told_after_restart(b, PEER_BLOB_WORKSPACE);
    assert_int_equal(json_array_size(told), 1);
    assert_true(is_told(told, "stalexint", b->request, 2));
    json_t *answer = json_pack("{s:I}", "drain", (json_int_t)json_int(json_array_get(told, 0), "drain"));
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, answer, NULL), 0);
    AUTO_JSON json_t *later = told_after_restart(b, PEER_BLOB_WORKSPACE);
    assert_int_equal(json_array_size(later), 0);
}

static void add_audit_rows(struct bench *b, int count)
{
    const struct call call = {.now = clock_now_us(), .address = ""};

    bench_batch(b, true);
    for (int i = 0; i < count; i++)
        assert_int_equal(audit_add(&b->core, &call, "login", "somebody", NULL, NULL), 0);
    bench_batch(b, false);
}

/* However many were ended at once, and whatever was recorded since. */
static void no_drain_is_too_old_to_be_remembered(void **state)
{
    struct bench *b = *state;
    char requests[LIVE_REQUESTS][UUID_TEXT_SIZE];
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);

    for (int i = 0; i < LIVE_REQUESTS; i++) {
        bench_draft(b, "import");
        (void)str_copy(requests[i], sizeof requests[i], b->request);
    }
    json_t *fields = json_pack("{s:s, s:b}", "token", admin, "now", 1);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_ROTATE_KEYS, fields, NULL), 0);
    add_audit_rows(b, LATER_ROWS);
    AUTO_JSON json_t *told = told_after_restart(b, PEER_BLOB_EXTERNAL);
    assert_int_equal(json_array_size(told), LIVE_REQUESTS);
    for (int i = 0; i < LIVE_REQUESTS; i++)
        assert_true(is_told(told, "stalimex", requests[i], 2));
}

static int64_t generation_of(struct bench *b)
{
    struct request req = {0};

    assert_int_equal(request_load_by_id(&b->core, b->request, &req, NULL), 0);
    int64_t generation = req.generation;
    request_done(&req);
    return generation;
}

/* A reviewer's download runs on in the zone of the review, though the bytes have gone to the workspace since. */
static void the_zone_where_the_bytes_were_is_told(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "import");
    assert_int_equal(bench_put(b, "input.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
    int64_t generation = generation_of(b);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW, json_pack("{s:b}", "approval", 1), NULL), 0);
    json_t *job = bench_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), "move");
    assert_int_equal(bench_result(b, job, "moved", NULL), 0);
    AUTO_JSON json_t *told = told_after_restart(b, PEER_BLOB_CORE);
    assert_true(is_told(told, "stalimip", b->request, generation + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(a_seal_waits_for_the_writers),
        T(an_earlier_drain_does_not_count),
        T(what_was_revoked_is_drained_after_a_restart),
        T(no_drain_is_too_old_to_be_remembered),
        T(the_zone_where_the_bytes_were_is_told),
    };
    return cmocka_run_group_tests_name("core/drains", tests, NULL, NULL);
}
