/* airlockd: reads the configuration, opens sockets and directories, starts the other programs and keeps them alive.
 * The only process that begins with privileges, and the one that reads nothing a user sends. This file is the table of
 * contents. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "airlockd/config.h"
#include "airlockd/demo.h"
#include "airlockd/options.h"
#include "airlockd/seed_file.h"
#include "airlockd/supervise.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"

#define REFERENCE_MAX (1024 * 1024)
#define LINE_MAX_BYTES (64 * 1024)

/* All that a run needs. */
struct run {
    const struct settings *settings;
    struct demo *demo; /* NULL without --demo */
    json_t *seed;      /* of seed.file, or NULL */
};

static int print_text(const struct str *text)
{
    struct error err = {0};
    if (file_write_all(STDOUT_FILENO, str_text(text), text->len, &err) == 0)
        return 0;
    log_error("cannot write to standard output: %s", err.detail);
    return error_exit_code(E_IO);
}

static int print_reference(void)
{
    AUTO_STR struct str page = STR_INIT(REFERENCE_MAX);
    settings_print(&page);
    return print_text(&page);
}

static void check_certificate(const struct settings *settings, struct problems *problems)
{
    struct certificate certificate;
    struct error err = {0};

    if (certificate_read(settings, &certificate, &err) != 0)
        problems_add(problems, settings_where(settings, SETTING_TLS_CERTIFICATE_FILE), "%s", err.detail);
    else if (certificate.outdated)
        log_warning("the certificate in %s is not valid today: clients will refuse it",
                    settings_text(settings, SETTING_TLS_CERTIFICATE_FILE));
    certificate_done(&certificate);
}

static int check(const struct options *options)
{
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;

    AUTO_SETTINGS struct settings *settings =
        config_read(options->config, options->sets, options->set_count, &problems);
    json_decref(seed_file_read(settings, &problems));
    check_certificate(settings, &problems);
    if (problems.count == 0)
        str_append(&problems.text, "configuration is valid\n");
    int written = print_text(&problems.text);
    return problems.count > 0 ? error_exit_code(E_CONFIG) : written;
}

/* Everything answers: in the demo, the one line on standard output says where. */
static void announce(void *ctx)
{
    const struct run *run = ctx;
    AUTO_STR struct str text = STR_INIT(LINE_MAX_BYTES);

    log_info("airlock is ready at %s", settings_text(run->settings, SETTING_API_PUBLIC_URL));
    if (!run->demo)
        return;
    AUTO_JSON json_t *line = demo_line(run->demo, run->settings);
    json_append_value(&text, line);
    str_append_char(&text, '\n');
    (void)print_text(&text); /* nobody may be reading any more; the tree runs all the same */
}

static void open_seeds(struct resources *resources, const struct run *run)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        resources->seeds[i] =
            run->demo ? demo_seed(run->demo, PROCESSES[i].peer) : seed_file_part(run->seed, PROCESSES[i].peer);
    if (run->seed && seed_file_is_used(run->settings))
        log_warning("accounts and database are there: once somebody has logged in, remove %s, which holds secrets",
                    settings_text(run->settings, SETTING_SEED_FILE));
}

/* The order matters: programs are found and everything is opened with the privileges of the start, then these go, then
 * the first child runs. */
static int run_tree(struct run *run, struct error *err)
{
    AUTO_FREE char *programs = NULL;
    struct resources resources;

    int r = process_find_programs(&programs, err);
    if (r == 0)
        r = resources_open(&resources, run->settings, err);
    if (r != 0)
        return r;
    open_seeds(&resources, run);
    if (!*settings_text(run->settings, SETTING_SCAN_CLAMD_SOCKET))
        log_warning("scanning is off (scan.clamd_socket is not set): files are shown to reviewers without a malware scan");
    r = sandbox_drop(process_all_caps() | 1ULL << CAP_SETPCAP, err);
    if (r == 0)
        r = layout_check_reach(run->settings, err);
    if (r == 0)
        r = supervise_run(&resources, programs, announce, run, err);
    resources_done(&resources);
    return r;
}

/* The demo has people of its own. */
static json_t *read_seed(const struct settings *settings, const struct demo *demo, struct problems *problems)
{
    if (!demo)
        return seed_file_read(settings, problems);
    if (*settings_text(settings, SETTING_SEED_FILE))
        problems_add(problems, settings_where(settings, SETTING_SEED_FILE),
                     "seed.file must stay empty: the demo makes its own people");
    return NULL;
}

static int run_with(const struct options *options, struct demo *demo)
{
    AUTO_PROBLEMS struct problems problems = PROBLEMS_INIT;
    AUTO_SETTINGS struct settings *settings =
        config_read(demo ? demo_config_file(demo) : options->config, options->sets, options->set_count, &problems);
    AUTO_JSON json_t *seed = read_seed(settings, demo, &problems);
    struct run run = {.settings = settings, .demo = demo, .seed = seed};
    enum log_level level = LOG_INFO;
    struct error err = {0};

    if (problems.count > 0) {
        (void)fputs(str_text(&problems.text), stderr);
        return error_exit_code(E_CONFIG);
    }
    (void)log_level_by_name(settings_text(settings, SETTING_LOG_LEVEL), &level);
    log_init("airlockd", level);
    int r = run_tree(&run, &err);
    if (r != 0)
        log_error("cannot run: %s", err.detail);
    else
        log_info("stopped");
    return r ? error_exit_code(r) : 0;
}

static int run_demo(const struct options *options)
{
    struct demo *demo = NULL;
    struct error err = {0};

    int r = demo_open(options->demo, options->port_base, &demo, &err);
    if (r != 0) {
        log_error("cannot prepare the demo: %s", err.detail);
        return error_exit_code(r);
    }
    int status = run_with(options, demo);
    demo_free(demo);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};

    log_init("airlockd", LOG_INFO);
    if (options_parse(argc, argv, &options, &err) != 0) {
        (void)fprintf(stderr, "airlockd: %s\nTry airlockd --help.\n", err.detail);
        return error_exit_code(E_USAGE);
    }
    supervise_block_signals();
    (void)umask(022);
    switch (options.mode) {
    case MODE_RUN:
        return run_with(&options, NULL);
    case MODE_CHECK:
        return check(&options);
    case MODE_DEMO:
        return run_demo(&options);
    case MODE_PRINT_SETTINGS:
        return print_reference();
    case MODE_HELP:
        return printf("%s", OPTIONS_HELP) < 0;
    case MODE_VERSION:
        return printf("airlock %s\n", AIRLOCK_VERSION) < 0;
    }
    return error_exit_code(E_INTERNAL);
}
