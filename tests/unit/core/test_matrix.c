/* Everyone asks for everything: each message of people × who asks × whose request × each status, against the outcomes
 * that were written by hand in matrix.txt. The cells come from the tables, so that a new message, role or status
 * without an expectation fails. Each cell runs in a transaction of its own that is rolled back. */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/dispatch.h"
#include "core/workspace.h"
#include "model/flow.h"

#define REQUESTOR "alice" /* loses every role of hers once the requests are there */
#define ANOTHER "sam"
#define LINES_MAX 500
#define SETS_MAX 32
#define CALLERS_MAX 32
#define FILE_MAX (64 * 1024)
#define COMPLAINTS_MAX 20

/* --- The axes --- */

struct caller {
    const char *name;
    const char *audience; /* NULL: no token; "": the core application's; or a workspace's */
    unsigned tre_roles;
    unsigned roles; /* in the workspace where is_outsider says */
    bool is_outsider;
};

static const struct caller CALLERS[] = {
    {.name = "none"},
    {.name = "core", .audience = ""},
    {.name = "member", .audience = "", .tre_roles = ROLE_TRE_USER, .roles = ROLE_RESEARCHER},
    {.name = "workspace", .audience = WS1},
    {.name = "outsider", .audience = WS2, .roles = ROLE_WORKSPACE_ALL, .is_outsider = true},
#define X(key, bit, wire, display)                       \
    {.name = wire,                                       \
     .audience = (ROLE_##key & ROLE_TRE_ALL) ? "" : WS1, \
     .tre_roles = ROLE_##key & ROLE_TRE_ALL,             \
     .roles = ROLE_##key & ROLE_WORKSPACE_ALL},
#include "model/role.def"
#undef X
};

/* Whose request it is. Elsewhere: the caller's own in another workspace, asked for by way of this one. */
enum relation_case { OWN, OTHER, ELSEWHERE, RELATION_CASES };
static const char *const RELATIONS[] = {"own", "other", "elsewhere"};

/* What a message needs to succeed, besides token, workspace and request; ' stands for ". */
static const char *const FIELDS[MESSAGE_COUNT] = {
    [MESSAGE_WORKSPACE_CREATE] = "{'body': {'display_name': 'New'}}",
    [MESSAGE_WORKSPACE_UPDATE] = "{'etag': '*', 'body': {'display_name': 'Changed'}}",
    [MESSAGE_ROLE_ASSIGN] = "{'user_ids': ['bob'], 'role_id': 'WorkspaceOwner'}",
    [MESSAGE_ROLE_REMOVE] = "{'user_ids': ['bob'], 'role_id': 'AirlockManager'}",
    [MESSAGE_ADMIN_USER_ADD] = "{'name': 'New', 'email': 'new@example.org'}",
    [MESSAGE_ADMIN_USER_DISABLE] = "{'user': 'bob'}",
    [MESSAGE_ADMIN_USER_ENABLE] = "{'user': 'bob'}",
    [MESSAGE_ADMIN_USER_RESET] = "{'user': 'bob'}",
    [MESSAGE_ADMIN_ROLE_ASSIGN] = "{'user_ids': ['bob'], 'role_id': 'TREAdmin'}",
    [MESSAGE_ADMIN_ROLE_REMOVE] = "{'user_ids': ['bob'], 'role_id': 'TREUser'}",
    [MESSAGE_CALLER_SET_NOTICES] = "{'choice': 'digest'}",
    [MESSAGE_ADMIN_RULES_TEST] = "{'status': 'approved'}",
    [MESSAGE_ADMIN_EVENTS_REPLAY] = "{'all': true}",
    [MESSAGE_ADMIN_EVENTS_DROP] = "{'all': true}",
    [MESSAGE_REQUEST_CREATE] = "{'type': 'export', 'title': 'T', 'businessJustification': 'J'}",
    [MESSAGE_REQUEST_REVIEW] = "{'approval': true, 'decisionExplanation': 'x'}",
    [MESSAGE_REQUEST_REVOKE] = "{'reason': 'x'}",
};

struct cell {
    enum message message;
    size_t caller;
    enum relation_case relation;
    enum status status;
};

/* --- The expectations --- */

struct line {
    bool messages[MESSAGE_COUNT];
    bool callers[CALLERS_MAX];
    bool relations[RELATION_CASES];
    bool statuses[STATUS_COUNT];
    int outcome; /* HTTP status; 0: it is done */
    int number;
    bool used;
};

struct matrix {
    struct bench *bench;
    struct line lines[LINES_MAX];
    size_t count;
    char *sets[SETS_MAX][2]; /* name, words */
    size_t set_count;
    json_t *frames[MESSAGE_COUNT];
    char *tokens[2][3]; /* of the requestor and of another; core, WS1, WS2 */
    char own[UUID_TEXT_SIZE];
    char elsewhere[UUID_TEXT_SIZE];
};

static const char *matrix_path;

typedef bool find_name(const char *word, size_t *ret);

static bool find_message(const char *word, size_t *ret)
{
    enum message message;
    if (!message_by_op(word, &message))
        return false;
    *ret = message;
    return true;
}

static bool find_caller(const char *word, size_t *ret)
{
    for (*ret = 0; *ret < ARRAY_LEN(CALLERS); ++*ret)
        if (strcmp(CALLERS[*ret].name, word) == 0)
            return true;
    return false;
}

static bool find_relation(const char *word, size_t *ret)
{
    for (*ret = 0; *ret < RELATION_CASES; ++*ret)
        if (strcmp(RELATIONS[*ret], word) == 0)
            return true;
    return false;
}

static bool find_status(const char *word, size_t *ret)
{
    enum status status;
    if (!status_by_name(word, &status))
        return false;
    *ret = status;
    return true;
}

/* Marks what the words name; a word with @ stands for a set of them. */
static void take_words(const struct matrix *m, const char *words, find_name *find, bool *marks, int number)
{
    AUTO_FREE char *copy = xstrdup(words);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const char *set = NULL;
        size_t index = 0;
        for (size_t i = 0; i < m->set_count; i++)
            if (strcmp(m->sets[i][0], word) == 0)
                set = m->sets[i][1];
        if (set)
            take_words(m, set, find, marks, number);
        else if (find(word, &index))
            marks[index] = true;
        else
            fail_msg("matrix.txt:%d: nothing is called %s", number, word);
    }
}

static void take_set(struct matrix *m, char *text, int number)
{
    char *words = strstr(text, " = ");
    if (m->set_count == SETS_MAX)
        fail_msg("matrix.txt:%d: too many sets", number);
    *words = '\0';
    m->sets[m->set_count][0] = xstrdup(text);
    m->sets[m->set_count++][1] = xstrdup(words + 3);
}

static void take_line(struct matrix *m, char *text, const bool *messages, int number)
{
    char *columns[4];
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        columns[i] = strsep(&text, "|");
    if (!columns[3] || text || m->count == LINES_MAX)
        fail_msg("matrix.txt:%d: callers | whose | statuses | outcome", number);
    struct line *line = &m->lines[m->count++];
    line->number = number;
    memcpy(line->messages, messages, sizeof line->messages);
    take_words(m, columns[0], find_caller, line->callers, number);
    take_words(m, columns[1], find_relation, line->relations, number);
    take_words(m, columns[2], find_status, line->statuses, number);
    line->outcome = (int)strtol(columns[3], NULL, 10); /* "ok" is 0 */
}

static void matrix_read(struct matrix *m)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    bool messages[MESSAGE_COUNT] = {false};
    int number = 0;
    AUTO_FD int fd = open(matrix_path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_read_fd(fd, matrix_path, FILE_MAX, &text, &len, NULL), 0);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        number++;
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (strstr(line, " = ")) {
            take_set(m, line, number);
        } else if (line[0] == '[') {
            memset(messages, 0, sizeof messages);
            line[strcspn(line, "]")] = '\0';
            take_words(m, line + 1, find_message, messages, number);
        } else {
            take_line(m, line, messages, number);
        }
    }
}

/* The one line that speaks of the cell. */
static struct line *matrix_line(struct matrix *m, const struct cell *c)
{
    struct line *found = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct line *line = &m->lines[i];
        if (!line->messages[c->message] || !line->callers[c->caller] || !line->relations[c->relation] ||
            !line->statuses[c->status])
            continue;
        if (found)
            fail_msg("matrix.txt:%d and %d both speak of %s by %s", found->number, line->number, message_op(c->message),
                     CALLERS[c->caller].name);
        found = line;
    }
    return found;
}

/* --- The scene --- */

static void assign(struct bench *b, const char *workspace, const char *who, unsigned roles, bool add)
{
    const struct call call = {.now = clock_now_us(), .address = ""};
    for (unsigned bit = 1; bit && bit <= roles; bit <<= 1)
        if (roles & bit)
            assert_int_equal(role_assign(&b->core, &call, workspace, who, (enum role)bit, add, NULL), 0);
}

/* A draft with a file in it, and a job of its that failed once, so that every act can succeed in some status. */
static void make_request(struct matrix *m, const char *workspace, char ret_id[static UUID_TEXT_SIZE])
{
    AUTO_ROWS struct db_rows *job = NULL;
    struct bench *b = m->bench;
    AUTO_JSON json_t *ok = NULL;
    AUTO_JSON json_t *link = NULL;
    char object[UUID_TEXT_SIZE];
    const char *token = m->tokens[0][strcmp(workspace, WS1) == 0 ? 1 : 2];

    assign(b, workspace, REQUESTOR, ROLE_RESEARCHER, true);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_CREATE,
                               json_pack("{s:s, s:s, s:s, s:s}", "token", token, "workspace", workspace, "type",
                                         "export", "title", "T"),
                               &ok),
                     0);
    assert_true(str_copy(ret_id, UUID_TEXT_SIZE, json_text(json_object_get(ok, "airlockRequest"), "id")));
    assert_true(str_copy(b->request, sizeof b->request, ret_id));
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_LINK,
                               json_pack("{s:s, s:s, s:s}", "token", token, "workspace", workspace, "request", ret_id),
                               &link),
                     0);
    bench_take_link(b, json_text(link, "containerUrl"));
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(
        db_first(b->core.db, Q_JOB_ADD,
                 ARGS(DB_T(ret_id), DB_T("seal"), DB_I(1), DB_T("x"), DB_T(NULL), DB_I(clock_now_us()), DB_T("mover")), &job,
                 NULL),
        1);
    assign(b, workspace, REQUESTOR, ROLE_WORKSPACE_ALL, false);
}

static int matrix_setup(void **state)
{
    static struct matrix m;
    void *bench = NULL;
    assert_int_equal(bench_setup(&bench), 0);
    m = (struct matrix){.bench = bench};
    for (size_t i = 0; i < 6; i++)
        m.tokens[i / 3][i % 3] =
            bench_token(m.bench, i / 3 == 0 ? REQUESTOR : ANOTHER, ((const char *[]){"", WS1, WS2})[i % 3], 0);
    make_request(&m, WS1, m.own);
    make_request(&m, WS2, m.elsewhere);
    for (int job = 1; job <= 2; job++)
        assert_true(db_exec(m.bench->core.db, Q_JOB_FAILED, ARGS(DB_I(job), DB_T("x")), NULL) == 1);
    assign(m.bench, "", REQUESTOR, ROLE_TRE_ALL, false);
    for (int message = 0; message < MESSAGE_COUNT; message++) {
        AUTO_FREE char *fields = xstrdup(FIELDS[message] ? FIELDS[message] : "{}");
        for (char *quote = fields; (quote = strchr(quote, '\'')) != NULL;)
            *quote = '"';
        json_t *frame = json_loads(fields, 0, NULL);
        assert_non_null(frame);
        json_object_set_new(frame, "op", json_string(message_op((enum message)message)));
        json_object_set_new(frame, "id", json_integer(1));
        json_object_set_new(frame, "address", json_string("127.0.0.1"));
        json_object_set_new(frame, "workspace", json_string(WS1));
        m.frames[message] = frame;
    }
    matrix_read(&m);
    *state = &m;
    return 0;
}

static int matrix_teardown(void **state)
{
    struct matrix *m = *state;
    void *bench = m->bench;
    for (size_t i = 0; i < 6; i++)
        free(m->tokens[i / 3][i % 3]);
    for (size_t i = 0; i < m->set_count; i++) {
        free(m->sets[i][0]);
        free(m->sets[i][1]);
    }
    for (int message = 0; message < MESSAGE_COUNT; message++)
        json_decref(m->frames[message]);
    return bench_teardown(&bench);
}

/* --- One cell --- */

/* The status stands there as if it had been reached; only the database knows of it. */
static void put_status(struct bench *b, const char *workspace, const char *request, enum status status)
{
    const char *failed_from = status == STATUS_FAILED ? status_name(STATUS_SUBMITTED) : NULL;
    assert_true(db_exec(b->core.db, Q_REQUEST_CAS_STATUS,
                        ARGS(DB_T(request), DB_T(workspace), DB_I(0), DB_T(status_name(status)), DB_T(NULL),
                             DB_T(failed_from), DB_T("{}"), DB_I(clock_now_us())),
                        NULL) == 1);
}

static json_t *cell_frame(const struct matrix *m, const struct cell *c)
{
    const struct caller *caller = &CALLERS[c->caller];
    json_t *frame = json_copy(m->frames[c->message]);
    size_t audience = caller->is_outsider ? 2 : caller->audience && *caller->audience ? 1 : 0;
    const char *token = caller->audience ? m->tokens[c->relation == OTHER][audience] : "";
    json_object_set_new(frame, "token", json_string(token));
    json_object_set_new(frame, "request", json_string(c->relation == ELSEWHERE ? m->elsewhere : m->own));
    return frame;
}

static int cell_outcome(struct matrix *m, const struct cell *c)
{
    struct bench *b = m->bench;
    const struct caller *caller = &CALLERS[c->caller];
    const char *who = c->relation == OTHER ? ANOTHER : REQUESTOR;
    bool elsewhere = c->relation == ELSEWHERE;
    AUTO_JSON json_t *frame = cell_frame(m, c);
    AUTO_JSON json_t *answer = NULL;

    assert_int_equal(db_begin(b->core.db, NULL), 0);
    put_status(b, elsewhere ? WS2 : WS1, elsewhere ? m->elsewhere : m->own, c->status);
    assign(b, "", who, caller->tre_roles, true);
    assign(b, caller->is_outsider ? WS2 : WS1, who, caller->roles, true);
    assert_int_equal(dispatch(&b->core, PEER_API, frame, &answer, NULL), 0);
    db_rollback(b->core.db);
    b->core.effects.count = 0;
    const json_t *refusal = json_object_get(answer, "error");
    (void)snprintf(bench_detail, sizeof bench_detail, "%s", json_text(refusal, "detail"));
    return refusal ? error_http_status(error_code_by_name(json_text(refusal, "code"))) : 0;
}

static bool cell_is_right(struct matrix *m, const struct cell *c)
{
    struct line *line = matrix_line(m, c);
    int outcome = cell_outcome(m, c);

    if (line)
        line->used = true;
    if (line && line->outcome == outcome)
        return true;
    print_error("%s by %s, request %s, %s: %d (%s), matrix.txt:%d says %d\n", message_op(c->message),
                CALLERS[c->caller].name, RELATIONS[c->relation], status_name(c->status), outcome, bench_detail,
                line ? line->number : 0, line ? line->outcome : -1);
    return false;
}

static size_t walk_message(struct matrix *m, enum message message)
{
    size_t wrong = 0;
    for (size_t caller = 0; caller < ARRAY_LEN(CALLERS); caller++)
        for (int relation = 0; relation < RELATION_CASES; relation++)
            for (int status = 0; status < STATUS_COUNT && wrong < COMPLAINTS_MAX; status++) {
                const struct cell cell = {message, caller, (enum relation_case)relation, (enum status)status};
                wrong += !cell_is_right(m, &cell);
            }
    return wrong;
}

static void everyone_asks_for_everything(void **state)
{
    struct matrix *m = *state;
    size_t wrong = 0;

    for (int message = 0; message < MESSAGE_COUNT; message++)
        if (dispatch_right((enum message)message) != RIGHT_OF_NOBODY)
            wrong += walk_message(m, (enum message)message);
    for (size_t i = 0; i < m->count; i++)
        if (!m->lines[i].used) {
            print_error("matrix.txt:%d speaks of no cell\n", m->lines[i].number);
            wrong++;
        }
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    matrix_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everyone_asks_for_everything, matrix_setup, matrix_teardown),
    };
    return cmocka_run_group_tests_name("core/matrix", tests, NULL, NULL);
}
