/* `airlock request wait`: follows the events of the request's workspace until the request is where it was waited for.
 * Runs at a person's or in a script; its exit codes are a promise. */
#include "cli/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/feed.h"

#define TIMEOUT_S 3600
#define TIMEOUT_MAX_S (30 * 24 * 3600)
#define STATUS_MAX 64

enum end { OPEN, RESTS, CLOSED };

static const struct {
    const char *name;
    enum end end;
} STATUSES[] = {
#define X(name, wire, import, export, end, notify, link, permissions) {wire, end},
#include "model/status.def"
#undef X
};

struct wait {
    struct cli *cli;
    const char *workspace;
    const char *id;
    bool chosen; /* the person named statuses: */
    bool wanted[ARRAY_LEN(STATUSES)];
    char status[STATUS_MAX]; /* the last one that was heard of */
};

/* --- What is waited for --- */

/* ARRAY_LEN(STATUSES): no status of ours. */
static size_t status_index(const char *name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(STATUSES) && strcmp(STATUSES[i].name, name) != 0)
        i++;
    return i;
}

static int refuse_wanted(struct error *err)
{
    AUTO_STR struct str names = STR_INIT(1024);

    for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++)
        str_printf(&names, "%s%s", i ? ", " : "", STATUSES[i].name);
    return error_set_field(err, E_USAGE, "for", "--for takes statuses, with commas between them: %s", str_text(&names));
}

/* Adds the statuses of one option's list. */
static int want(struct wait *wait, const char *list, struct error *err)
{
    AUTO_FREE char *names = xstrdup(list);
    char *rest = NULL;

    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        size_t i = status_index(name);
        if (i == ARRAY_LEN(STATUSES))
            return refuse_wanted(err);
        wait->wanted[i] = wait->chosen = true;
    }
    return wait->chosen ? 0 : refuse_wanted(err);
}

static int read_wanted(const struct args *args, struct wait *wait, struct error *err)
{
    static const char *const OPTIONS[] = {"for", "status"}; /* the second is what the first was called before */

    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++) {
        size_t at = 0;
        for (const char *list = args_next(args, OPTIONS[i], &at); list; list = args_next(args, OPTIONS[i], &at)) {
            int r = want(wait, list, err);
            if (r)
                return r;
        }
    }
    return 0;
}

/* "submitted" and whatever is in progress: the system's turn, which ends by itself. */
static bool is_systems_turn(const char *status)
{
    const char *suffix = strstr(status, "_in_progress");
    return strcmp(status, "submitted") == 0 || (suffix && strcmp(suffix, "_in_progress") == 0);
}

static bool is_awaited(const struct wait *wait, const char *status)
{
    size_t i = status_index(status);

    if (!wait->chosen)
        return !is_systems_turn(status);
    return i < ARRAY_LEN(STATUSES) && wait->wanted[i];
}

/* Whether the request can go on from here to something that is waited for: an approval can be revoked, and no more. */
static bool may_come(const struct wait *wait, const char *status)
{
    size_t i = status_index(status);

    if (i == ARRAY_LEN(STATUSES) || STATUSES[i].end == OPEN)
        return true;
    return STATUSES[i].end == RESTS && wait->wanted[status_index("revoked")];
}

/* --- Waiting --- */

static int wait_judge(struct wait *wait, const char *status, struct error *err)
{
    if (!str_copy(wait->status, sizeof wait->status, status))
        return error_set(err, E_PROTOCOL, "The server names a status of more than %d letters", STATUS_MAX - 1);
    if (is_awaited(wait, status))
        return FEED_ENOUGH;
    if (may_come(wait, status))
        return FEED_ON;
    return error_set(err, E_INVALID, "The request is %s, and that is final", status);
}

/* With each stream: what happened before it. */
static int wait_look(void *ctx, struct error *err)
{
    struct wait *wait = ctx;
    AUTO_JSON json_t *envelope = NULL;
    int r = request_fetch(wait->cli, wait->workspace, wait->id, &envelope, err);

    return r ? r : wait_judge(wait, request_status(envelope), err);
}

static int wait_hear(void *ctx, const struct sse_event *event, struct error *err)
{
    struct wait *wait = ctx;
    AUTO_JSON json_t *told = NULL;

    if (strcmp(event->kind, "status_changed") != 0)
        return FEED_ON;
    int r = json_parse_object(event->data, strlen(event->data), &told, err);
    if (r)
        return r;
    if (strcmp(json_text(told, "subject"), wait->id) != 0)
        return FEED_ON;
    return wait_judge(wait, json_text(json_object_get(told, "data"), "status"), err);
}

static int wait_for(struct wait *wait, const json_t *envelope, uint64_t timeout_s, struct error *err)
{
    const struct feed_reader reader = {.opened = wait_look, .heard = wait_hear, .ctx = wait};
    int64_t until_ms = clock_mono_ms() + (int64_t)timeout_s * 1000;
    int r = wait_judge(wait, request_status(envelope), err);

    if (r == FEED_ON && timeout_s > 0)
        r = feed_follow(wait->cli, wait->workspace, NULL, until_ms, &reader, err);
    if (r == FEED_ON)
        return error_set(err, E_UNAVAILABLE, "The request is still %s after %llu seconds", wait->status,
                         (unsigned long long)timeout_s);
    return r == FEED_ENOUGH ? 0 : r;
}

int request_wait_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;
    struct wait wait = {.cli = cli, .id = args->items[0]};
    uint64_t timeout;
    int r = read_wanted(args, &wait, err);

    if (!r)
        r = args_number(args, "timeout", TIMEOUT_S, 0, TIMEOUT_MAX_S, &timeout, err);
    if (!r)
        r = request_locate(cli, args, wait.id, &workspace, &before, err);
    wait.workspace = workspace;
    if (!r)
        r = wait_for(&wait, before, timeout, err);
    if (!r)
        r = request_fetch(cli, workspace, wait.id, &after, err);
    return r ? r : request_print(cli, after, err);
}
