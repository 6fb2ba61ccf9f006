/* The malware check as airlock-gate runs it, alone: the scanners are tried out, then each file is checked by a
 * sandboxed child, all at once. Prints how long the checks took. Usage: scan "SOCKET SOCKET…" FILE… */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/checker.h"
#include "gate/malware.h"
#include "gate/scanner.h"
#include "gate/walk.h"

#define FILES_MAX 8
#define PATIENCE_MS (600 * 1000)
#define STEP_MS 50
#define WARM_MS 1000 /* until all scanners are proven */

struct run {
    struct scanner *scanner;
    struct checkers *checkers;
    struct gate_policy policy;
    struct scanner_lease leases[FILES_MAX];
    struct checker checks[FILES_MAX];
};

static void must(int r, const struct error *err, const char *what)
{
    if (r < 0)
        die(err, "%s", what);
}

static void step(struct scanner *scanner)
{
    struct pollfd polls[SCANNER_SOCKETS_MAX];

    (void)poll(polls, scanner_polls(scanner, polls), STEP_MS);
    scanner_step(scanner, clock_mono_ms());
}

static void start(struct run *run, size_t at, const char *name)
{
    struct error err = {0};
    struct stat st;
    AUTO_FD int fd = open(name, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        die(&err, "%s cannot be read", name);
    while ((r = scanner_take(run->scanner, clock_mono_ms(), &run->leases[at], &err)) == 0)
        step(run->scanner);
    must(r, &err, "no scanner");
    struct check check = {.fd = fd,
                          .size = (uint64_t)st.st_size,
                          .name = "file",
                          .gates = 1 << GATE_MALWARE,
                          .policy = &run->policy,
                          .scanner = run->leases[at].fd,
                          .scanner_max_bytes = INT32_MAX};
    for (size_t i = 0; i < CHECK_SCRATCH_MAX; i++)
        check.scratch[i] = -1; /* the files are no archives */
    const struct checker_spec spec = {.run = malware_check, .check = &check, .scans = true, .patience_ms = PATIENCE_MS};
    must(checker_start(run->checkers, &spec, &run->checks[at], &err), &err, "a check cannot be started");
}

static void finish(struct run *run, size_t at)
{
    struct error err = {0};

    while (!checker_look(&run->checks[at], clock_mono_ms())) {
        must(scanner_lost(run->scanner, &run->leases[at], &err), &err, "lost");
        struct pollfd polls[] = {{.fd = run->checks[at].life, .events = POLLIN},
                                 {.fd = run->checks[at].pipe, .events = POLLIN}};
        (void)poll(polls, ARRAY_LEN(polls), STEP_MS);
        scanner_step(run->scanner, clock_mono_ms());
    }
    if (run->checks[at].end != CHECKER_SPOKE || !strstr(str_text(&run->checks[at].said), "\"pass\""))
        die(&err, "a check did not pass: %s", str_text(&run->checks[at].said));
    checker_done(&run->checks[at]);
    scanner_release(run->scanner, &run->leases[at]);
}

int main(int argc, char **argv)
{
    const struct checker_limits limits = {.memory = 512 << 20, .seconds = 600, .reduced_ok = true};
    struct run run = {0};
    struct error err = {0};

    log_init("scan", LOG_INFO);
    if (argc < 3 || argc > FILES_MAX + 2) {
        (void)fprintf(stderr, "usage: scan \"SOCKET SOCKET…\" FILE…\n");
        return 64;
    }
    size_t count = (size_t)argc - 2;
    const struct scanner_settings settings = {
        .sockets = argv[1], .marker_file = "", .probe_ms = 600000, .max_age_s = 86400, .allow_undated = true};
    gate_policy_init(&run.policy);
    walk_prepare();
    must(scanner_new(&settings, &run.scanner, &err), &err, "scanners");
    must(checkers_new(&limits, &run.checkers, &err), &err, "checks");
    for (int64_t until = clock_mono_ms() + WARM_MS; clock_mono_ms() < until;)
        step(run.scanner);
    int64_t began = clock_mono_us();
    for (size_t i = 0; i < count; i++)
        start(&run, i, argv[2 + i]);
    for (size_t i = 0; i < count; i++)
        finish(&run, i);
    printf("{\"seconds\": %.3f}\n", (double)(clock_mono_us() - began) / 1e6);
    checkers_free(run.checkers);
    scanner_free(run.scanner);
    gate_policy_done(&run.policy);
    return 0;
}
