/* The command line. Runs in airlockd. */
#include "airlockd/options.h"

#include <getopt.h>

#include "base/num.h"

#define PORT_BASE_DEFAULT 8400
#define PORT_BASE_MAX 65531 /* five ports from here */

/* clang-format off */
const char OPTIONS_HELP[] =
    "airlockd starts an airlock and keeps it running.\n"
    "\n"
    "  airlockd --config FILE            run with the settings of FILE\n"
    "  airlockd --check --config FILE    say what is wrong with FILE, with line numbers\n"
    "  airlockd --demo DIR               run a whole TRE in DIR: two workspaces, seven people, on this machine only\n"
    "  airlockd --print-settings         print the reference of all settings, in Markdown\n"
    "\n"
    "  --set NAME=VALUE                  override a setting; may be given many times\n"
    "  --port-base N                     with --demo: ports N to N+4 (default 8400): API, the data planes external,\n"
    "                                    core and workspace, identity provider\n"
    "  --help, --version\n"
    "\n"
    "Logs go to standard error, one JSON object a line. SIGTERM stops everything within 5 seconds.\n"
    "Exit status: 0 stopped by a signal, 64 wrong command line, 75 not available (a port or directory in use, a child\n"
    "that does not start), 78 wrong configuration, 70 or 74 anything else.\n";
/* clang-format on */

enum { OPT_CONFIG = 1, OPT_CHECK, OPT_DEMO, OPT_PORT_BASE, OPT_SET, OPT_PRINT_SETTINGS, OPT_HELP, OPT_VERSION };

static const struct option LONG_OPTIONS[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"check", no_argument, NULL, OPT_CHECK},
    {"demo", required_argument, NULL, OPT_DEMO},
    {"port-base", required_argument, NULL, OPT_PORT_BASE},
    {"set", required_argument, NULL, OPT_SET},
    {"print-settings", no_argument, NULL, OPT_PRINT_SETTINGS},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int take_option(struct options *options, int option, const char *value, struct error *err)
{
    uint64_t number;

    switch (option) {
    case OPT_CONFIG:
        options->config = value;
        return 0;
    case OPT_CHECK:
        options->mode = MODE_CHECK;
        return 0;
    case OPT_DEMO:
        options->demo = value;
        options->mode = MODE_DEMO;
        return 0;
    case OPT_PRINT_SETTINGS:
        options->mode = MODE_PRINT_SETTINGS;
        return 0;
    case OPT_HELP:
        options->mode = MODE_HELP;
        return 0;
    case OPT_VERSION:
        options->mode = MODE_VERSION;
        return 0;
    case OPT_SET:
        if (options->set_count == OPTIONS_SETS_MAX)
            return error_set(err, E_USAGE, "More than %d times --set", OPTIONS_SETS_MAX);
        options->sets[options->set_count++] = value;
        return 0;
    case OPT_PORT_BASE:
        if (!num_parse(value, 1, PORT_BASE_MAX, &number))
            return error_set(err, E_USAGE, "--port-base must be a number from 1 to %d", PORT_BASE_MAX);
        options->port_base = (unsigned)number;
        return 0;
    default:
        return error_set(err, E_USAGE, "Unknown option, or one without its value");
    }
}

/* Which options go together. */
static int check_options(const struct options *options, struct error *err)
{
    bool needs_config = options->mode == MODE_RUN || options->mode == MODE_CHECK;

    if (needs_config && !options->config)
        return error_set(err, E_USAGE, "Give --config FILE or --demo DIR");
    if (options->demo && (options->config || options->mode != MODE_DEMO))
        return error_set(err, E_USAGE, "--demo goes with --port-base and --set only");
    if (options->port_base != 0 && !options->demo)
        return error_set(err, E_USAGE, "--port-base goes with --demo");
    return 0;
}

int options_parse(int argc, char *const argv[], struct options *ret, struct error *err)
{
    struct options options = {.mode = MODE_RUN};
    int option, r = 0;

    opterr = 0;
    optind = 1;
    while (r == 0 && (option = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
        r = take_option(&options, option, optarg, err);
    if (r == 0 && options.mode != MODE_HELP && options.mode != MODE_VERSION)
        r = optind < argc ? error_set(err, E_USAGE, "%s is not an option", argv[optind]) : check_options(&options, err);
    if (r != 0)
        return r;
    if (options.port_base == 0)
        options.port_base = PORT_BASE_DEFAULT;
    *ret = options;
    return 0;
}
