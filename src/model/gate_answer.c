/* Answers of external gates, which come from programs that are not ours. Pure. */
#include "model/gate_answer.h"

#include <string.h>

#include "model/validate.h"

#define CODE_MAX 64
#define NUMBER_MAX 1000000000000
#define DIGEST_DIGITS 64
#define CODE_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

static int check_finding(const json_t *finding, struct error *err)
{
    static const char *const KNOWN[] = {"code", "file", "row", "column", "detail"};
    const char *code, *text, *name;
    json_t *value;
    int64_t row;

    if (!json_is_object(finding))
        return error_set_field(err, E_INVALID, "findings", "\"findings\" must hold objects");
    json_object_foreach((json_t *)finding, name, value) /* NOLINT: the macro wants it so, and changes nothing */
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
            known = known || strcmp(KNOWN[i], name) == 0;
        if (!known)
            return error_set_field(err, E_INVALID, "findings", "A finding has no \"%.40s\"", name);
    }
    int r = json_need_string(finding, "code", CODE_MAX, &code, err);
    if (r == 0 && (*code == '\0' || strspn(code, CODE_CHARACTERS) != strlen(code)))
        r = error_set_field(err, E_INVALID, "code", "\"code\" must be lower-case letters, digits and hyphens");
    if (r == 0)
        r = json_get_int(finding, "row", 0, 0, NUMBER_MAX, &row, err);
    if (r == 0)
        r = validate_line(finding, "file", GATE_ANSWER_NAME_MAX, &text, err);
    if (r == 0)
        r = validate_line(finding, "column", GATE_ANSWER_NAME_MAX, &text, err);
    return r ? r : validate_line(finding, "detail", GATE_ANSWER_DETAIL_MAX, &text, err);
}

static int check_findings(const json_t *findings, struct error *err)
{
    size_t i;
    const json_t *finding;

    if (!json_is_array(findings) || json_array_size(findings) > GATE_ANSWER_FINDINGS_MAX)
        return error_set_field(err, E_INVALID, "findings", "\"findings\" must be a list of at most %d",
                               GATE_ANSWER_FINDINGS_MAX);
    json_array_foreach(findings, i, finding)
    {
        int r = check_finding(finding, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int gate_answer_check(const json_t *body, struct gate_answer *ret, struct error *err)
{
    const char *verdict;
    struct gate_answer answer = {.findings = json_object_get(body, "findings")};

    int r = json_need_string(body, "manifestDigest", DIGEST_DIGITS, &answer.manifest_digest, err);
    if (r == 0)
        r = json_need_string(body, "verdict", 16, &verdict, err);
    if (r != 0)
        return r;
    if (!verdict_by_name(verdict, &answer.verdict) || answer.verdict == VERDICT_UNSURE)
        return error_set_field(err, E_INVALID, "verdict",
                               "\"verdict\" must be pass, warn or block; a check that cannot say does not answer");
    if (json_is_null(answer.findings))
        answer.findings = NULL;
    r = answer.findings ? check_findings(answer.findings, err) : 0;
    if (r == 0)
        *ret = answer;
    return r;
}

/* The entry of files for the finding's file; made when it is the first. */
static json_t *entry_of(json_t *files, const json_t *file, const char *verdict)
{
    size_t i;
    json_t *entry;

    json_array_foreach(files, i, entry)
    {
        if (json_equal(json_object_get(entry, "name"), file ? file : json_null()))
            return entry;
    }
    entry = json_pack("{s:O?, s:s, s:[], s:i}", "name", file, "verdict", verdict, "findings", "omitted", 0);
    if (!file)
        json_object_set_new(entry, "name", json_null());
    json_array_append_new(files, entry);
    return entry;
}

json_t *gate_answer_files(const json_t *findings, enum verdict verdict)
{
    json_t *files = json_array();
    size_t i;
    const json_t *finding;

    json_array_foreach(findings, i, finding)
    {
        json_t *entry = entry_of(files, json_object_get(finding, "file"), verdict_name(verdict));
        json_t *shown = json_copy((json_t *)finding);
        (void)json_object_del(shown, "file"); /* it need not be there */
        json_object_set_new(shown, "verdict", json_string(verdict_name(verdict)));
        json_array_append_new(json_object_get(entry, "findings"), shown);
    }
    return files;
}

char *gate_answer_text(const struct gate_answer *answer)
{
    AUTO_JSON json_t *all = json_pack("{s:s, s:O?}", "verdict", verdict_name(answer->verdict), "findings",
                                      (json_t *)answer->findings);
    return json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
}
