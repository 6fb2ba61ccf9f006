/* How fast the gates disclosure and identifiers read, and in how much memory. Run by gates.mjs.
 * Usage: gates make KIND FILE BYTES    writes a table: of people, cells (100 million of them in a GiB), or line (one
 * long line) gates read FILE               reads it with both gates; prints {"bytes", "seconds", "peak": bytes,
 * "findings"} */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>


#include "../corpus/corpus.h"
#include "base/file.h"
#include "gate/text.h"

#define CHUNK ((size_t)4 * 1024 * 1024)

static uint64_t random_state = 42;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)((random_state >> 33) % limit);
}

/* What a study exports: mostly numbers, some words, dates and codes. */
static void people_row(struct str *out, uint64_t row)
{
    static const char *const REGIONS[] = {"North East", "London", "South West", "East Midlands",
                                          "Yorkshire and The Humber"};
    static const char *const CODES[] = {"E11.9", "I10", "J45.909", "C50.911", "F32.1"};

    str_printf(out, "%" PRIu64 ",%c,%u,%s,%u-%02u-%02u,%s,%u.%u,%u,%u,0.%06u,%s,\"seen in clinic, %s\"\n",
               1000000 + row, random_below(2) ? 'M' : 'F', 18 + random_below(80), REGIONS[random_below(5)],
               2010 + random_below(13), 1 + random_below(12), 1 + random_below(28), CODES[random_below(5)],
               18 + random_below(20), random_below(10), 90 + random_below(90), 50 + random_below(50),
               random_below(1000000), random_below(3) ? "never" : "current",
               random_below(2) ? "no change" : "review in 6 months");
}

static void cells_row(struct str *out, uint64_t row)
{
    (void)row;
    for (int c = 0; c < 10; c++) {
        if (c % 2 == 0)
            str_printf(out, "%s%u%05u", c ? "," : "", 10000 + random_below(80000), random_below(100000));
        else
            str_printf(out, ",%u.%06u", random_below(90), random_below(1000000));
    }
    str_append_char(out, '\n');
}

static void line_part(struct str *out, uint64_t row)
{
    str_printf(out, "word%" PRIu64 " ", row % 977);
}

static int make(const char *kind, const char *path, uint64_t bytes)
{
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    AUTO_STR struct str out = STR_INIT(CHUNK + 4096);
    bool people = strcmp(kind, "people") == 0, cells = strcmp(kind, "cells") == 0;
    struct error err;

    if (people)
        str_append(&out, "study_id,sex,age,region,admission_date,icd10,bmi,sbp,dbp,risk,smoker,note\n");
    for (uint64_t row = 0, done = 0; done < bytes; row++) {
        if (people)
            people_row(&out, row);
        else if (cells)
            cells_row(&out, row);
        else
            line_part(&out, row);
        if (out.len < CHUNK && done + out.len < bytes)
            continue;
        if (file_write_all(fd, out.p, out.len, &err)) {
            (void)fprintf(stderr, "%s\n", err.detail);
            return 1;
        }
        done += out.len;
        str_reset(&out);
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int read_file(const char *path)
{
    AUTO_GATE_POLICY struct gate_policy policy;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct check check = {.fd = fd, .name = path, .gates = 1U << GATE_DISCLOSURE | 1U << GATE_IDENTIFIERS};
    struct stat about;
    struct rusage usage;
    struct error err = {0};

    gate_policy_init(&policy);
    AUTO_REPORT struct report *report = report_new(&policy);
    check.policy = &policy;
    if (fstat(fd, &about) != 0)
        return 1;
    check.size = (uint64_t)about.st_size;
    double began = cpu_seconds();
    if (text_check(&check, fd, check.size, path, NULL, NULL, report, &err)) {
        (void)fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    double seconds = cpu_seconds() - began;
    (void)getrusage(RUSAGE_SELF, &usage);
    AUTO_JSON json_t *shown = report_render(report);
    AUTO_JSON json_t *out = json_pack("{s:I, s:f, s:I, s:O}", "bytes", (json_int_t)about.st_size, "seconds", seconds,
                                      "peak", (json_int_t)usage.ru_maxrss * 1024, "gates", shown);
    return json_dumpf(out, stdout, JSON_COMPACT);
}

static int score_corpus(const char *path)
{
    AUTO_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_JSON json_t *list = json_array();
    struct error err = {0};

    for (int i = 0; i < FINDING_COUNT; i++) {
        struct corpus_score score;
        bool has;
        if (corpus_run(dir, (enum finding)i, NULL, &has, &score, &err)) {
            (void)fprintf(stderr, "%s\n", err.detail);
            return 1;
        }
        if (has)
            json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:i, s:i}", "finding",
                                                  finding_facts((enum finding)i)->name, "recall", corpus_recall(&score),
                                                  "precision", corpus_precision(&score), "true", (int)score.true_cases,
                                                  "false", (int)score.false_cases));
    }
    return json_dumpf(list, stdout, JSON_COMPACT);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "make") == 0)
        return make(argv[2], argv[3], strtoull(argv[4], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_file(argv[2]);
    if (argc == 3 && strcmp(argv[1], "corpus") == 0)
        return score_corpus(argv[2]);
    (void)fprintf(stderr, "usage: gates make KIND FILE BYTES | gates read FILE | gates corpus DIRECTORY\n");
    return 64;
}
