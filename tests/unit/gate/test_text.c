/* The gates disclosure and identifiers over whole files: what is found where, and what is not. */
#include "text_try.h"
#include "policy.h"

#define FINDS(name, text, wanted) assert_findings(&policy, name, text, sizeof(text) - 1, wanted)

static void small_counts_are_told_by_row_and_column(void **state)
{
    (void)state;
    FINDS("a.csv", "region,n\nNorth,12\nSouth,3\nEast,0\nWest,9\n", "small-count 3 n 2\n");
    FINDS("a.csv", "region;number of patients\nNorth;12,0\nSouth;3,0\n", "small-count 3 number of patients 1\n");
    FINDS("a.tsv", "region\tcount\nNorth\t\"1,234\"\nSouth\t4.0\n", "small-count 3 count 1\n");
    FINDS("a.csv", "region,patient_id,age,year,pct\nNorth,3,4,2001,5\nSouth,2,6,2002,7\n", "");
    FINDS("a.csv", "Table 1: by sex\n\nsex,male,female,total\nA,12,3,15\nB,20,30,50\n", "small-count 4 female 1\n");
}

static void counts_that_are_not_rounded(void **state)
{
    (void)state;
    policy.number[GATE_POLICY_ROUND_BASE] = 5;
    FINDS("a.csv", "region,n\nNorth,15\nSouth,23\nEast,0\n", "unrounded-count 3 n 1\n");
    policy.number[GATE_POLICY_ROUND_BASE] = 0;
    FINDS("a.csv", "region,n\nNorth,15\nSouth,23\nEast,0\n", "");
}

static void hidden_counts_that_totals_give_away(void **state)
{
    (void)state;
    FINDS("a.csv", "region,n\nNorth,112\nSouth,*\nEast,31\nTotal,147\n", "back-calculation 3 n 1\n");
    FINDS("a.csv", "region,n\nNorth,112\nSouth,*\nEast,[c]\nTotal,147\n", "");
    FINDS("a.csv", "region,men,women,total\nNorth,112,<10,119\nSouth,31,42,73\n", "back-calculation 2 women 1\n");
    FINDS("a.csv", "region,n\nNorth,115\nSouth,*\nEast,30\nWest,45\nTotal,195\n", "");
}

static void identifiers_are_told_by_column(void **state)
{
    (void)state;
    FINDS("a.csv", "id,nhs_number\n1,9990000018\n2,999 000 0026\n", "nhs-number 2 nhs_number 2\n");
    FINDS("a.csv", "order,contact\n1,a.b@example.org\n2,none\n", "email-address 2 contact 1\n");
    FINDS("a.csv", "x,postcode\n1,SW1A 1AA\n2,M11AE\n", "uk-postcode 2 postcode 2\n");
    FINDS("a.csv", "x,dob\n1,1950-03-12\n2,12/03/1950\n", "date-of-birth 2 dob 2\n");
    FINDS("notes.txt", "hello\nborn 12 March 1950, lives at SW1A 1AA\n", "uk-postcode 2 - 1\ndate-of-birth 2 - 1\n");
}

static void t47_formulas_are_told(void **state)
{
    (void)state;
    FINDS("a.csv", "a,b\n1,=cmd|' /C calc'!A0\n2,-5\n3,+44 20 7946 0000\n4,@SUM(A1)\n5,-\n", "formula 2 b 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_counts_are_told_by_row_and_column),
        cmocka_unit_test(counts_that_are_not_rounded),
        cmocka_unit_test(hidden_counts_that_totals_give_away),
        cmocka_unit_test(identifiers_are_told_by_column),
        cmocka_unit_test(t47_formulas_are_told),
    };
    return cmocka_run_group_tests(tests, policy_begin, policy_end);
}
