/* A server's refusal as a struct error, and a struct error as one clear sentence with what to do. */
#ifndef AIRLOCK_CLI_PROBLEM_H
#define AIRLOCK_CLI_PROBLEM_H

#include "base/error.h"
#include "base/str.h"
#include "cli/web.h"

/* The E_ code that stands for an HTTP status. */
int problem_code(int status);
/* Fills err from an answer that is not 2xx: application/problem+json (RFC 9457; "type" ends in our error name), OAuth's
 * {"error","error_description"} (RFC 6749 section 5.2), a blob endpoint's XML, or plain text as AzureTRE sends it.
 * Returns its code. */
int problem_from_answer(struct error *err, const struct web_answer *answer);
/* "airlock: WHAT. WHAT TO DO", safe for a terminal, with a line feed. */
void problem_render(const struct error *err, struct str *out);

#endif
