/* Every detector against the seeded corpus. What a detector misses or makes up is printed; the floors are what it must
 * not fall below, and docs/GATES.md has the numbers. */
#include "../../corpus/corpus.h"

#include <fcntl.h>
#include <stdio.h>

#include "../check.h"

#define RECALL_MIN 0.85
#define PRECISION_MIN 0.95
#define CASES_MIN 15

static const char *corpus;

static void say(const char *line)
{
    (void)fprintf(stderr, "  %s\n", line);
}

static void every_detector_holds_its_floor(void **state)
{
    AUTO_FD int dir = open(corpus, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned detectors = 0;
    (void)state;
    assert_true(dir >= 0);
    for (int i = 0; i < FINDING_COUNT; i++) {
        struct corpus_score score;
        struct error err = {0};
        bool has;
        if (corpus_run(dir, (enum finding)i, say, &has, &score, &err) != 0)
            fail_msg("%s", err.detail);
        if (!has)
            continue;
        detectors++;
        (void)fprintf(stderr, "%s: recall %.3f, precision %.3f, %u true and %u false cases\n",
                      finding_facts((enum finding)i)->name, corpus_recall(&score), corpus_precision(&score),
                      score.true_cases, score.false_cases);
        assert_true(score.true_cases >= CASES_MIN && score.false_cases >= CASES_MIN);
        assert_true(corpus_recall(&score) >= RECALL_MIN);
        assert_true(corpus_precision(&score) >= PRECISION_MIN);
    }
    assert_int_equal(detectors, 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_detector_holds_its_floor)};

    corpus = argc > 1 ? argv[1] : "tests/corpus/gates";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
