/* The command line against its tables: which command, which options, which mistakes. */
#include "cli_test.h"

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/help.h"

static const struct option_spec OPTIONS[] = {
    {"to", "DIRECTORY", "where"},
    {"yes", NULL, "do not ask"},
    {"network", "CIDR", "a network"},
    {NULL, NULL, NULL},
};

static const struct command COMMANDS[] = {
    {"login", "", "Log in", "x", 0, 0, NULL, NULL},
    {"request list", "", "List", "x", 0, 0, NULL, NULL},
    {"request upload", "REQUEST FILE...", "Upload", "x", 2, SIZE_MAX, OPTIONS, NULL},
    {"admin role assign", "A B C", "Assign", "x", 3, 3, NULL, NULL},
};

#define WORDS(...) ((const char *[]){__VA_ARGS__})
#define COUNT(...) (sizeof(WORDS(__VA_ARGS__)) / sizeof(const char *))
#define FIND(used, ...) command_find(COMMANDS, ARRAY_LEN(COMMANDS), WORDS(__VA_ARGS__), COUNT(__VA_ARGS__), used)
#define PARSE(args, err, ...) args_parse(&COMMANDS[2], WORDS(__VA_ARGS__), COUNT(__VA_ARGS__), args, err)

static void finds_commands(void **state)
{
    size_t used = 0;

    (void)state;
    assert_ptr_equal(FIND(&used, "request", "upload", "R"), &COMMANDS[2]);
    assert_int_equal(used, 2);
    assert_ptr_equal(FIND(&used, "admin", "role", "assign"), &COMMANDS[3]);
    assert_int_equal(used, 3);
    assert_null(FIND(&used, "request"));
    assert_null(FIND(&used, "requests", "upload"));
    assert_null(FIND(&used, "request", "up"));
    assert_null(FIND(&used, "admin", "role"));
}

static void reads_options_in_every_form(void **state)
{
    struct args args;
    size_t at = 0;

    (void)state;
    assert_int_equal(PARSE(&args, NULL, "R", "--to", "x", "--to=y", "--yes", "-o", "json", "--network", "a",
                           "--network=b", "--", "--yes", "-"),
                     0);
    assert_int_equal(args.count, 3);
    assert_string_equal(args.items[0], "R");
    assert_string_equal(args.items[1], "--yes");
    assert_string_equal(args.items[2], "-");
    assert_string_equal(args_get(&args, "to"), "y");
    assert_string_equal(args_get(&args, "output"), "json");
    assert_true(args_has(&args, "yes"));
    assert_false(args_has(&args, "url"));
    assert_string_equal(args_next(&args, "network", &at), "a");
    assert_string_equal(args_next(&args, "network", &at), "b");
    assert_null(args_next(&args, "network", &at));
    assert_int_equal(args_check_count(&COMMANDS[2], &args, NULL), 0);
    args_done(&args);
}

static void refuses_what_is_not_in_the_table(void **state)
{
    struct args args;
    struct error err = {0};

    (void)state;
    assert_int_equal(PARSE(&args, &err, "--frobnicate"), E_USAGE);
    assert_non_null(strstr(err.detail, "--frobnicate"));
    assert_non_null(strstr(err.detail, "request upload --help"));
    assert_int_equal(PARSE(&args, &err, "-x"), E_USAGE);
    assert_int_equal(PARSE(&args, &err, "--to"), E_USAGE);
    assert_non_null(strstr(err.detail, "DIRECTORY"));
    assert_int_equal(PARSE(&args, &err, "--yes=1"), E_USAGE);
    assert_int_equal(PARSE(&args, &err, "--tofu", "x"), E_USAGE);
    assert_int_equal(args_parse(NULL, WORDS("--to", "x"), 2, &args, &err), E_USAGE);
}

static void counts_arguments(void **state)
{
    struct args args;
    struct error err = {0};

    (void)state;
    assert_int_equal(PARSE(&args, NULL, "R"), 0);
    assert_int_equal(args_check_count(&COMMANDS[2], &args, &err), E_USAGE);
    assert_non_null(strstr(err.detail, "REQUEST FILE..."));
    assert_int_equal(args_check_count(&COMMANDS[0], &args, &err), E_USAGE);
    assert_non_null(strstr(err.detail, "\"R\""));
    args_done(&args);
}

static void reads_numbers_and_choices(void **state)
{
    static const char *const CHOICES[] = {"here", "there", NULL};
    struct args args;
    struct error err = {0};
    uint64_t number;
    const char *choice;

    (void)state;
    assert_int_equal(PARSE(&args, NULL, "--to", "12"), 0);
    assert_int_equal(args_number(&args, "to", 1, 1, 16, &number, NULL), 0);
    assert_int_equal(number, 12);
    assert_int_equal(args_number(&args, "to", 1, 1, 11, &number, &err), E_USAGE);
    assert_string_equal(err.field, "to");
    assert_int_equal(args_number(&args, "url", 7, 1, 16, &number, NULL), 0);
    assert_int_equal(number, 7);
    assert_int_equal(args_choice(&args, "to", CHOICES, &choice, &err), E_USAGE);
    assert_non_null(strstr(err.detail, "here, there"));
    assert_int_equal(args_choice(&args, "url", CHOICES, &choice, &err), 0);
    assert_null(choice);
    args_done(&args);
}

static void helps_from_the_tables(void **state)
{
    AUTO_STR struct str out = STR_INIT(HELP_MAX);

    (void)state;
    help_command(&out, &COMMANDS[2]);
    assert_non_null(strstr(str_text(&out), "Usage: airlock request upload REQUEST FILE..."));
    assert_non_null(strstr(str_text(&out), "--to DIRECTORY"));
    assert_non_null(strstr(str_text(&out), "--output table|json"));
    str_reset(&out);
    assert_true(help_group(&out, COMMANDS, ARRAY_LEN(COMMANDS), "request"));
    assert_non_null(strstr(str_text(&out), "request list"));
    assert_null(strstr(str_text(&out), "login"));
    assert_false(help_group(&out, COMMANDS, ARRAY_LEN(COMMANDS), "req"));
    str_reset(&out);
    help_exit_codes(&out);
    assert_non_null(strstr(str_text(&out), "\n  64  The command line is wrong\n"));
    assert_non_null(strstr(str_text(&out), "\n  77  Could not validate credentials\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_commands),
        cmocka_unit_test(reads_options_in_every_form),
        cmocka_unit_test(refuses_what_is_not_in_the_table),
        cmocka_unit_test(counts_arguments),
        cmocka_unit_test(reads_numbers_and_choices),
        cmocka_unit_test(helps_from_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
