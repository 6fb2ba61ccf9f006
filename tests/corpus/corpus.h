/* The seeded corpus of the gates: for each detector a file of cases, true and false, with what is to be found in each.
 * Used by the unit test, which holds a floor, and by the bench, which prints recall and precision.
 * tests/corpus/README.md says how a case is written. */
#ifndef AIRLOCK_TESTS_CORPUS_H
#define AIRLOCK_TESTS_CORPUS_H

#include "model/gate.h"

struct corpus_score {
    unsigned true_cases, false_cases; /* with and without something to find */
    unsigned found, missed, wrong;    /* findings: as labelled, labelled but not made, made but not labelled */
};

/* Runs the cases of one finding's file in dir. false: it has none. told: one line a case that went wrong; may be NULL.
 * E_…: a file cannot be read, or is written wrongly. */
int corpus_run(int dir, enum finding finding, void (*told)(const char *line), bool *ret_has, struct corpus_score *ret,
               struct error *err) MUST_USE;

static inline double corpus_recall(const struct corpus_score *score)
{
    return score->found / (double)(score->found + score->missed);
}
static inline double corpus_precision(const struct corpus_score *score)
{
    return score->found / (double)(score->found + score->wrong);
}

#endif
