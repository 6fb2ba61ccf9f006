/* One table of rights: every message of a person has one, and airlock-api says the same to its readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/route.h"
#include "core/dispatch.h"

static void the_table_of_messages_holds_together(void **state)
{
    (void)state;
    struct error err = {0};
    if (dispatch_self_check(&err) != 0)
        fail_msg("%s", err.detail);
}

static void every_message_of_a_person_has_a_right(void **state)
{
    (void)state;
    for (int m = 0; m < MESSAGE_COUNT; m++) {
        bool of_people = message_allowed((enum message)m, PEER_API, PEER_CORE);
        if (of_people != (dispatch_right((enum message)m) != RIGHT_OF_NOBODY))
            fail_msg("%s: a right belongs to messages of people, and each has one", message_op((enum message)m));
    }
}

static void routes_name_the_right_that_core_judges_by(void **state)
{
    (void)state;
    size_t count;
    const struct route *routes = route_table(&count);

    for (size_t i = 0; i < count; i++) {
        bool asks = routes[i].message != ROUTE_ASKS_NOBODY;
        enum right judged = asks ? dispatch_right(routes[i].message) : RIGHT_ANYTHING_OPEN;
        if (routes[i].right != judged && !(routes[i].right == RIGHT_OF_NOBODY && !asks))
            fail_msg("%s names the right %s, core judges by %s", routes[i].id, right_name(routes[i].right),
                     right_name(judged));
    }
}

static void every_right_is_some_messages(void **state)
{
    (void)state;
    for (int right = RIGHT_OF_NOBODY + 1; right < RIGHT_COUNT; right++) {
        bool used = false;
        for (int m = 0; m < MESSAGE_COUNT; m++)
            used |= dispatch_right((enum message)m) == (enum right)right;
        if (!used)
            fail_msg("The right %s is no message's", right_name((enum right)right));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_messages_holds_together),
        cmocka_unit_test(every_message_of_a_person_has_a_right),
        cmocka_unit_test(routes_name_the_right_that_core_judges_by),
        cmocka_unit_test(every_right_is_some_messages),
    };
    return cmocka_run_group_tests_name("core/rights", tests, NULL, NULL);
}
