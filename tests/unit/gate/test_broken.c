/* T48: files that are broken in a thousand ways, inspected as a check does it: in a process with little memory that may
 * open nothing. None may crash it, hang it or go without a verdict. */
#include "../check.h"
#include "gate/inspect.h"
#include "sample.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"

#define FILES 1000
#define SECONDS_EACH 20

struct seed_file {
    const char *name;
    struct str bytes;
};

/* Small samples of every form that is read. */
static size_t seeds_make(struct seed_file *seeds)
{
    static const struct {
        const char *name;
        pack_format *format, *filter;
    } ARCHIVES[] = {
        {"a.zip", archive_write_set_format_zip, NULL},
        {"a.7z", archive_write_set_format_7zip, NULL},
        {"a.tar", archive_write_set_format_pax, NULL},
        {"a.tar.gz", archive_write_set_format_gnutar, archive_write_add_filter_gzip},
        {"a.tar.xz", archive_write_set_format_ustar, archive_write_add_filter_xz},
        {"a.tar.bz2", archive_write_set_format_ustar, archive_write_add_filter_bzip2},
        {"a.tar.zst", archive_write_set_format_ustar, archive_write_add_filter_zstd},
        {"a.cpio", archive_write_set_format_cpio_newc, NULL},
        {"a.ar", archive_write_set_format_ar_svr4, NULL},
        {"a.iso", archive_write_set_format_iso9660, NULL},
    };
    static const struct {
        const char *name;
        struct sample is;
    } PLAIN[] = {{"a.png", SAMPLE(PNG)}, {"a.jpg", SAMPLE(JPEG)}, {"a.gif", SAMPLE(GIF)},
                 {"a.pdf", SAMPLE(PDF)}, {"a.csv", SAMPLE(CSV)},  {"a.exe", SAMPLE(ELF)}};
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(ARCHIVES); i++) {
        struct seed_file *seed = &seeds[count++];
        *seed = (struct seed_file){ARCHIVES[i].name, STR_INIT(PACKED_MAX)};
        struct packer packer = pack_begin(&seed->bytes, ARCHIVES[i].format, ARCHIVES[i].filter, "");
        pack_file(&packer, "x.csv", CSV, sizeof CSV - 1);
        pack_file(&packer, "scan.png", PNG, sizeof PNG - 1);
        pack_end(&packer);
    }
    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++) {
        struct seed_file *seed = &seeds[count++];
        *seed = (struct seed_file){PLAIN[i].name, STR_INIT(PACKED_MAX)};
        str_append_len(&seed->bytes, PLAIN[i].is.bytes, PLAIN[i].is.len);
    }
    struct seed_file *docx = &seeds[count++];
    *docx = (struct seed_file){"a.docx", STR_INIT(PACKED_MAX)};
    sample_docx(&docx->bytes);
    return count;
}

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Changes bytes, mostly those in front, where the heads are; cuts; repeats. */
static void mutate(const struct str *from, uint32_t *random, struct str *to)
{
    static const unsigned char ODD[] = {0, 1, 0x7f, 0x80, 0xff, '/', '.', 'P'};

    str_append_len(to, from->p, from->len);
    for (uint32_t i = random_next(random) % 16 + 1; i > 0; i--) {
        size_t range = random_next(random) % 2 ? to->len : to->len < 600 ? to->len : 600;
        size_t at = random_next(random) % range;
        uint32_t value = random_next(random);
        to->p[random_next(random) % 4 == 0 ? to->len - 1 - at : at] =
            (char)(value % 2 ? ODD[value % sizeof ODD] : value >> 8);
    }
    if (random_next(random) % 4 == 0)
        to->len -= random_next(random) % to->len;
    else if (random_next(random) % 8 == 0)
        str_append_len(to, from->p, from->len / 2);
}

/* As in airlock-gate, but a library that tries is killed, so that it shows. */
static void forbid_files(void)
{
    static const int CALLS[] = {SCMP_SYS(open),  SCMP_SYS(openat), SCMP_SYS(socket),  SCMP_SYS(execve), SCMP_SYS(fork),
                                SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(connect), SCMP_SYS(unlink), SCMP_SYS(stat)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    for (size_t i = 0; i < ARRAY_LEN(CALLS); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, CALLS[i], 0) != 0)
            _exit(3);
    if (seccomp_load(filter) != 0)
        _exit(3);
    seccomp_release(filter);
}

static void confine(void)
{
    struct rlimit space = {(rlim_t)512 << 20, (rlim_t)512 << 20};

    if (SANITIZED)
        return;
    if (setrlimit(RLIMIT_AS, &space) != 0)
        _exit(3);
    forbid_files();
}

static void inspect_one(const struct seed_file *seed, const struct str *bytes)
{
    AUTO_BENCH struct bench bench;
    struct error err = {0};

    bench_init(&bench, seed->name, bytes->p, bytes->len);
    bench.policy.number[GATE_POLICY_ARCHIVE_BYTES] = 64 << 20;
    (void)alarm(SECONDS_EACH);
    int r = inspect_check(&bench.check, bench.report, &err);
    (void)alarm(0);
    if (r != 0 || report_verdict(bench.report, GATE_ARCHIVE) > VERDICT_BLOCK ||
        report_verdict(bench.report, GATE_TYPES) > VERDICT_BLOCK) {
        print_message("%s: %s\n", seed->name, err.detail);
        _exit(4);
    }
    AUTO_JSON json_t *shown = report_render(bench.report);
    if (json_array_size(shown) != 2)
        _exit(5);
}

static void t48_a_thousand_broken_files_all_get_a_verdict(void **state)
{
    const char *chosen = getenv("AIRLOCK_SEED");
    uint32_t random = chosen ? (uint32_t)strtoul(chosen, NULL, 10) | 1 : 20261126;
    struct seed_file seeds[32];
    size_t count = seeds_make(seeds);
    int *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    (void)state;
    assert_ptr_not_equal(at, MAP_FAILED);
    print_message("AIRLOCK_SEED=%" PRIu32 "\n", random);
    pid_t pid = fork();
    if (pid == 0) {
        confine();
        for (*at = 0; *at < FILES; ++*at) {
            AUTO_STR struct str broken = STR_INIT(PACKED_MAX);
            mutate(&seeds[(size_t)*at % count].bytes, &random, &broken);
            inspect_one(&seeds[(size_t)*at % count], &broken);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("file %d (%s): status %x", *at, seeds[(size_t)*at % count].name, (unsigned)status);
    assert_int_equal(*at, FILES);
    for (size_t i = 0; i < count; i++)
        str_done(&seeds[i].bytes);
    (void)munmap(at, sizeof *at);
}

/* The seeds themselves are good: what the mutants show is not there from the start. */
static void the_unbroken_ones_pass(void **state)
{
    struct seed_file seeds[32];
    size_t count = seeds_make(seeds);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        AUTO_BENCH struct bench bench;
        bench_init(&bench, seeds[i].name, seeds[i].bytes.p, seeds[i].bytes.len);
        assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
        AUTO_JSON json_t *shown = report_render(bench.report);
        AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
        if (report_verdict(bench.report, GATE_ARCHIVE) != VERDICT_PASS ||
            report_verdict(bench.report, GATE_TYPES) != VERDICT_PASS)
            fail_msg("%s: %s", seeds[i].name, text);
        str_done(&seeds[i].bytes);
    }
}

static int begin(void **state)
{
    (void)state;
    return inspect_prepare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unbroken_ones_pass),
        cmocka_unit_test(t48_a_thousand_broken_files_all_get_a_verdict),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
