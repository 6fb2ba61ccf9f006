/* Fuzz target: the gates disclosure and identifiers. The first byte says which name the file has, the rest is the file.
 * Whatever comes: it ends, it finds no more than there are bytes, and what it says has no cell of the file in it. */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "gate/text.h"

#define BOTH (1U << GATE_DISCLOSURE | 1U << GATE_IDENTIFIERS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_findings(const json_t *gates, size_t size)
{
    size_t i, k;
    const json_t *gate, *finding;

    json_array_foreach((json_t *)gates, i, gate) json_array_foreach(json_object_get(gate, "findings"), k, finding)
    {
        assert(json_int(finding, "row") >= 0 && (uint64_t)json_int(finding, "row") <= size + 1);
        assert(json_int(finding, "count") >= 0 && (uint64_t)json_int(finding, "count") <= size);
        assert(strlen(json_text(finding, "column")) <= 3 * 128);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const NAMES[] = {"a.csv", "a.tsv", "a.txt", "a.json", "a"};
    AUTO_GATE_POLICY struct gate_policy policy;
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct error err = {0};

    gate_policy_init(&policy);
    if (size == 0)
        return 0;
    policy.number[GATE_POLICY_ROUND_BASE] = 5;
    policy.number[GATE_POLICY_ROW_LEVEL_ROWS] = 3;
    AUTO_REPORT struct report *report = report_new(&policy);
    const char *name = NAMES[data[0] % ARRAY_LEN(NAMES)];
    const struct check check = {.fd = fd, .size = size - 1, .name = name, .gates = BOTH, .policy = &policy};
    assert(file_write_all(fd, data + 1, size - 1, &err) == 0);
    assert(text_check(&check, fd, size - 1, name, NULL, NULL, report, &err) == 0);
    AUTO_JSON json_t *gates = report_render(report);
    assert(json_array_size(gates) == 2);
    check_findings(gates, size);
    return 0;
}
