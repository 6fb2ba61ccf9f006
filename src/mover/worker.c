/* Leases, heartbeats, results. Runs in airlock-mover, on its main thread alone; the jobs know nothing of it. */
#include "mover/worker.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/client.h"
#include "mover/job.h"
#include "mover/lend.h"
#include "mover/pool.h"
#include "mover/tidy.h"

#define IDLE_MS 1000      /* how often core is asked for work that it did not announce */
#define SERVE_EVERY_MS 50 /* how often the sockets are looked at during work */
#define REPORT_TRIES 20   /* a result is worth waiting for a core that restarts */
#define LEASE_MIN_S 1
#define LEASE_MAX_S 3600
#define DAY_S ((int64_t)24 * 3600)

struct worker {
    struct child *child;
    struct mover mover;
    int64_t lost_days;
    struct ipc_client *core;
    struct lender *lender; /* to the gate */
    int signals;
    bool woken;
    int64_t served_ms; /* when the sockets were last looked at */
    int64_t tidy_at_ms;
    const json_t *job; /* the one under lease, NULL between jobs */
    int64_t beat_ms;   /* a heartbeat is due this often */
    int64_t beat_at_ms;
};

static void worker_channel(enum peer peer, int fd, void *ctx)
{
    struct worker *worker = ctx;
    if (peer == PEER_CORE)
        ipc_client_attach(worker->core, fd);
    else if (peer == PEER_GATE)
        lender_attach(worker->lender, fd);
    else
        (void)close(fd);
}

static void worker_pushed(const char *op, const json_t *message, void *ctx)
{
    struct worker *worker = ctx;
    (void)message;
    if (strcmp(op, message_op(MESSAGE_JOB_WAKE)) == 0)
        worker->woken = true;
}

/* Work may be cut anywhere: the next start finds the job again. */
static void worker_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

/* Waits for the control socket, the channel and signals, and serves them. */
static void worker_serve(int timeout_ms, void *ctx)
{
    struct worker *worker = ctx;
    struct pollfd polls[] = {
        {.fd = child_control_fd(worker->child), .events = POLLIN},
        {.fd = worker->signals, .events = POLLIN},
        {.fd = ipc_client_fd(worker->core), .events = POLLIN}, /* -1 is passed over */
    };

    int count = poll(polls, ARRAY_LEN(polls), timeout_ms);
    worker->served_ms = clock_mono_ms();
    if (count <= 0)
        return;
    if (polls[1].revents)
        worker_stop(worker);
    if (polls[0].revents)
        child_control_readable(worker->child);
    if (polls[2].revents)
        ipc_client_readable(worker->core);
}

/* A question about the job under lease, with the token that fences it. */
static json_t *job_question(const json_t *job)
{
    return json_pack("{s:O, s:O}", "job", json_object_get(job, "id"), "token", json_object_get(job, "token"));
}

static int worker_confirm(void *ctx, struct error *err)
{
    struct worker *worker = ctx;
    worker->beat_at_ms = clock_mono_ms() + worker->beat_ms;
    return ipc_call(worker->core, MESSAGE_JOB_HEARTBEAT, job_question(worker->job), NULL, err);
}

/* Only core's word ends a lease. When it cannot be asked just now the work goes on: its result is fenced. */
static int worker_tick(void *ctx, struct error *err)
{
    struct worker *worker = ctx;
    int64_t now = clock_mono_ms();

    if (now - worker->served_ms >= SERVE_EVERY_MS)
        worker_serve(0, worker);
    if (!worker->job || now < worker->beat_at_ms)
        return 0;
    return worker_confirm(worker, err) == E_STALE ? E_STALE : 0;
}

static int worker_files(void *ctx, int64_t after, json_t **ret_page, struct error *err)
{
    struct worker *worker = ctx;
    json_t *question = job_question(worker->job);

    json_object_set_new(question, "after", json_integer(after));
    return ipc_call(worker->core, MESSAGE_JOB_FILES, question, ret_page, err);
}

static int worker_unknown(void *ctx, json_t *dirs, json_t **ret_unknown, struct error *err)
{
    struct worker *worker = ctx;
    AUTO_JSON json_t *answer = NULL;
    int r = ipc_call(worker->core, MESSAGE_DIR_KNOWN, json_pack("{s:o}", "dirs", dirs), &answer, err);

    if (r == 0)
        *ret_unknown = json_incref(json_object_get(answer, "unknown"));
    return r;
}

static void worker_lost(void *ctx, const char *dir, const char *aside)
{
    const struct worker *worker = ctx;
    if (aside)
        log_alarm("airlock-core does not know the directory %s: it is kept as %s for %lld days and then removed. After "
                  "an old database was restored this may be the only copy of newer data",
                  dir, aside, (long long)worker->lost_days);
    else
        log_warning("The directory %s, which airlock-core does not know, was removed", dir);
}

static void worker_tidy(struct worker *worker)
{
    int64_t now = clock_now_s();
    const struct tidy tidy = {.unknown = worker_unknown,
                              .lost = worker_lost,
                              .ctx = worker,
                              .before_s = now - TIDY_AGE_S,
                              .keep_lost = worker->lost_days > 0,
                              .lost_before_s = now - worker->lost_days * DAY_S,
                              .now_s = now};
    struct error err = {0};

    worker->tidy_at_ms = clock_mono_ms() + TIDY_EVERY_MS;
    if (tidy_run(worker->mover.store, &tidy, &err) != 0)
        log_warning("Clearing away forgotten directories failed, the next try is in an hour: %s", err.detail);
}

static void worker_report(struct worker *worker, json_t *report)
{
    struct error err = {0};
    int r = E_UNKNOWN;

    for (int i = 0; i < REPORT_TRIES && (r == E_UNKNOWN || r == E_UNAVAILABLE); i++) {
        if (i > 0)
            worker_serve(IDLE_MS, worker);
        r = ipc_call(worker->core, MESSAGE_JOB_RESULT, json_incref(report), NULL, &err);
    }
    if (r == E_STALE)
        log_info("The job was somebody else's by then; nothing was changed");
    else if (r != 0)
        log_warning("The result of a job could not be reported, it will run again: %s", err.detail);
    json_decref(report);
}

/* The message that tells core how it ended. */
static json_t *report_new(const json_t *job, int r, const struct result *result, const struct error *err)
{
    json_t *report = job_question(job);
    const char *detail = r ? err->detail : result->detail;

    json_object_set_new(report, "outcome", json_string(r ? "error" : result->outcome));
    if (r)
        json_object_set_new(report, "code", json_string(error_name(r)));
    if (*detail)
        json_object_set_new(report, "detail", json_string(detail));
    if (!r && result->dir)
        json_object_set_new(report, "dir", json_string(result->dir));
    if (!r && !*detail && result->files)
        json_object_set(report, "files", result->files);
    return report;
}

static void worker_log(const json_t *job, int r, const struct result *result, const struct error *err)
{
    const char *kind = json_text(job, "kind"), *request = json_text(job, "request");
    if (r)
        log_warning("%s of request %s failed: %s", kind, request, err->detail);
    else if (*result->detail)
        log_warning("%s of request %s: %s: %s", kind, request, result->outcome, result->detail);
    else
        log_info("%s of request %s: %s", kind, request, result->outcome);
}

static int job_run(struct worker *worker, const json_t *job, struct result *ret, struct error *err)
{
    const struct lease lease = {worker_files, worker_confirm, worker};
    const struct job_kind *kind = job_kind_by_name(json_text(job, "kind"));
    int64_t lease_s;
    int r = json_need_int(job, "leaseS", LEASE_MIN_S, LEASE_MAX_S, &lease_s, err);

    if (r != 0)
        return r;
    if (!kind)
        return error_set(err, E_PROTOCOL, "airlock-mover knows no job of this kind");
    worker->beat_ms = lease_s * 1000 / 3;
    worker->beat_at_ms = clock_mono_ms() + worker->beat_ms;
    return kind->run(&worker->mover, job, &lease, ret, err);
}

static void worker_do(struct worker *worker, const json_t *job)
{
    struct result result = {0};
    struct error err = {0};

    worker->job = job;
    int r = job_run(worker, job, &result, &err);
    worker->job = NULL;
    worker_log(job, r, &result, &err);
    worker_report(worker, report_new(job, r, &result, &err));
    result_done(&result);
}

/* Asks for a job and does it. false: there is none, or core cannot be asked now. */
static bool worker_next(struct worker *worker)
{
    AUTO_JSON json_t *answer = NULL;
    struct error err = {0};

    worker->woken = false;
    int r = ipc_call(worker->core, MESSAGE_JOB_LEASE, json_object(), &answer, &err);
    if (r != 0) {
        log_debug("No job could be asked for: %s", err.detail);
        return false;
    }
    const json_t *job = json_object_get(answer, "job");
    if (!json_is_object(job))
        return false;
    worker_do(worker, job);
    return true;
}

static int worker_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

void worker_run(struct child *child, struct store *store, const struct worker_options *options)
{
    struct worker worker = {.child = child, .lost_days = options->lost_days, .signals = worker_signals()};
    const struct child_hooks hooks = {.channel = worker_channel, .stop = worker_stop, .ctx = &worker};

    worker.mover = (struct mover){store, pool_new(store, options->threads)};
    worker.core = ipc_client_new(worker_pushed, worker_serve, &worker);
    worker.lender = lender_new(store);
    child_set_hooks(child, &hooks);
    store_set_tick(store, worker_tick, &worker);
    child_ready(child);
    for (;;) {
        while (worker_next(&worker))
            ;
        if (clock_mono_ms() >= worker.tidy_at_ms && ipc_client_fd(worker.core) >= 0)
            worker_tidy(&worker);
        if (!worker.woken)
            worker_serve(IDLE_MS, &worker);
    }
}
