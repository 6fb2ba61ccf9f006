/* Lists of blobs and of requests against a naive model. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 120

struct model {
    size_t count;
    char names[NAMES_MAX][16];
    bool staged[NAMES_MAX];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names from a small alphabet, so that prefixes and delimiters meet often; every third has blocks only. */
static void fill(struct bench *b, struct model *m)
{
    static const char *const PIECES[] = {"a", "b", "/", "//", "a/", "\xc3\xa9", "0", "~"};
    AUTO_JSON json_t *seen = json_object();
    char object[UUID_TEXT_SIZE];
    while (m->count < 60) {
        char name[16] = "";
        for (int i = rand() % 5; i >= 0; i--)
            (void)strcat(name, PIECES[(size_t)rand() % ARRAY_LEN(PIECES)]);
        if (json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        assert_true(str_copy(m->names[m->count++], sizeof name, name));
    }
    qsort(m->names, m->count, sizeof m->names[0], by_name);
    for (size_t i = 0; i < m->count; i++) {
        m->staged[i] = rand() % 3 == 0;
        if (m->staged[i])
            bench_stage(b, m->names[i], 0, 1, NULL);
        else
            assert_int_equal(bench_put(b, m->names[i], 1, object), 0);
    }
}

/* All items in order: names, and common prefixes once, each as it would be shown. */
static json_t *expected(const struct model *m, const char *prefix, const char *delimiter, bool uncommitted)
{
    json_t *items = json_array();
    for (size_t i = 0; i < m->count; i++) {
        const char *name = m->names[i];
        if (!str_starts(name, prefix) || (m->staged[i] && !uncommitted))
            continue;
        const char *at = *delimiter ? strstr(name + strlen(prefix), delimiter) : NULL;
        AUTO_FREE char *item =
            at ? xasprintf("P%.*s", (int)(at - name + (long)strlen(delimiter)), name) : xasprintf("B%s", name);
        const char *last = json_string_value(json_array_get(items, json_array_size(items) - 1));
        if (!last || strcmp(last, item) != 0)
            json_array_append_new(items, json_string(item));
    }
    return items;
}

static void add_items(const json_t *ok, const char *field, char kind, char items[][20], size_t *count)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(ok, field), i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item) : json_text(item, "name");
        (void)snprintf(items[(*count)++], 20, "%c%s", kind, text);
    }
}

/* A page's items in name order. */
static int by_item(const void *a, const void *b)
{
    return strcmp((const char *)a + 1, (const char *)b + 1);
}

static void check_listing(struct bench *b, const struct model *m, const char *prefix, const char *delimiter,
                          bool uncommitted, int limit)
{
    AUTO_JSON json_t *want = expected(m, prefix, delimiter, uncommitted);
    AUTO_FREE char *marker = xstrdup("");
    size_t done = 0;
    do {
        AUTO_JSON json_t *ok = NULL;
        char items[NAMES_MAX][20];
        size_t count = 0;
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST,
                                    json_pack("{s:s, s:s, s:s, s:i, s:b}", "prefix", prefix, "delimiter", delimiter,
                                              "marker", marker, "maxresults", limit, "uncommitted", uncommitted),
                                    &ok),
                         0);
        add_items(ok, "blobs", 'B', items, &count);
        add_items(ok, "prefixes", 'P', items, &count);
        qsort(items, count, sizeof items[0], by_item);
        free(marker);
        marker = xstrdup(json_text(ok, "nextMarker"));
        assert_true(*marker ? count == (size_t)limit : count <= (size_t)limit);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(items[i], json_string_value(json_array_get(want, done++)));
    } while (*marker);
    assert_int_equal(done, json_array_size(want));
}

static void pages_are_the_naive_list(void **state)
{
    static const char *const PREFIXES[] = {"", "a", "a/", "/", "b//", "\xc3\xa9", "zzz"};
    static const char *const DELIMITERS[] = {"", "/", "//", "a", "\xc3\xa9"};
    struct bench *b = *state;
    AUTO_FREE struct model *m = xcalloc(1, sizeof *m);
    srand(11);
    bench_draft(b, "export");
    fill(b, m);
    for (size_t p = 0; p < ARRAY_LEN(PREFIXES); p++)
        for (size_t d = 0; d < ARRAY_LEN(DELIMITERS); d++)
            for (int limit = 1; limit < 64; limit = limit * 3 + 1)
                check_listing(b, m, PREFIXES[p], DELIMITERS[d], limit % 2 == 0, limit);
    check_listing(b, m, "", "/", true, 2);
    check_listing(b, m, "", "", true, 5000);
}

static void blocks_without_a_list_show_only_when_asked(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "b", 5, object), 0);
    bench_stage(b, "a", 0, 1, NULL);
    bench_stage(b, "b", 0, 1, NULL);                      /* has content: it shows once, as that */
    assert_int_equal(bench_begin_block(b, "c", 0, 1), 0); /* still on its way */
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i, s:b}", "maxresults", 10, "uncommitted", 1), &ok),
                     0);
    const json_t *blobs = json_object_get(ok, "blobs");
    assert_int_equal(json_array_size(blobs), 2);
    assert_string_equal(json_text(json_array_get(blobs, 0), "name"), "a");
    assert_true(json_flag(json_array_get(blobs, 0), "uncommitted"));
    assert_false(json_flag(json_array_get(blobs, 1), "uncommitted"));
    assert_int_equal(json_int(json_array_get(blobs, 1), "size"), 5);
}

static const char *const ORDERS[] = {"createdWhen", "updatedWhen", "title", "status", "type", "createdBy"};

/* All pages of a list, the ids in order. */
static json_t *all_requests(struct bench *b, enum message message, const char *who, const char *order, bool ascending,
                            int limit)
{
    AUTO_FREE char *cursor = xstrdup("");
    json_t *ids = json_array();
    do {
        AUTO_FREE char *token = bench_token(b, who, message == MESSAGE_REQUEST_LIST ? WS1 : "", 0);
        AUTO_JSON json_t *ok = NULL;
        size_t i;
        const json_t *item;
        assert_int_equal(bench_ask(b, PEER_API, message,
                                   json_pack("{s:s, s:s, s:s, s:b, s:i, s:s}", "token", token, "workspace", WS1,
                                             "order_by", order, "order_ascending", ascending, "limit", limit, "cursor",
                                             cursor),
                                   &ok),
                         0);
        const json_t *list = json_object_get(ok, message == MESSAGE_REQUEST_LIST ? "airlockRequests" : "requests");
        json_array_foreach(list, i, item)
        {
            const json_t *request = json_object_get(item, "airlockRequest");
            json_array_append_new(ids, json_string(json_text(request ? request : item, "id")));
        }
        assert_true(json_array_size(list) <= (size_t)limit);
        free(cursor);
        cursor = xstrdup(json_text(ok, "nextCursor"));
    } while (*cursor);
    return ids;
}

/* Small pages give the list of one large page, and down is up turned round. */
static void check_order(struct bench *b, enum message message, const char *who, const char *order, size_t count)
{
    AUTO_JSON json_t *whole = all_requests(b, message, who, order, true, 100);
    AUTO_JSON json_t *pages = all_requests(b, message, who, order, true, 2);
    AUTO_JSON json_t *down = all_requests(b, message, who, order, false, 3);
    assert_int_equal(json_array_size(whole), count);
    assert_true(json_equal(whole, pages));
    assert_int_equal(json_array_size(down), count);
    for (size_t i = 0; i < count; i++)
        assert_true(json_equal(json_array_get(down, i), json_array_get(whole, count - 1 - i)));
}

static void request_lists_page_in_every_order(void **state)
{
    static const char *const TITLES[] = {"b", "a", "a", "\xf4\x8f\xbf\xbd", "Z", "b"};
    struct bench *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(TITLES); i++) {
        json_t *input = json_pack("{s:s, s:s}", "type", i < 3 ? "import" : "export", "title", TITLES[i]);
        assert_int_equal(bench_act(b, i % 2 ? "alice" : "dave", MESSAGE_REQUEST_CREATE, input, NULL), 0);
    }
    bench_create(b, "alice", "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(ORDERS); i++) {
        check_order(b, MESSAGE_REQUEST_LIST, "carol", ORDERS[i], 7);
        check_order(b, MESSAGE_REQUEST_LIST_ALL, "alice", ORDERS[i], 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(pages_are_the_naive_list),
        T(blocks_without_a_list_show_only_when_asked),
        T(request_lists_page_in_every_order),
    };
    return cmocka_run_group_tests_name("core/lists", tests, NULL, NULL);
}
