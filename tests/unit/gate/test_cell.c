/* The quick ways of reading cells against the careful ones. */
#include "../check.h"

#include <stdio.h>
#include <string.h>

#include "gate/cell.h"
#include "gate/identifier.h"

#define LENGTH_MAX 6
#define NUMBERS 200000

/* With what must be readable behind it. */
struct padded {
    char text[32 + TEXT_PAD];
};

/* Every text of these letters: what is called a plain fraction is a number to whoever looks closely. */
static void a_quick_fraction_is_a_number(void **state)
{
    static const char LETTERS_OF_NUMBERS[] = "05.-+";
    size_t kinds = sizeof LETTERS_OF_NUMBERS - 1, quick = 0;

    (void)state;
    for (size_t len = 1; len <= LENGTH_MAX; len++) {
        size_t all = 1;
        for (size_t i = 0; i < len; i++)
            all *= kinds;
        for (size_t n = 0; n < all; n++) {
            struct padded cell = {0};
            for (size_t i = 0, rest = n; i < len; i++, rest /= kinds)
                cell.text[i] = LETTERS_OF_NUMBERS[rest % kinds];
            if (!cell_is_decimal(cell.text, len))
                continue;
            quick++;
            if (cell_read(cell.text, len, '.').kind != CELL_NUMBER)
                fail_msg("%s is no number", cell.text);
        }
    }
    assert_true(quick > 100);
}

static void fractions_are_quick_and_counts_are_not(void **state)
{
    static const struct {
        const char *text;
        bool quick;
    } CELLS[] = {{"12.5", true},  {"-0.50", true}, {"+1.25", true}, {"0.123456", true},  {"123456789012.125", true}, {"3.0", false},
                 {"3.", false},   {"12", false},   {"1.2.3", false}, {"2010-02-03", false}, {"5-.5", false},         {"1.5-", false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CELLS); i++) {
        struct padded cell = {0};
        (void)snprintf(cell.text, sizeof cell.text, "%s", CELLS[i].text);
        if (cell_is_decimal(cell.text, strlen(cell.text)) != CELLS[i].quick)
            fail_msg("%s", CELLS[i].text);
    }
}

static void digits_are_their_number(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 16; len++) {
        struct padded cell = {0};
        uint64_t value = 0;
        for (size_t i = 0; i < len; i++) {
            cell.text[i] = (char)('0' + (7 * i + 3) % 10);
            value = value * 10 + (uint64_t)(cell.text[i] - '0');
        }
        cell.text[len] = '9'; /* what follows does not count */
        assert_int_equal(cell_digits(cell.text, len), value);
    }
}

/* The check digit as its definition says it: weights 10 to 2, and 11 less the remainder. */
static bool check_digit_fits(const char *digits)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < NHS_NUMBER_LENGTH - 1; i++)
        sum += (unsigned)(digits[i] - '0') * (NHS_NUMBER_LENGTH - i);
    return (11 - sum % 11) % 11 == (unsigned)(digits[NHS_NUMBER_LENGTH - 1] - '0');
}

static void check_digits_fit_as_defined(void **state)
{
    size_t fitting = 0;

    (void)state;
    for (uint64_t n = 0; n < NUMBERS; n++) { /* of the range that is given out in England */
        struct padded cell = {0};
        (void)snprintf(cell.text, sizeof cell.text, "%llu", (unsigned long long)(4000000000U + n * 4999));
        assert_int_equal(nhs_number_fits(cell.text), check_digit_fits(cell.text));
        fitting += check_digit_fits(cell.text);
    }
    assert_true(fitting > NUMBERS / 12 && fitting < NUMBERS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quick_fraction_is_a_number),
        cmocka_unit_test(fractions_are_quick_and_counts_are_not),
        cmocka_unit_test(digits_are_their_number),
        cmocka_unit_test(check_digits_fit_as_defined),
    };
    return cmocka_run_group_tests_name("gate/cell", tests, NULL, NULL);
}
