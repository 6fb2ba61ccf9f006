/* For tests of text_check: a text goes in, the findings come out as lines "code row column count". */
#ifndef AIRLOCK_TESTS_GATE_TEXT_TRY_H
#define AIRLOCK_TESTS_GATE_TEXT_TRY_H

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "../check.h"
#include "base/file.h"
#include "gate/text.h"

#define TRY_GATES (1U << GATE_DISCLOSURE | 1U << GATE_IDENTIFIERS)

/* The report of len bytes as a file of that name. The caller's. */
static inline json_t *text_report(const struct gate_policy *policy, const char *name, const char *text, size_t len)
{
    AUTO_REPORT struct report *report = report_new(policy);
    AUTO_FD int fd = memfd_create("text", MFD_CLOEXEC);
    const struct check check = {.fd = fd, .size = len, .name = name, .gates = TRY_GATES, .policy = policy};
    struct error err = {0};

    assert_int_equal(file_write_all(fd, text, len, &err), 0);
    if (text_check(&check, fd, len, name, NULL, NULL, report, &err) != 0)
        fail_msg("%s: %s", name, err.detail);
    return report_render(report);
}

static inline void findings_note(const json_t *gates, struct str *ret)
{
    size_t i, k;
    const json_t *gate, *finding;

    json_array_foreach((json_t *)gates, i, gate) /* NOLINT: the macro wants it so */
        json_array_foreach(json_object_get(gate, "findings"), k, finding)
            str_printf(ret, "%s %" PRId64 " %s %" PRId64 "\n", json_text(finding, "code"), json_int(finding, "row"),
                       json_object_get(finding, "column") ? json_text(finding, "column") : "-",
                       json_int(finding, "count"));
}

static inline void assert_findings(const struct gate_policy *policy, const char *name, const char *text, size_t len,
                                   const char *wanted)
{
    AUTO_JSON json_t *gates = text_report(policy, name, text, len);
    AUTO_STR struct str seen = STR_INIT(1 << 20);

    findings_note(gates, &seen);
    if (strcmp(str_text(&seen), wanted) != 0)
        fail_msg("%s:\n%.600s\nhas\n%s not\n%s", name, text, str_text(&seen), wanted);
}

#endif
