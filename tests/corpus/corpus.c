/* Reads the corpus and scores text_check with it. */
#include "corpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "gate/text.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define LABELS_MAX 16
#define BOTH (1U << GATE_DISCLOSURE | 1U << GATE_IDENTIFIERS)

struct one_case {
    char name[64];
    struct gate_policy policy;
    char *labels[LABELS_MAX]; /* "code row column" */
    bool found[LABELS_MAX];
    size_t label_count;
    struct str text;
};

static void case_done(struct one_case *one)
{
    gate_policy_done(&one->policy);
    for (size_t i = 0; i < one->label_count; i++)
        free(one->labels[i]);
    str_done(&one->text);
}

/* "=== NAME POLICY…" */
static int case_begin(struct one_case *ret, const char *line, struct error *err)
{
    AUTO_JSON json_t *rows = NULL;
    size_t len = strcspn(line, " ");

    *ret = (struct one_case){.text = STR_INIT(FILE_MAX)};
    gate_policy_init(&ret->policy);
    if (len >= sizeof ret->name)
        return error_set(err, E_INVALID, "A name of the corpus is too long: %s", line);
    memcpy(ret->name, line, len);
    int r = gate_policy_parse(line + len, &rows, err);
    return r ? r : gate_policy_apply(&ret->policy, rows, err);
}

/* <TAB>, <CR>, and the ^ that keeps scanners for secrets from this repository. */
static void text_add(struct one_case *one, const char *line)
{
    for (; *line; line++) {
        if (str_starts(line, "<TAB>")) {
            str_append_char(&one->text, '\t');
            line += strlen("<TAB>") - 1;
        } else if (str_starts(line, "<CR>")) {
            str_append_char(&one->text, '\r');
            line += strlen("<CR>") - 1;
        } else if (*line != '^') {
            str_append_char(&one->text, *line);
        }
    }
    str_append_char(&one->text, '\n');
}

static bool label_matches(struct one_case *one, const char *seen)
{
    for (size_t i = 0; i < one->label_count; i++)
        if (!one->found[i] && strcmp(one->labels[i], seen) == 0) {
            one->found[i] = true;
            return true;
        }
    return false;
}

static void tell(void (*told)(const char *), const struct one_case *one, const char *what, const char *which)
{
    AUTO_FREE char *line = xasprintf("%s: %s %s", one->name, what, which);

    if (told)
        told(line);
}

static void findings_score(struct one_case *one, const json_t *gates, const char *code, void (*told)(const char *),
                           struct corpus_score *score)
{
    size_t i, k;
    const json_t *gate, *finding;

    json_array_foreach((json_t *)gates, i, gate) json_array_foreach(json_object_get(gate, "findings"), k, finding)
    {
        if (strcmp(json_text(finding, "code"), code) != 0)
            continue;
        const char *column = json_object_get(finding, "column") ? json_text(finding, "column") : "-";
        AUTO_FREE char *row = json_int(finding, "row") ? xasprintf("%" PRId64, json_int(finding, "row")) : xstrdup("-");
        AUTO_FREE char *seen = xasprintf("%s %s %s", code, row, column);
        if (label_matches(one, seen)) {
            score->found++;
        } else {
            score->wrong++;
            tell(told, one, "wrongly has", seen);
        }
    }
}

static int case_score(struct one_case *one, const char *code, void (*told)(const char *), struct corpus_score *score,
                      struct error *err)
{
    AUTO_REPORT struct report *report = report_new(&one->policy);
    AUTO_FD int fd = memfd_create(one->name, MFD_CLOEXEC);
    const struct check check = {
        .fd = fd, .size = one->text.len, .name = one->name, .gates = BOTH, .policy = &one->policy};

    int r = file_write_all(fd, str_text(&one->text), one->text.len, err);
    if (r == 0)
        r = text_check(&check, fd, check.size, check.name, NULL, NULL, report, err);
    if (r != 0)
        return r;
    AUTO_JSON json_t *gates = report_render(report);
    findings_score(one, gates, code, told, score);
    for (size_t i = 0; i < one->label_count; i++)
        if (!one->found[i]) {
            score->missed++;
            tell(told, one, "lacks", one->labels[i]);
        }
    *(one->label_count > 0 ? &score->true_cases : &score->false_cases) += 1;
    return 0;
}

/* The case that begins at *text, to the next one; moves *text there. */
static int case_run(char **text, const char *code, void (*told)(const char *), struct corpus_score *score,
                    struct error *err)
{
    struct one_case one;
    char *line = strsep(text, "\n");

    if (!str_starts(line, "=== "))
        return error_set(err, E_INVALID, "A case of the corpus begins with ===, not with %s", line);
    int r = case_begin(&one, line + 4, err);
    while (r == 0 && *text && **text && !str_starts(*text, "=== ")) {
        line = strsep(text, "\n");
        if (!str_starts(line, "> "))
            text_add(&one, line);
        else if (one.label_count < LABELS_MAX)
            one.labels[one.label_count++] = xstrdup(line + 2);
    }
    if (r == 0)
        r = case_score(&one, code, told, score, err);
    case_done(&one);
    return r;
}

int corpus_run(int dir, enum finding finding, void (*told)(const char *line), bool *ret_has, struct corpus_score *ret,
               struct error *err)
{
    const char *code = finding_facts(finding)->name;
    AUTO_FREE char *path = xasprintf("%s.txt", code), *content = NULL;
    size_t len;

    *ret = (struct corpus_score){0};
    int r = file_read(dir, path, FILE_MAX, &content, &len, err);
    *ret_has = r == 0;
    if (r == E_NOT_FOUND)
        return 0;
    for (char *text = content; r == 0 && text && *text;)
        r = case_run(&text, code, told, ret, err);
    return r;
}
