/* The command line of airlockd. */
#ifndef AIRLOCK_AIRLOCKD_OPTIONS_H
#define AIRLOCK_AIRLOCKD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define OPTIONS_SETS_MAX 64

enum mode { MODE_RUN, MODE_CHECK, MODE_DEMO, MODE_PRINT_SETTINGS, MODE_HELP, MODE_VERSION };

struct options {
    enum mode mode;
    const char *config; /* MODE_RUN, MODE_CHECK */
    const char *demo;   /* MODE_DEMO: its directory */
    unsigned port_base; /* MODE_DEMO */
    size_t set_count;
    const char *sets[OPTIONS_SETS_MAX]; /* "NAME=VALUE" */
};

extern const char OPTIONS_HELP[];

/* E_USAGE with a sentence. Texts are borrowed from argv. */
int options_parse(int argc, char *const argv[], struct options *ret, struct error *err) MUST_USE;

#endif
