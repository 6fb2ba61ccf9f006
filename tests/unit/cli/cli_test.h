/* What cmocka wants before it is included, for every test of the command line. */
#ifndef AIRLOCK_TESTS_CLI_TEST_H
#define AIRLOCK_TESTS_CLI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
