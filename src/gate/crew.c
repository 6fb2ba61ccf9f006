/* Seats, scratch files, deaths. Part of airlock-gate's main process. */
#include "gate/crew.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"

static int64_t deaths_worth(const void *record)
{
    return *(const int *)record;
}

void crew_init(struct crew *crew, size_t size)
{
    crew->size = size;
    crew->seats = xcalloc(size, sizeof *crew->seats);
    crew->deaths = slots_new(sizeof(int), deaths_worth);
    for (size_t i = 0; i < size; i++) {
        crew->seats[i].checker = (struct checker){.life = -1, .pipe = -1};
        for (size_t k = 0; k < CHECK_SCRATCH_MAX; k++)
            crew->seats[i].scratch[k] = -1;
    }
}

static struct seat *free_seat(const struct crew *crew)
{
    for (size_t i = 0; i < crew->size; i++)
        if (!crew->seats[i].job)
            return &crew->seats[i];
    return NULL;
}

bool crew_has_seat(const struct crew *crew)
{
    return free_seat(crew) != NULL;
}

/* --- What a child is given --- */

static int borrow_file(struct crew *crew, const struct job *job, const json_t *file, struct error *err)
{
    json_t *question = json_pack("{s:s, s:O}", "dir", job->dir, "size", json_object_get(file, "size"));
    const char *field = job->in_pieces ? "extents" : "object";
    int fd = -1;

    json_object_set(question, field, json_object_get(file, field));
    int r = ipc_call_fd(crew->mover, MESSAGE_OBJECT_OPEN, question, NULL, &fd, err);
    if (r == 0 && fd < 0)
        r = error_set(err, E_PROTOCOL, "airlock-mover lent nothing");
    return r ? r : fd;
}

/* As many as the policy's depth may need, and one for what the deepest holds. */
static int scratch_make(const struct crew *crew, struct seat *seat, const struct gate_policy *policy, struct error *err)
{
    int64_t count = policy->number[GATE_POLICY_ARCHIVE_DEPTH] + 1;

    for (int64_t i = 0; i < count && i < CHECK_SCRATCH_MAX; i++) {
        if (seat->scratch[i] >= 0)
            continue;
        seat->scratch[i] = openat(crew->scratch, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (seat->scratch[i] < 0)
            return error_set_errno(err, E_IO, "A scratch file cannot be made");
    }
    return 0;
}

/* What one check wrote, the next one does not find. A file that cannot be emptied is not used again. */
static void scratch_empty(struct seat *seat)
{
    struct stat st;

    for (size_t i = 0; i < CHECK_SCRATCH_MAX; i++) {
        int fd = seat->scratch[i];
        if (fd < 0 ||
            (fstat(fd, &st) == 0 && (st.st_size == 0 || ftruncate(fd, 0) == 0) && lseek(fd, 0, SEEK_SET) == 0))
            continue;
        (void)close(fd);
        seat->scratch[i] = -1;
    }
}

/* The environment of an organisation's own program; command_env_free frees it. */
static char **command_env(const struct job *job, const char *name)
{
    char **env = xcalloc(7, sizeof *env);

    env[0] = xstrdup("LANG=C.UTF-8");
    env[1] = xstrdup("PATH=/usr/bin:/bin");
    env[2] = xasprintf("AIRLOCK_FILE_NAME=%s", name);
    env[3] = xasprintf("AIRLOCK_DIRECTION=%s", job->direction);
    env[4] = xasprintf("AIRLOCK_REQUEST=%s", job->request);
    env[5] = xasprintf("AIRLOCK_WORKSPACE=%s", job->workspace);
    return env;
}

static void command_env_free(char **env)
{
    for (char **at = env; at && *at; at++)
        free(*at);
    free(env);
}

static int64_t seat_patience(const struct crew *crew, const struct seat *seat, uint64_t size)
{
    return seat->scans ? crew->scan_patience_ms + (int64_t)(size / CREW_SCAN_STEP) * CREW_SCAN_STEP_MS
                       : crew->patience_ms;
}

static int seat_start(struct crew *crew, struct seat *seat, struct job *job, const struct unit *unit, int fd,
                      struct error *err)
{
    const struct work *work = &job->work[unit->work];
    struct check check = {
        .fd = fd,
        .size = (uint64_t)json_int(unit->file, "size"),
        .name = json_text(unit->file, "name"),
        .gates = work->gates,
        .policy = &job->policy,
        .scanner = seat->scans ? seat->scan.fd : -1,
        .scanner_max_bytes = crew->scan_max_bytes,
    };
    char **env = work->command ? command_env(job, check.name) : NULL;
    int r = work->command ? 0 : scratch_make(crew, seat, &job->policy, err);

    memcpy(check.scratch, seat->scratch, sizeof check.scratch);
    const struct checker_spec spec = {
        .run = work->command ? NULL : crew->checks->run[work->kind],
        .check = &check,
        .command = work->command,
        .env = env,
        .scans = seat->scans,
        .patience_ms = seat_patience(crew, seat, check.size),
    };
    if (r == 0 && !spec.run && !spec.command)
        r = error_set(err, E_UNAVAILABLE, "airlock-gate has no check of this kind");
    if (r == 0)
        r = checker_start(crew->checkers, &spec, &seat->checker, err);
    command_env_free(env);
    return r;
}

/* 1: there is a scanner for it, or it needs none; 0: not yet; otherwise an error. */
static int seat_scanner(struct crew *crew, struct seat *seat, const struct work *work, struct error *err)
{
    if (!work_scans(work))
        return 1;
    if (!crew->scanner)
        return error_set(err, E_UNAVAILABLE, "No malware scanner is configured (scan.clamd_socket)");
    int r = scanner_take(crew->scanner, clock_mono_ms(), &seat->scan, err);
    seat->scans = r == 1;
    return r;
}

static void seat_give_back(struct crew *crew, struct seat *seat)
{
    if (seat->scans)
        scanner_release(crew->scanner, &seat->scan);
    seat->scans = false;
}

static void seat_take(struct seat *seat, struct job *job, struct unit *unit)
{
    seat->job = job;
    seat->unit = *unit;
    *unit = (struct unit){0};
    if (seat->scans && seat->scan.fd >= 0) { /* the child has it now */
        (void)close(seat->scan.fd);
        seat->scan.fd = -1;
    }
}

bool crew_start(struct crew *crew, struct job *job, struct unit *unit)
{
    struct seat *seat = free_seat(crew);
    struct error err = {0};
    int r = seat_scanner(crew, seat, &job->work[unit->work], &err);

    if (r == 0) {
        job_put_back(job, unit);
        return false;
    }
    if (r < 0) {
        job_unsure(job, false, "%s", err.detail);
        unit_done(unit);
        return true;
    }
    job->running++; /* while the mover is asked, too: nobody drops the job then */
    AUTO_FD int fd = borrow_file(crew, job, unit->file, &err);
    r = fd < 0 ? fd : seat_start(crew, seat, job, unit, fd, &err);
    if (r == 0) {
        seat_take(seat, job, unit);
        return true;
    }
    job->running--;
    job_unsure(job, false, "%s: %s", fd < 0 ? "A file could not be read" : "A check could not be started", err.detail);
    seat_give_back(crew, seat);
    unit_done(unit);
    return true;
}

/* --- How a child ended --- */

static char *death_key(const struct seat *seat)
{
    return xasprintf("%s/%lld/%zu", seat->job->request, (long long)json_int(seat->unit.file, "blob"), seat->unit.work);
}

/* It may be the file's doing, or not: it is tried again, and not for ever. */
static void take_death(struct crew *crew, struct seat *seat, const char *why)
{
    AUTO_FREE char *key = death_key(seat);
    int *deaths = slots_make(crew->deaths, key, strlen(key));
    const struct work *work = &seat->job->work[seat->unit.work];
    const char *what = work->command ? work->command->name : "A check of a file";

    log_warning("%s of request %s (file %lld) did not come to an end: %s", what, seat->job->request,
                (long long)json_int(seat->unit.file, "blob"), why);
    ++*deaths;
    if (*deaths < CREW_DEATHS_MAX || work->command) {
        job_unsure(seat->job, true, "%s did not come to an end, and is tried again: %s", what, why);
        return;
    }
    AUTO_FREE char *reason = xasprintf("Its check did not come to an end, %d times: %s", *deaths, why);
    job_block(seat->job, &seat->unit, reason);
}

static int take_words(struct crew *crew, struct seat *seat, struct error *err)
{
    const struct work *work = &seat->job->work[seat->unit.work];
    const struct str *said = &seat->checker.said;
    struct answer answer = {0};
    struct answer_part part = {0};
    int r = work->command ? answer_read_command(str_text(said), said->len, &seat->job->policy, &part, err)
                          : answer_read(str_text(said), said->len, work->gates, &seat->job->policy, &answer, err);

    if (r == 0 && seat->scans) { /* what was asked here counts: the child may have been taken over */
        json_decref(answer.parts[GATE_MALWARE].engine);
        answer.parts[GATE_MALWARE].engine = scanner_engine(crew->scanner, &seat->scan);
    }
    if (r == 0 && work->command)
        job_take_command(seat->job, &seat->unit, &part);
    else if (r == 0)
        job_take_answer(seat->job, &seat->unit, &answer);
    return r;
}

static void seat_clear(struct crew *crew, struct seat *seat)
{
    seat_give_back(crew, seat);
    seat->job->running--;
    seat->job = NULL;
    unit_done(&seat->unit);
    checker_done(&seat->checker);
    scratch_empty(seat);
}

static void seat_ended(struct crew *crew, struct seat *seat)
{
    struct error err = {0};
    char why[100];

    if (seat->checker.end == CHECKER_SPOKE && take_words(crew, seat, &err) == 0) {
        AUTO_FREE char *key = death_key(seat);
        slots_drop(crew->deaths, key, strlen(key));
    } else {
        checker_why(&seat->checker, why, sizeof why);
        take_death(crew, seat, why);
    }
    seat_clear(crew, seat);
}

/* Its scanner hangs, has ended, or has another base since: what the child said or says is no result. */
static bool seat_is_in_vain(struct crew *crew, struct seat *seat)
{
    struct error err = {0};

    if (!seat->scans || scanner_lost(crew->scanner, &seat->scan, &err) == 0)
        return false;
    job_unsure(seat->job, false, "%s", err.detail);
    seat_clear(crew, seat);
    return true;
}

void crew_look(struct crew *crew, int64_t now_ms)
{
    if (crew->scanner)
        scanner_step(crew->scanner, now_ms);
    for (size_t i = 0; i < crew->size; i++) {
        struct seat *seat = &crew->seats[i];
        if (seat->job && !seat_is_in_vain(crew, seat) && checker_look(&seat->checker, now_ms))
            seat_ended(crew, seat);
    }
}

void crew_drop(struct crew *crew, const struct job *job)
{
    for (size_t i = 0; i < crew->size; i++)
        if (crew->seats[i].job == job)
            seat_clear(crew, &crew->seats[i]);
}

size_t crew_polls(const struct crew *crew, struct pollfd *ret)
{
    size_t count = crew->scanner ? scanner_polls(crew->scanner, ret) : 0;

    for (size_t i = 0; i < crew->size; i++) {
        if (!crew->seats[i].job)
            continue;
        ret[count++] = (struct pollfd){.fd = crew->seats[i].checker.life, .events = POLLIN};
        ret[count++] = (struct pollfd){.fd = crew->seats[i].checker.pipe, .events = POLLIN};
    }
    return count;
}

int64_t crew_due(const struct crew *crew)
{
    int64_t due = crew->scanner ? scanner_due_ms(crew->scanner) : INT64_MAX;

    for (size_t i = 0; i < crew->size; i++)
        if (crew->seats[i].job && crew->seats[i].checker.until_ms < due)
            due = crew->seats[i].checker.until_ms;
    return due;
}
