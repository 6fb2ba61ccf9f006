/* Server-sent events: whatever pieces they come in, each block is told once, and nothing else is. */
#include "cli_test.h"

#include <stdlib.h>

#include "cli/sse.h"

struct heard {
    struct str text; /* "id|kind|data;" for each */
    int answer;
};

static int hear(void *ctx, const struct sse_event *event, struct error *err)
{
    struct heard *heard = ctx;
    (void)err;
    str_printf(&heard->text, "%s|%s|%s;", event->id, event->kind, event->data);
    return heard->answer;
}

/* The whole of it in pieces of one size. */
static void assert_heard(const char *bytes, const char *wanted)
{
    size_t len = strlen(bytes);

    for (size_t piece = 1; piece <= len; piece++) {
        struct heard heard = {.text = STR_INIT(4096)};
        struct sse sse = SSE_INIT(hear, &heard);
        for (size_t at = 0; at < len; at += piece)
            assert_int_equal(sse_push(&sse, bytes + at, len - at < piece ? len - at : piece, NULL), 0);
        assert_string_equal(str_text(&heard.text), wanted);
        sse_done(&sse);
        str_done(&heard.text);
    }
}

static void blocks_are_told(void **state)
{
    (void)state;
    assert_heard("retry: 2000\nid: 7\n\n", "7||;"); /* the place alone */
    assert_heard("id: 8\nevent: status_changed\ndata: {\"a\":1}\n\nid: 9\ndata:x\n\n",
                 "8|status_changed|{\"a\":1};9||x;");
    assert_heard("id: 8\r\ndata: one\r\ndata: two\r\n\r\n", "8||one\ntwo;");
    assert_heard("id: 8\ndata: a\n\ndata: b\n\n", "8||a;8||b;"); /* the id stays, the kind does not */
    assert_heard("event: k\ndata: a\n\ndata: b\n\n", "|k|a;||b;");
    assert_heard("data: : a: b\n\n", "||: a: b;");
}

static void the_rest_is_not(void **state)
{
    (void)state;
    assert_heard(":\n\n: a comment\n\n\n\n", "");
    assert_heard("retry: 5\n\nunknown: x\n\n", "");
    assert_heard("id: 8\ndata: not whole\n", "");
    assert_heard("id: 123456789012345678901\ndata: a\n\n", "||a;"); /* no id of ours */
}

static void a_new_connection_forgets_what_was_not_whole(void **state)
{
    static const char FIRST[] = "id: 8\ndata: a\n\nevent: k\ndata: cut off";
    struct heard heard = {.text = STR_INIT(4096)};
    struct sse sse = SSE_INIT(hear, &heard);
    (void)state;

    assert_int_equal(sse_push(&sse, FIRST, sizeof FIRST - 1, NULL), 0);
    sse_restart(&sse);
    assert_string_equal(sse.id, "8");
    assert_int_equal(sse_push(&sse, "data: b\n\n", 9, NULL), 0);
    assert_string_equal(str_text(&heard.text), "8||a;8||b;");
    sse_done(&sse);
    str_done(&heard.text);
}

static void who_has_heard_enough_hears_no_more(void **state)
{
    static const char BOTH[] = "data: a\n\ndata: b\n\n";
    struct heard heard = {.text = STR_INIT(4096), .answer = 1};
    struct sse sse = SSE_INIT(hear, &heard);
    (void)state;

    assert_int_equal(sse_push(&sse, BOTH, sizeof BOTH - 1, NULL), 1);
    assert_string_equal(str_text(&heard.text), "||a;");
    sse_done(&sse);
    str_done(&heard.text);
}

static void what_has_no_end_is_refused(void **state)
{
    struct heard heard = {.text = STR_INIT(4096)};
    AUTO_FREE char *mebibyte = xmalloc(1 << 20);
    (void)state;
    memset(mebibyte, 'x', 1 << 20);

    for (int lines = 0; lines < 2; lines++) {
        struct sse sse = SSE_INIT(hear, &heard);
        size_t pushed = 0;
        int r = 0;
        while (r == 0 && pushed <= 2 * SSE_EVENT_MAX) {
            r = sse_push(&sse, "data: ", lines ? 6 : 0, NULL);
            if (r == 0)
                r = sse_push(&sse, mebibyte, 1 << 20, NULL);
            if (r == 0)
                r = sse_push(&sse, "\n", lines ? 1 : 0, NULL);
            pushed += 1 << 20;
        }
        assert_int_equal(r, E_LIMIT);
        assert_true(pushed <= SSE_EVENT_MAX + (1 << 20));
        sse_done(&sse);
    }
    assert_string_equal(str_text(&heard.text), "");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(blocks_are_told),
        cmocka_unit_test(the_rest_is_not),
        cmocka_unit_test(a_new_connection_forgets_what_was_not_whole),
        cmocka_unit_test(who_has_heard_enough_hears_no_more),
        cmocka_unit_test(what_has_no_end_is_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
