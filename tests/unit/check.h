/* cmocka, and two short assertions for what is refused. */
#ifndef AIRLOCK_TESTS_CHECK_H
#define AIRLOCK_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <string.h>

#include "base/error.h"

/* The call is refused with code, and the detail says text. */
#define assert_refused(call, wanted, text)                                                                             \
    do {                                                                                                               \
        struct error err_ = {0};                                                                                       \
        struct error *err = &err_;                                                                                     \
        assert_int_equal((call), (wanted));                                                                            \
        assert_int_equal(err_.code, (wanted));                                                                         \
        if (!strstr(err_.detail, (text)))                                                                              \
            fail_msg("\"%s\" does not say \"%s\"", err_.detail, (text));                                               \
    } while (0)

/* The same, and it names the input field. */
#define assert_refused_field(call, wanted, wanted_field)                                                               \
    do {                                                                                                               \
        struct error err_ = {0};                                                                                       \
        struct error *err = &err_;                                                                                     \
        assert_int_equal((call), (wanted));                                                                            \
        assert_string_equal(err_.field, (wanted_field));                                                               \
        assert_true(err_.detail[0] != '\0');                                                                           \
    } while (0)

#endif
