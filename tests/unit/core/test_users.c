/* Accounts as core sees them: who may order what, what is on record, who is answered and when. */
#include "harness.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "core/audit.h"
#include "core/dispatch.h"
#include "core/peers.h"
#include "core/relay.h"
#include "core/users.h"
#include "ipc/channel.h"

#define EVE "44444444-4444-4444-8444-444444444444"
#define ADMIN2 "55555555-5555-4555-8555-555555555555"

/* A bench with the built-in provider and both channels, whose far ends are ours. */
struct rig {
    struct bench *b;
    struct channel *api, *idp;
    int epoll_fd;
    int looks; /* whoever follows events is judged anew */
};

static struct rig rig;

static struct channel *attach(enum peer peer)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peers_attach(&rig.b->core, peer, pair[0]);
    return channel_new(pair[1]);
}

static int rig_setup(void **state)
{
    assert_int_equal(bench_setup(state), 0);
    rig = (struct rig){.b = *state, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    rig.b->core.config.idp_enabled = true;
    rig.b->core.peers = peers_new(rig.epoll_fd);
    rig.api = attach(PEER_API);
    rig.idp = attach(PEER_IDP);
    AUTO_JSON json_t *eve = json_pack("{s:s, s:s, s:s}", "oid", EVE, "name", "eve", "email", "eve@example.org");
    struct error err = {0};
    if (user_put(&rig.b->core, eve, &err) != 0)
        fail_msg("%s", err.detail);
    return 0;
}

static int rig_teardown(void **state)
{
    peers_free(rig.b->core.peers);
    rig.b->core.peers = NULL;
    channel_free(rig.api);
    channel_free(rig.idp);
    (void)close(rig.epoll_fd);
    return bench_teardown(state);
}

/* A frame in a transaction of its own, and its effects, as the loop does them. */
static json_t *exchange(enum peer from, enum message message, json_t *fields)
{
    AUTO_JSON json_t *frame = fields;
    struct core *core = &rig.b->core;
    json_t *answer = NULL;

    json_object_set_new(frame, "op", json_string(message_op(message)));
    json_object_set_new(frame, "id", json_integer(7));
    json_object_set_new(frame, "address", json_string("127.0.0.1"));
    assert_int_equal(db_begin(core->db, NULL), 0);
    assert_int_equal(dispatch(core, from, frame, &answer, NULL), 0);
    assert_int_equal(db_commit(core->db, NULL), 0);
    size_t count = core->effects.count;
    core->effects.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (core->effects.items[i].kind == EFFECT_RELAY)
            relay_send(core, core->effects.items[i].generation);
        else if (core->effects.items[i].kind == EFFECT_RELAY_DONE)
            relay_finish(core, core->effects.items[i].generation);
        else if (core->effects.items[i].kind == EFFECT_NEWS)
            rig.looks++;
    }
    relays_sweep(core);
    return answer;
}

static json_t *as_admin(enum message message, json_t *fields)
{
    AUTO_FREE char *token = bench_token(rig.b, "admin", "", 0);
    json_object_set_new(fields, "token", json_string(token));
    return exchange(PEER_API, message, fields);
}

static json_t *received(struct channel *channel)
{
    struct frame frame = {0};
    if (channel_receive(channel, &frame, NULL) != 1)
        return NULL;
    json_t *message = json_incref(frame.message);
    frame_done(&frame);
    return message;
}

static void assert_refused(json_t *answer, const char *code)
{
    AUTO_JSON json_t *owned = answer;
    assert_non_null(answer);
    assert_string_equal(json_text(json_object_get(answer, "error"), "code"), code);
}

static json_t *add_order(const char *name, bool tre_admin)
{
    AUTO_FREE char *email = xasprintf("%s@example.org", name);
    assert_null(as_admin(MESSAGE_ADMIN_USER_ADD,
                         json_pack("{s:s, s:s, s:b}", "name", name, "email", email, "tre_admin", tre_admin)));
    json_t *order = received(rig.idp);
    assert_non_null(order);
    return order;
}

static void report(const json_t *order, const char *oid)
{
    AUTO_JSON json_t *answer =
        exchange(PEER_IDP, MESSAGE_ACCOUNT_DONE,
                 json_pack("{s:I, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:s}", "relay", json_int(order, "relay"), "action",
                           json_text(order, "action"), "outcome", "ok", "account", "oid", oid, "name", "newton",
                           "email", "newton@example.org", "password", "very-secret-word", "client_secret", ""));
    assert_non_null(json_object_get(answer, "ok"));
}

static void assert_no_secret_on_record(void)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int seen = 0;
    assert_int_equal(db_select(rig.b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    for (; db_rows_next(rows, NULL) == 1; seen++)
        assert_null(strstr(db_text(rows, 7), "very-secret-word"));
    assert_true(seen > 2);
}

static int64_t recorded(const char *kind)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0;
    assert_int_equal(db_select(rig.b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count += strcmp(db_text(rows, 2), kind) == 0;
    return count;
}

static void adding_is_recorded_done_and_answered_once(void **state)
{
    (void)state;
    AUTO_JSON json_t *order = add_order("newton", true);
    assert_int_equal(recorded("account.order"), 1);
    assert_null(received(rig.api)); /* not before airlock-idp has done it */
    report(order, ADMIN2);
    AUTO_JSON json_t *answer = received(rig.api);
    assert_int_equal(json_int(answer, "id"), 7);
    const json_t *ok = json_object_get(answer, "ok");
    assert_string_equal(json_text(ok, "password"), "very-secret-word");
    assert_int_equal(json_array_size(json_object_get(json_object_get(ok, "user"), "roles")), 2);
    assert_int_equal(recorded("account.done"), 1);
    report(order, ADMIN2); /* told again: harmless */
    assert_null(received(rig.api));
    assert_no_secret_on_record();
}

static void a_refusal_of_the_provider_reaches_the_asker(void **state)
{
    (void)state;
    AUTO_JSON json_t *order = add_order("newton", false);
    json_decref(exchange(PEER_IDP, MESSAGE_ACCOUNT_DONE,
                         json_pack("{s:I, s:s, s:s, s:s}", "relay", json_int(order, "relay"), "action", "add",
                                   "outcome", "exists", "detail", "There is an account newton already")));
    assert_refused(received(rig.api), "exists");
}

static void without_the_provider_nothing_is_begun(void **state)
{
    (void)state;
    peers_drop(&rig.b->core, PEER_IDP);
    assert_refused(as_admin(MESSAGE_ADMIN_USER_ADD, json_pack("{s:s, s:s}", "name", "n", "email", "n@example.org")),
                   "unavailable");
    assert_int_equal(recorded("account.order"), 0);
}

static void a_provider_that_dies_leaves_an_unknown_outcome(void **state)
{
    (void)state;
    AUTO_JSON json_t *order = add_order("newton", false);
    peers_drop(&rig.b->core, PEER_IDP);
    assert_refused(received(rig.api), "unknown-outcome");
    report(order, ADMIN2); /* after its restart: recorded, and nobody is given a role by it */
    assert_int_equal(recorded("account.done"), 1);
    assert_int_equal(recorded("role.assigned"), 11);
    assert_null(received(rig.api));
}

static void a_provider_that_is_slow_leaves_an_unknown_outcome(void **state)
{
    (void)state;
    AUTO_JSON json_t *order = add_order("newton", false);
    assert_true(relays_check(&rig.b->core, clock_mono_ms()) > 0);
    assert_null(received(rig.api));
    assert_int_equal(relays_check(&rig.b->core, clock_mono_ms() + RELAY_MS + 1), -1);
    assert_refused(received(rig.api), "unknown-outcome");
    report(order, ADMIN2);
    assert_null(received(rig.api));
}

static void a_new_api_never_hears_an_answer_for_the_old_one(void **state)
{
    (void)state;
    AUTO_JSON json_t *order = add_order("newton", false);
    peers_drop(&rig.b->core, PEER_API);
    channel_free(rig.api);
    rig.api = attach(PEER_API);
    report(order, ADMIN2);
    assert_null(received(rig.api)); /* its question 7 is another */
    assert_int_equal(recorded("account.done"), 1);
}

static void orders_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < RELAYS_MAX; i++) {
        AUTO_FREE char *name = xasprintf("n%d", i);
        json_decref(add_order(name, false));
    }
    assert_refused(as_admin(MESSAGE_ADMIN_USER_ADD, json_pack("{s:s, s:s}", "name", "n", "email", "n@example.org")),
                   "unavailable");
}

static json_t *ask_as(const char *who, int64_t age_s)
{
    AUTO_FREE char *token = bench_token(rig.b, who, "", age_s);
    return exchange(PEER_API, MESSAGE_WORKSPACE_LIST, json_pack("{s:s}", "token", token));
}

static void assert_answered(json_t *answer)
{
    AUTO_JSON json_t *owned = answer;
    assert_non_null(json_object_get(answer, "ok"));
}

static void give_role(const char *subject, const char *role)
{
    assert_answered(
        as_admin(MESSAGE_ADMIN_ROLE_ASSIGN, json_pack("{s:[s], s:s}", "user_ids", subject, "role_id", role)));
}

static void a_disabled_person_is_refused_at_once(void **state)
{
    (void)state;
    give_role(EVE, "TREUser");
    assert_answered(ask_as(EVE, 60));
    rig.looks = 0;
    assert_null(as_admin(MESSAGE_ADMIN_USER_DISABLE, json_pack("{s:s}", "user", EVE)));
    assert_int_equal(rig.looks, 1);
    AUTO_JSON json_t *order = received(rig.idp);
    assert_refused(ask_as(EVE, 0), "unauthenticated"); /* before airlock-idp has said a word */
    report(order, EVE);
    AUTO_JSON json_t *answer = received(rig.api);
    assert_non_null(json_object_get(answer, "ok"));

    assert_null(as_admin(MESSAGE_ADMIN_USER_ENABLE, json_pack("{s:s}", "user", EVE)));
    AUTO_JSON json_t *enable = received(rig.idp);
    assert_refused(ask_as(EVE, 0), "unauthenticated"); /* not before it is done */
    report(enable, EVE);
    assert_answered(ask_as(EVE, 0));
    assert_refused(ask_as(EVE, 60), "unauthenticated"); /* a token from before stays dead */
}

static void disabling_works_without_the_provider(void **state)
{
    (void)state;
    give_role(EVE, "TREUser");
    peers_drop(&rig.b->core, PEER_IDP);
    assert_null(as_admin(MESSAGE_ADMIN_USER_DISABLE, json_pack("{s:s}", "user", EVE)));
    assert_refused(received(rig.api), "unknown-outcome");
    assert_refused(ask_as(EVE, 0), "unauthenticated");
}

static void a_publication_does_not_enable_anybody(void **state)
{
    (void)state;
    give_role(EVE, "TREUser");
    assert_null(as_admin(MESSAGE_ADMIN_USER_DISABLE, json_pack("{s:s}", "user", EVE)));
    AUTO_JSON json_t *eve =
        json_pack("{s:s, s:s, s:s, s:b}", "oid", EVE, "name", "eve", "email", "new@example.org", "disabled", false);
    assert_int_equal(user_put(&rig.b->core, eve, NULL), 0);
    assert_refused(ask_as(EVE, 0), "unauthenticated");
}

static void the_last_admin_stays(void **state)
{
    (void)state;
    AUTO_JSON json_t *admin = json_pack("{s:s, s:s, s:s}", "oid", "admin", "name", "admin", "email", "");
    assert_int_equal(user_put(&rig.b->core, admin, NULL), 0);
    assert_refused(as_admin(MESSAGE_ADMIN_USER_DISABLE, json_pack("{s:s}", "user", "admin")), "conflict");
    assert_refused(
        as_admin(MESSAGE_ADMIN_ROLE_REMOVE, json_pack("{s:[s], s:s}", "user_ids", "admin", "role_id", "TREAdmin")),
        "conflict");
    give_role(EVE, "TREAdmin");
    assert_null(as_admin(MESSAGE_ADMIN_USER_DISABLE, json_pack("{s:s}", "user", EVE)));
    assert_refused(as_admin(MESSAGE_ADMIN_ROLE_REMOVE, /* one who is disabled does not count */
                            json_pack("{s:[s], s:s}", "user_ids", "admin", "role_id", "TREAdmin")),
                   "conflict");
}

static void only_admins_order(void **state)
{
    (void)state;
    static const enum message MESSAGES[] = {
        MESSAGE_ADMIN_USER_LIST,  MESSAGE_ADMIN_USER_ADD,    MESSAGE_ADMIN_USER_DISABLE, MESSAGE_ADMIN_USER_ENABLE,
        MESSAGE_ADMIN_USER_RESET, MESSAGE_ADMIN_ROLE_ASSIGN, MESSAGE_ADMIN_ROLE_REMOVE};
    AUTO_FREE char *token = bench_token(rig.b, "alice", "", 0);
    AUTO_FREE char *workspace = bench_token(rig.b, "admin", WS1, 0);
    for (size_t i = 0; i < ARRAY_LEN(MESSAGES); i++) {
        assert_refused(exchange(PEER_API, MESSAGES[i], json_pack("{s:s, s:s}", "token", token, "user", EVE)),
                       "forbidden");
        assert_refused(exchange(PEER_API, MESSAGES[i], json_pack("{s:s, s:s}", "token", workspace, "user", EVE)),
                       "unauthenticated");
    }
    assert_null(received(rig.idp));
}

static void with_another_provider_accounts_live_there(void **state)
{
    (void)state;
    rig.b->core.config.idp_enabled = false;
    rig.b->core.keys.fetched = clock_now_us();
    rig.b->core.config.keys_max_age_s = 3600;
    assert_refused(as_admin(MESSAGE_ADMIN_USER_LIST, json_object()), "disabled");
    assert_refused(as_admin(MESSAGE_ADMIN_USER_RESET, json_pack("{s:s}", "user", EVE)), "disabled");
}

static void the_list_has_pages(void **state)
{
    (void)state;
    AUTO_JSON json_t *robot = json_pack("{s:s, s:s, s:s, s:s, s:b}", "oid", ADMIN2, "name", "robot", "email", "",
                                        "client_id", "c", "is_service", true);
    assert_int_equal(user_put(&rig.b->core, robot, NULL), 0);
    AUTO_JSON json_t *first = as_admin(MESSAGE_ADMIN_USER_LIST, json_pack("{s:i}", "limit", 1));
    const json_t *page = json_object_get(first, "ok");
    assert_int_equal(json_array_size(json_object_get(page, "users")), 1);
    AUTO_JSON json_t *second =
        as_admin(MESSAGE_ADMIN_USER_LIST, json_pack("{s:i, s:s}", "limit", 1, "cursor", json_text(page, "nextCursor")));
    page = json_object_get(second, "ok");
    assert_true(json_flag(json_array_get(json_object_get(page, "users"), 0), "is_service"));
    assert_null(json_object_get(page, "nextCursor"));
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"", " a", "a ", "a\nb"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        assert_refused(
            as_admin(MESSAGE_ADMIN_USER_ADD, json_pack("{s:s, s:s}", "name", NAMES[i], "email", "a@example.org")),
            "invalid");
    assert_refused(as_admin(MESSAGE_ADMIN_USER_ADD, json_pack("{s:s}", "name", "a")), "invalid"); /* no address */
    assert_null(received(rig.idp));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(adding_is_recorded_done_and_answered_once),
        TEST(a_refusal_of_the_provider_reaches_the_asker),
        TEST(without_the_provider_nothing_is_begun),
        TEST(a_provider_that_dies_leaves_an_unknown_outcome),
        TEST(a_provider_that_is_slow_leaves_an_unknown_outcome),
        TEST(a_new_api_never_hears_an_answer_for_the_old_one),
        TEST(orders_are_bounded),
        TEST(a_disabled_person_is_refused_at_once),
        TEST(disabling_works_without_the_provider),
        TEST(a_publication_does_not_enable_anybody),
        TEST(the_last_admin_stays),
        TEST(only_admins_order),
        TEST(with_another_provider_accounts_live_there),
        TEST(the_list_has_pages),
        TEST(bad_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
