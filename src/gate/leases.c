/* Jobs under lease. Part of airlock-gate's main process. */
#include "gate/leases.h"

#include <malloc.h>
#include <string.h>

#include "base/log.h"

#define TELL_TRIES 60 /* a result is worth waiting for a core that restarts */
#define TELL_EVERY_MS 1000

static void lease_free(struct lease *lease)
{
    job_free(lease->job);
    json_decref(lease->result);
    free(lease);
}

static void leases_drop(struct leases *leases, size_t at)
{
    lease_free(leases->rows[at]);
    leases->rows[at] = leases->rows[--leases->count];
    leases->ask_at_ms = 0; /* there is room for the next one */
    (void)malloc_trim(0);  /* a job may have been large, and the next one is not */
}

static bool core_is_there(const struct leases *leases)
{
    return ipc_client_fd(leases->core) >= 0;
}

/* --- Asking --- */

/* A job that this program does not understand is given back with a word: core tries it again, later. */
static void refuse(struct leases *leases, const json_t *job, const struct error *why)
{
    json_t *result = json_pack("{s:O, s:O, s:s, s:s}", "job", json_object_get(job, "id"), "token",
                               json_object_get(job, "token"), "outcome", "unsure", "detail", why->detail);

    log_error("A job of core's was not understood: %s", why->detail);
    if (result && ipc_call(leases->core, MESSAGE_JOB_RESULT, result, NULL, NULL) != 0)
        log_debug("Core did not take it back: its lease runs out");
}

/* Asks for one job. false: there is none, or core cannot be asked now. */
static bool ask_one(struct leases *leases, int64_t now_ms)
{
    AUTO_JSON json_t *answer = NULL;
    struct error err = {0};
    struct job *job;
    int r = ipc_call(leases->core, MESSAGE_JOB_LEASE, json_object(), &answer, &err);

    if (r != 0) {
        log_debug("No job could be asked for: %s", err.detail);
        return false;
    }
    const json_t *message = json_object_get(answer, "job");
    if (!json_is_object(message))
        return false;
    if (job_new(message, leases->commands, &job, &err) != 0) {
        refuse(leases, message, &err);
        return true;
    }
    struct lease *lease = xcalloc(1, sizeof *lease);
    lease->job = job;
    lease->beat_at_ms = now_ms + job->lease_ms / 3;
    leases->rows[leases->count++] = lease;
    return true;
}

static void ask_page(struct leases *leases, struct lease *lease)
{
    struct error err = {0};
    json_t *question = job_question(lease->job), *page = NULL;

    json_object_set_new(question, "after", json_integer(lease->job->after));
    int r = ipc_call(leases->core, MESSAGE_JOB_FILES, question, &page, &err);
    if (r == 0)
        r = job_take_page(lease->job, page, &err);
    if (r == E_STALE)
        lease->lost = true;
    else if (r != 0)
        job_unsure(lease->job, false, "The list of files could not be read: %s", err.detail);
}

void leases_ask(struct leases *leases, int64_t now_ms)
{
    if (!core_is_there(leases) || now_ms < leases->ask_at_ms)
        return;
    leases->ask_at_ms = now_ms + LEASES_IDLE_MS; /* before the question: work announced meanwhile is not missed */
    while (leases->count < LEASES_MAX && ask_one(leases, now_ms))
        ;
}

void leases_turn_pages(struct leases *leases)
{
    for (size_t i = 0; i < leases->count; i++)
        if (!leases->rows[i]->lost && core_is_there(leases) && job_wants_page(leases->rows[i]->job))
            ask_page(leases, leases->rows[i]);
}

/* --- Beating --- */

static void beat(struct leases *leases, struct lease *lease, const char *reason, int64_t now_ms)
{
    json_t *question = job_question(lease->job);

    lease->beat_at_ms = now_ms + lease->job->lease_ms / 3;
    if (strcmp(reason, lease->reason) != 0)
        json_object_set_new(question, "reason", *reason ? json_string(reason) : json_null());
    int r = ipc_call(leases->core, MESSAGE_JOB_HEARTBEAT, question, NULL, NULL);
    if (r == E_STALE)
        lease->lost = true;
    else if (r == 0)
        (void)str_copy(lease->reason, sizeof lease->reason, reason); /* it was bounded by whoever made it */
}

void leases_beat(struct leases *leases, const char *reason, int64_t now_ms)
{
    if (leases->beating || !core_is_there(leases))
        return;
    leases->beating = true;
    for (size_t i = 0; i < leases->count; i++) {
        struct lease *lease = leases->rows[i];
        const char *own = job_scans(lease->job) && !lease->result ? reason : "";
        if (!lease->lost && (now_ms >= lease->beat_at_ms || strcmp(own, lease->reason) != 0))
            beat(leases, lease, own, now_ms);
    }
    leases->beating = false;
}

/* --- Work --- */

/* Least under way first, then who waited longest: nobody's ten thousand files hold up another's one. */
static bool is_before(const struct lease *a, const struct lease *b)
{
    return a->job->running != b->job->running ? a->job->running < b->job->running : a->served < b->served;
}

struct lease *leases_next(struct leases *leases, bool may_scan, struct unit *ret)
{
    struct lease *best = NULL;

    for (size_t i = 0; i < leases->count; i++) {
        struct lease *lease = leases->rows[i];
        bool has_next = !lease->lost && !lease->result && job_has_next(lease->job);
        if (has_next && (may_scan || !job_next_scans(lease->job)) && (!best || is_before(lease, best)))
            best = lease;
    }
    if (!best || !job_next(best->job, ret))
        return NULL;
    best->served = ++leases->served;
    return best;
}

/* --- Telling --- */

/* true: core knows, or will never want to. */
static bool tell(struct leases *leases, struct lease *lease, int64_t now_ms)
{
    const char *kind = json_text(lease->job->lease, "kind"), *request = lease->job->request;
    struct error err = {0};

    if (!core_is_there(leases) || now_ms < lease->tell_at_ms)
        return false;
    int r = ipc_call(leases->core, MESSAGE_JOB_RESULT, json_incref(lease->result), NULL, &err);
    lease->tell_at_ms = now_ms + TELL_EVERY_MS;
    if ((r == E_UNKNOWN || r == E_UNAVAILABLE) && ++lease->tries < TELL_TRIES)
        return false;
    if (r == E_STALE)
        log_info("%s of request %s: it was no more ours to do; nothing was changed", kind, request);
    else if (r != 0)
        log_warning("%s of request %s could not be reported, they run again: %s", kind, request, err.detail);
    else
        log_info("%s of request %s: %s%s%s", kind, request, json_text(lease->result, "outcome"),
                 *lease->job->unsure ? ": " : "", lease->job->unsure);
    return true;
}

void leases_settle(struct leases *leases, int64_t now_ms)
{
    for (size_t i = leases->count; i-- > 0;) {
        struct lease *lease = leases->rows[i];
        if (lease->lost && lease->job->running == 0) {
            log_info("A job of request %s was no more ours to do", lease->job->request);
            leases_drop(leases, i);
            continue;
        }
        if (!lease->result && !lease->lost && job_is_over(lease->job))
            lease->result = job_result(lease->job);
        if (lease->result && tell(leases, lease, now_ms))
            leases_drop(leases, i);
    }
}

int64_t leases_beat_due(const struct leases *leases)
{
    int64_t due = INT64_MAX;

    if (leases->beating || !core_is_there(leases))
        return due;
    for (size_t i = 0; i < leases->count; i++)
        if (!leases->rows[i]->lost && leases->rows[i]->beat_at_ms < due)
            due = leases->rows[i]->beat_at_ms;
    return due;
}

int64_t leases_due(const struct leases *leases)
{
    int64_t due = leases->ask_at_ms;

    if (!core_is_there(leases))
        return INT64_MAX;
    for (size_t i = 0; i < leases->count; i++)
        if (leases->rows[i]->result && leases->rows[i]->tell_at_ms < due)
            due = leases->rows[i]->tell_at_ms;
    return due;
}
