/* Token buckets by person, by workspace, and by person and request. Part of airlock-core. */
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

#include "base/bucket.h"

enum change { CHANGES_NOTHING, CHANGES, DECIDES, LINKS };

/* What a message changes in its workspace. */
static const enum change CHANGE_OF[MESSAGE_COUNT] = {
    [MESSAGE_REQUEST_CREATE] = CHANGES,          [MESSAGE_REQUEST_SUBMIT] = DECIDES, [MESSAGE_REQUEST_CANCEL] = DECIDES,
    [MESSAGE_REQUEST_REVIEW] = DECIDES,          [MESSAGE_REQUEST_REVOKE] = DECIDES, [MESSAGE_REQUEST_LINK] = LINKS,
    [MESSAGE_REQUEST_LINK_REVOKE_ALL] = DECIDES, [MESSAGE_REQUEST_ANSWER_GATE] = DECIDES,
};

struct limits {
    struct buckets *people; /* each NULL: no limit */
    struct buckets *workspaces;
    struct buckets *decisions;
    struct buckets *links;
};

static struct buckets *limit_new(int64_t count, int64_t per_s, int64_t burst)
{
    return buckets_new(&(struct bucket_rule){.count = count, .per_s = per_s, .burst = burst});
}

struct limits *limits_new(const struct limits_config *config)
{
    struct limits *l = xcalloc(1, sizeof *l);

    l->people = limit_new(config->subject_rate, 1, config->subject_burst);
    l->workspaces = limit_new(config->workspace_rate, 1, config->workspace_burst);
    l->decisions = limit_new(config->decisions_per_minute, 60, config->decisions_per_minute);
    l->links = limit_new(config->links_per_minute, 60, config->links_per_minute);
    return l;
}

void limits_free(struct limits *l)
{
    if (!l)
        return;
    buckets_free(l->people);
    buckets_free(l->workspaces);
    buckets_free(l->decisions);
    buckets_free(l->links);
    free(l);
}

/* A stream of events that airlock-api has woken to read on: its person asked once, when it began. */
static bool asked_before(const struct call *call)
{
    return (call->message == MESSAGE_EVENT_READ || call->message == MESSAGE_EVENT_READ_IN_WORKSPACE) &&
           json_flag(call->in, "again");
}

int limits_person(struct limits *l, const struct call *call, int64_t now_us, struct error *err)
{
    if (asked_before(call))
        return 0;
    const char *subject = call->who.subject;
    int64_t wait = buckets_take(l->people, subject, strlen(subject), 1, now_us);
    return wait == 0 ? 0 : bucket_refuse(wait, "requests of yours", err);
}

/* Both must have room before either is used, so that the longer wait is the true one. */
int limits_change(struct limits *l, const struct call *call, int64_t now_us, struct error *err)
{
    enum change change = CHANGE_OF[call->message];
    struct buckets *own = change == LINKS ? l->links : change == DECIDES ? l->decisions : NULL;
    char key[UUID_TEXT_SIZE + SUBJECT_MAX];
    size_t workspace_len = strlen(call->workspace);

    if (change == CHANGES_NOTHING)
        return 0;
    int len = snprintf(key, sizeof key, "%.36s %s", json_text(call->in, "request"), call->who.subject);
    int64_t wait_own = buckets_wait_us(own, key, (size_t)len, 1, now_us);
    int64_t wait_all = buckets_wait_us(l->workspaces, call->workspace, workspace_len, 1, now_us);
    if (wait_own > 0 && wait_own >= wait_all)
        return bucket_refuse(wait_own, change == LINKS ? "links to this request" : "tries to change this request", err);
    if (wait_all > 0)
        return bucket_refuse(wait_all, "changes in this workspace", err);
    (void)buckets_take(own, key, (size_t)len, 1, now_us); /* it has room: nobody else asks meanwhile */
    (void)buckets_take(l->workspaces, call->workspace, workspace_len, 1, now_us);
    return 0;
}
