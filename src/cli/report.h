/* What a transfer says at its end: one line a file. */
#ifndef AIRLOCK_CLI_REPORT_H
#define AIRLOCK_CLI_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* Adds a file to done, an array. result: "uploaded", "verified", … */
void report_add(json_t *done, const char *name, uint64_t size, const char *sha256, const char *result);
/* Prints done ({"files":[{"name","size","sha256","result"}]} in JSON) if it holds any, and answers r, or what went
 * wrong in printing. */
int report_print(const struct cli *cli, const json_t *done, int r, struct error *err) MUST_USE;

#endif
