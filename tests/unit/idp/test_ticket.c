/* Tickets open only as they were sealed: same key, same binding, in time, unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idp/ticket.h"

static const unsigned char KEY[TICKET_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const unsigned char OTHER_KEY[TICKET_KEY_SIZE] = "0123456789abcdef0123456789abcdX";

static char *seal(void)
{
    AUTO_JSON json_t *content = json_pack("{s:s}", "redirect_uri", "http://127.0.0.1:5000/");
    char *text = NULL;
    assert_int_equal(ticket_seal(KEY, "browser", content, 2000, &text, NULL), 0);
    return text;
}

static int open_ticket(const unsigned char *key, const char *binding, const char *text, int64_t now_s)
{
    AUTO_JSON json_t *content = NULL;
    int r = ticket_open(key, binding, text, now_s, &content, NULL);
    if (r == 0)
        assert_string_equal(json_text(content, "redirect_uri"), "http://127.0.0.1:5000/");
    else
        assert_null(content);
    return r;
}

static void opens_only_as_sealed(void **state)
{
    (void)state;
    AUTO_FREE char *text = seal();
    assert_int_equal(open_ticket(KEY, "browser", text, 1999), 0);
    assert_int_equal(open_ticket(KEY, "browser", text, 2000), E_INVALID);
    assert_int_equal(open_ticket(KEY, "other", text, 1999), E_INVALID);
    assert_int_equal(open_ticket(KEY, "", text, 1999), E_INVALID);
    assert_int_equal(open_ticket(OTHER_KEY, "browser", text, 1999), E_INVALID);
}

static void every_change_is_noticed(void **state)
{
    (void)state;
    AUTO_FREE char *text = seal();
    for (size_t i = 0; i < strlen(text); i++) {
        char saved = text[i];
        text[i] = saved == 'Q' ? 'g' : 'Q';
        assert_int_equal(open_ticket(KEY, "browser", text, 1999), E_INVALID);
        text[i] = saved;
    }
    static const char *const FORMS[] = {"", ".", "a.", ".a", "a.b", "a.b.c"};
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++)
        assert_int_equal(open_ticket(KEY, "browser", FORMS[i], 1999), E_INVALID);
    AUTO_FREE char *more = xasprintf("%s.x", text);
    assert_int_equal(open_ticket(KEY, "browser", more, 1999), E_INVALID);
}

static void tickets_have_bounds(void **state)
{
    (void)state;
    AUTO_FREE char *big = xcalloc(1, TICKET_MAX + 1);
    memset(big, 'a', TICKET_MAX);
    AUTO_JSON json_t *content = json_pack("{s:s}", "state", big);
    char *text = NULL;
    assert_int_equal(ticket_seal(KEY, "browser", content, 2000, &text, NULL), E_INVALID);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_only_as_sealed),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(tickets_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
