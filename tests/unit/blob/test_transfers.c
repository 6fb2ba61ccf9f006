/* The registry of transfers: a drain is answered when, and only when, nothing of an older generation can move a byte.
 */
#include "check.h"

#include <poll.h>

#include "blob/transfers.h"

#define ACCOUNT "stalimex"
#define CONTAINER "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a10"
#define OTHER "7f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a10"

/* Exchanges are names only here; cutting one is counted. */
static unsigned cuts;
static const struct http_exchange *last_cut;

void http_exchange_abort(struct http_exchange *x)
{
    cuts++;
    last_cut = x;
}

static struct http_exchange *exchange(uintptr_t number)
{
    return (struct http_exchange *)(number << 4); /* never looked into */
}

static int64_t drained[8];
static size_t drained_count;

static void on_drained(int64_t drain, void *ctx UNUSED)
{
    drained[drained_count++] = drain;
}

static int setup(void **state)
{
    struct transfers *transfers = NULL;
    struct error err = {0};

    cuts = 0;
    drained_count = 0;
    assert_int_equal(transfers_new(on_drained, NULL, &transfers, &err), 0);
    *state = transfers;
    return 0;
}

static int teardown(void **state)
{
    transfers_free(*state);
    return 0;
}

static struct transfer *start(struct transfers *transfers, enum transfer_kind kind, uintptr_t number,
                              int64_t generation)
{
    struct error err = {0};
    struct transfer *transfer = transfer_begin(transfers, kind, exchange(number), ACCOUNT, CONTAINER);
    assert_int_equal(transfer_admit(transfer, generation, &err), 0);
    return transfer;
}

static void test_nothing_runs(void **state)
{
    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(drained_count, 1);
    assert_int_equal(drained[0], 7);
}

static void test_download_is_cut(void **state)
{
    struct transfer *down = start(*state, TRANSFER_DOWNLOAD, 1, 1);

    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(cuts, 1);
    assert_ptr_equal(last_cut, exchange(1));
    assert_int_equal(drained_count, 0);
    transfer_end(down);
    assert_int_equal(drained_count, 1);
}

static void test_upload_notices(void **state)
{
    struct transfer *up = start(*state, TRANSFER_UPLOAD, 1, 1);
    struct error err = {0};

    assert_int_equal(transfer_check(up, false, &err), 0);
    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(cuts, 0);
    assert_int_equal(transfer_check(up, false, &err), E_SAS);
    assert_int_equal(transfer_check(up, true, &err), E_SAS);
    assert_int_equal(drained_count, 0);
    transfer_end(up);
    assert_int_equal(drained_count, 1);
    assert_int_equal(cuts, 0);
}

static void test_silent_upload_is_cut(void **state)
{
    struct transfer *up = start(*state, TRANSFER_UPLOAD, 1, 1);
    struct pollfd timer = {.fd = transfers_timer_fd(*state), .events = POLLIN};

    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(poll(&timer, 1, 10 * TRANSFERS_GRACE_MS), 1);
    transfers_tick(*state);
    assert_int_equal(cuts, 1);
    assert_int_equal(drained_count, 0);
    transfers_tick(*state);
    assert_int_equal(cuts, 1);
    transfer_end(up);
    assert_int_equal(drained_count, 1);
}

/* Its commit is core's to refuse: the client gets an answer, not a cut connection. */
static void test_complete_upload_is_waited_for(void **state)
{
    struct transfer *up = start(*state, TRANSFER_UPLOAD, 1, 1);
    struct pollfd timer = {.fd = transfers_timer_fd(*state), .events = POLLIN};
    struct error err = {0};

    assert_int_equal(transfer_check(up, true, &err), 0);
    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(poll(&timer, 1, 2 * TRANSFERS_GRACE_MS), 0);
    assert_int_equal(cuts, 0);
    assert_int_equal(drained_count, 0);
    transfer_end(up);
    assert_int_equal(drained_count, 1);
}

/* A download that outlives its link by more than core allows is cut, whatever it still has to send. */
static void test_limit_is_kept(void **state)
{
    struct transfer *longer = start(*state, TRANSFER_DOWNLOAD, 1, 1);
    struct transfer *shorter = start(*state, TRANSFER_DOWNLOAD, 2, 1);
    struct pollfd timer = {.fd = transfers_timer_fd(*state), .events = POLLIN};

    transfer_limit(longer, 3600000);
    transfer_limit(shorter, 30);
    assert_int_equal(poll(&timer, 1, 5000), 1);
    transfers_tick(*state);
    assert_int_equal(cuts, 1);
    assert_ptr_equal(last_cut, exchange(2));
    assert_int_equal(poll(&timer, 1, 50), 0);
    transfer_end(shorter);
    transfer_end(longer);
}

/* Core's answer was under way when the drain came: what it allowed must not begin any more. */
static void test_late_answer_is_refused(void **state)
{
    struct error err = {0};
    struct transfer *old = transfer_begin(*state, TRANSFER_UPLOAD, exchange(1), ACCOUNT, CONTAINER);
    struct transfer *new = transfer_begin(*state, TRANSFER_UPLOAD, exchange(2), ACCOUNT, CONTAINER);

    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(drained_count, 1);
    assert_int_equal(transfer_admit(old, 1, &err), E_SAS);
    assert_int_equal(transfer_admit(new, 2, &err), 0);
    assert_int_equal(transfer_check(new, false, &err), 0);
    transfer_end(old);
    transfer_end(new);
    assert_int_equal(cuts, 0);
    assert_int_equal(drained_count, 1);
}

static void test_others_go_on(void **state)
{
    struct error err = {0};
    struct transfer *same = start(*state, TRANSFER_DOWNLOAD, 1, 2);
    struct transfer *other = transfer_begin(*state, TRANSFER_DOWNLOAD, exchange(2), ACCOUNT, OTHER);
    struct transfer *account = transfer_begin(*state, TRANSFER_DOWNLOAD, exchange(3), "stalexint", CONTAINER);

    assert_int_equal(transfer_admit(other, 1, &err), 0);
    assert_int_equal(transfer_admit(account, 1, &err), 0);
    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    assert_int_equal(cuts, 0);
    assert_int_equal(drained_count, 1);
    transfer_end(same);
    transfer_end(other);
    transfer_end(account);
    assert_int_equal(drained_count, 1);
}

static void test_two_drains(void **state)
{
    struct transfer *first = start(*state, TRANSFER_DOWNLOAD, 1, 1);
    struct transfer *second = start(*state, TRANSFER_DOWNLOAD, 2, 2);

    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    transfers_drain(*state, 8, ACCOUNT, CONTAINER, 3);
    assert_int_equal(drained_count, 0);
    transfer_end(first);
    assert_int_equal(drained_count, 1);
    assert_int_equal(drained[0], 7);
    transfer_end(second);
    assert_int_equal(drained_count, 2);
    assert_int_equal(drained[1], 8);
}

static void test_forgotten_drains(void **state)
{
    struct transfer *down = start(*state, TRANSFER_DOWNLOAD, 1, 1);

    transfers_drain(*state, 7, ACCOUNT, CONTAINER, 2);
    transfers_forget_drains(*state);
    transfers_drain(*state, 1, ACCOUNT, CONTAINER, INT64_MAX);
    transfer_end(down);
    assert_int_equal(drained_count, 1);
    assert_int_equal(drained[0], 1);
    transfer_end(NULL);
}

/* What the others into the same container have announced; nothing of other containers, nothing of what has ended. */
static void test_announced(void **state)
{
    struct transfer *first = transfer_begin(*state, TRANSFER_UPLOAD, exchange(1), ACCOUNT, CONTAINER);
    struct transfer *second = transfer_begin(*state, TRANSFER_UPLOAD, exchange(2), ACCOUNT, CONTAINER);
    struct transfer *other = transfer_begin(*state, TRANSFER_UPLOAD, exchange(3), ACCOUNT, OTHER);

    assert_int_equal(transfer_announce(first, 100), 0);
    assert_int_equal(transfer_announce(second, 50), 100);
    assert_int_equal(transfer_announce(other, 7), 0);
    assert_int_equal(transfer_announce(first, 200), 50);
    transfer_end(first);
    assert_int_equal(transfer_announce(second, 50), 0);
    transfer_end(second);
    transfer_end(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_download_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upload_notices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_upload_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_complete_upload_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_drains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_drains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_announced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
