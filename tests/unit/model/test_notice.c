/* Words of mails: each status has its own, and each reader a sentence that fits. */
#include "../check.h"

#include <string.h>

#include "model/notice.h"

static const unsigned EVERYBODY[] = {NOTIFY_REQUESTOR, NOTIFY_MANAGERS, NOTIFY_OWNERS, NOTIFY_RESEARCHERS};

static void each_status_has_words_and_a_next_step(void **state)
{
    (void)state;
    for (int status = 0; status < STATUS_COUNT; status++) {
        const char *words = notice_status_words((enum status)status);
        assert_non_null(words);
        for (int other = 0; other < status; other++)
            assert_string_not_equal(words, notice_status_words((enum status)other));
        for (int type = 0; type < REQUEST_TYPE_COUNT; type++)
            for (size_t i = 0; i < ARRAY_LEN(EVERYBODY); i++) {
                const char *next = notice_next((enum status)status, (enum request_type)type, EVERYBODY[i]);
                assert_non_null(next);
                assert_int_equal(next[strlen(next) - 1], '.');
            }
    }
}

static void who_must_act_is_told_to(void **state)
{
    (void)state;
    assert_non_null(strstr(notice_next(STATUS_IN_REVIEW, REQUEST_EXPORT, NOTIFY_MANAGERS), "approve or reject"));
    assert_null(strstr(notice_next(STATUS_IN_REVIEW, REQUEST_EXPORT, NOTIFY_OWNERS), "approve or reject"));
    assert_non_null(strstr(notice_next(STATUS_DRAFT, REQUEST_IMPORT, NOTIFY_REQUESTOR), "outside"));
    assert_non_null(strstr(notice_next(STATUS_DRAFT, REQUEST_EXPORT, NOTIFY_REQUESTOR), "inside"));
    assert_non_null(strstr(notice_next(STATUS_APPROVED, REQUEST_EXPORT, NOTIFY_REQUESTOR), "download"));
}

static void choices_have_names(void **state)
{
    enum notice_choice choice;

    (void)state;
    for (int i = 0; i < NOTICE_CHOICE_COUNT; i++) {
        assert_true(notice_choice_by_name(notice_choice_name((enum notice_choice)i), &choice));
        assert_int_equal(choice, i);
    }
    assert_false(notice_choice_by_name("weekly", &choice));
    assert_false(notice_choice_by_name("", &choice));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_words_and_a_next_step),
        cmocka_unit_test(who_must_act_is_told_to),
        cmocka_unit_test(choices_have_names),
    };
    return cmocka_run_group_tests_name("model/notice", tests, NULL, NULL);
}
