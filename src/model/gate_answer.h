/* What an external gate answers: shape and bounds. Texts are borrowed from the JSON. Pure; used by core. */
#ifndef AIRLOCK_MODEL_GATE_ANSWER_H
#define AIRLOCK_MODEL_GATE_ANSWER_H

#include "base/json.h"
#include "model/gate.h"

#define GATE_ANSWER_FINDINGS_MAX 1000
#define GATE_ANSWER_DETAIL_MAX 300 /* characters */
#define GATE_ANSWER_NAME_MAX 1024  /* characters, of a file or a column */

struct gate_answer {
    const char *manifest_digest;
    enum verdict verdict; /* PASS, WARN or BLOCK */
    const json_t *findings; /* an array, checked; NULL: none */
};

/* {"manifestDigest","verdict","findings":[{"code","file"?,"row"?,"column"?,"detail"?}]}. E_INVALID naming the field. */
int gate_answer_check(const json_t *body, struct gate_answer *ret, struct error *err) MUST_USE;
/* "files" as a report of gates has them: the findings under the file that they name, with the verdict of the whole; those
 * that name none under the name null. The caller's. */
json_t *gate_answer_files(const json_t *findings, enum verdict verdict);
/* The same text for the same answer. The caller's. */
char *gate_answer_text(const struct gate_answer *answer);

#endif
