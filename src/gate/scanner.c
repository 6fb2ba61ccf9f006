/* State of each clamd and who uses it. Runs in airlock-gate's main process; must never wait. */
#include "gate/scanner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "gate/clamd.h"
#include "gate/probe.h"

#define PROBE_PATIENCE_MS 30000 /* for one probe: a clamd whose threads are all busy lets it wait */
#define AGAIN_MS 200            /* between two tries that leases ask for */
#define PROVING_MS 2000         /* that a lease waits without a word */
#define FUTURE_S 86400          /* a base may be dated by another clock and in another zone */
#define DAY_S 86400

enum daemon_state {
    DAEMON_DOWN,    /* no guard; why says since when nothing goes, retry_ms when it is tried again */
    DAEMON_PROVING, /* a guard, but not all probes passed yet */
    DAEMON_READY,   /* proven */
};

struct daemon {
    char *path;
    enum daemon_state state;
    struct error why; /* a part of a sentence, for people */
    unsigned session; /* counts guards: what belongs to an older one is lost */
    unsigned leases;
    int64_t tried_ms, retry_ms, wait_ms; /* last try, next try, what was waited between them */

    int fd; /* of the guard; -1: none */
    pid_t pid;
    struct clamd *guard;
    struct version version; /* text "": not told yet */
    int64_t ask_ms;         /* the version is asked for next, or was asked for */
    int probe;              /* the next one to be asked for or answered; PROBE_COUNT: none */
    int64_t probe_ms;       /* when it was asked for */
    int64_t proven_ms;      /* when the probes were passed last */
};

struct scanner {
    struct scanner_settings settings;
    struct probes *probes;
    struct daemon daemons[SCANNER_SOCKETS_MAX];
    unsigned count;
};

static int read_sockets(struct scanner *scanner, const char *sockets, struct error *err)
{
    for (const char *p = sockets + strspn(sockets, " "); *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (scanner->count == SCANNER_SOCKETS_MAX)
            return error_set_field(err, E_CONFIG, "scan.clamd_socket", "At most %d sockets of clamd can be used",
                                   SCANNER_SOCKETS_MAX);
        scanner->daemons[scanner->count++] = (struct daemon){.path = xstrndup(p, len), .fd = -1, .probe = PROBE_COUNT};
        p += len;
    }
    return 0;
}

static int read_marker(struct scanner *scanner, const char *path, struct error *err)
{
    AUTO_FREE char *marker = NULL;
    size_t len = 0;

    if (!path[0])
        return probes_new(NULL, 0, &scanner->probes, err);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, E_CONFIG, "scan.probe_marker: %s", path);
    int r = file_read_fd(fd, path, SCANNER_MARKER_MAX, &marker, &len, err);
    if (r == 0 && len == 0)
        r = error_set_field(err, E_CONFIG, "scan.probe_marker", "%s is empty", path);
    return r ? r : probes_new(marker, len, &scanner->probes, err);
}

int scanner_new(const struct scanner_settings *settings, struct scanner **ret, struct error *err)
{
    struct scanner *scanner = xcalloc(1, sizeof *scanner);

    scanner->settings = *settings;
    int r = read_sockets(scanner, settings->sockets, err);
    if (r == 0)
        r = read_marker(scanner, settings->marker_file, err);
    if (r)
        scanner_free(scanner);
    else
        *ret = scanner;
    return r;
}

static void guard_close(struct daemon *daemon)
{
    clamd_free(TAKE_PTR(daemon->guard));
    if (daemon->fd >= 0)
        (void)close(TAKE_FD(daemon->fd));
    daemon->version.text[0] = '\0';
    daemon->probe = PROBE_COUNT;
    daemon->session++;
}

void scanner_free(struct scanner *scanner)
{
    for (unsigned i = 0; scanner && i < scanner->count; i++) {
        guard_close(&scanner->daemons[i]);
        free(scanner->daemons[i].path);
    }
    if (scanner)
        probes_free(scanner->probes);
    free(scanner);
}

/* It cannot be used: everything on it is lost. why is a part of a sentence that begins with "The malware scanner". */
static void daemon_down(struct daemon *daemon, int64_t now_ms, const struct error *why)
{
    guard_close(daemon);
    daemon->state = DAEMON_DOWN;
    daemon->why = *why;
    daemon->wait_ms = daemon->wait_ms ? daemon->wait_ms * 2 : SCANNER_RETRY_MS;
    if (daemon->wait_ms > SCANNER_RETRY_MAX_MS)
        daemon->wait_ms = SCANNER_RETRY_MAX_MS;
    daemon->retry_ms = now_ms + daemon->wait_ms;
}

static void daemon_connect(struct daemon *daemon, int64_t now_ms)
{
    struct error err = {0};
    int fd = clamd_connect(daemon->path, &daemon->pid, &err);

    daemon->tried_ms = now_ms;
    if (fd < 0) {
        daemon_down(daemon, now_ms, &err);
        return;
    }
    daemon->fd = fd;
    daemon->guard = clamd_new(fd);
    daemon->state = DAEMON_PROVING;
    daemon->ask_ms = now_ms;
    (void)error_set(&daemon->why, E_UNAVAILABLE, "it is busy, and takes long to prove that it finds something");
}

/* 0, or E_UNAVAILABLE: a base of this age must not call anything clean. */
static int check_age(const struct scanner *scanner, const struct version *version, struct error *err)
{
    int64_t age_s = clock_now_s() - version->base_s;

    if (version->base_s == 0)
        return scanner->settings.allow_undated
                   ? 0
                   : error_set(err, E_UNAVAILABLE,
                               "its signature base tells no date (\"%.80s\"): load an official base, or set "
                               "scan.allow_undated",
                               version->text);
    if (age_s > scanner->settings.max_age_s)
        return error_set(err, E_UNAVAILABLE,
                         "its signature base is out of date: %" PRId64 " days old (\"%.80s\"): run freshclam",
                         age_s / DAY_S, version->text);
    if (age_s < -FUTURE_S)
        return error_set(err, E_UNAVAILABLE,
                         "its signature base is dated in the future (\"%.80s\"): set the clocks right", version->text);
    return 0;
}

/* Another version than before: what was proven says nothing any more, and what runs began with another base. */
static int take_version(const struct scanner *scanner, struct daemon *daemon, const struct version *version,
                        struct error *err)
{
    int r = check_age(scanner, version, err);

    if (r)
        return r;
    if (!daemon->version.text[0])
        daemon->probe = 0;
    else if (strcmp(daemon->version.text, version->text) != 0)
        return error_set(err, E_STALE, "its signature base has changed, and is proven anew");
    daemon->version = *version;
    return 0;
}

static int take_probe(struct daemon *daemon, int64_t now_ms, const struct reply *reply, struct error *err)
{
    int r = probe_judge((enum probe)daemon->probe, reply, err);

    if (r == 0 && ++daemon->probe == PROBE_COUNT) {
        daemon->state = DAEMON_READY;
        daemon->proven_ms = now_ms;
        daemon->wait_ms = 0;
    }
    return r;
}

static int daemon_hear(const struct scanner *scanner, struct daemon *daemon, int64_t now_ms, struct error *err)
{
    struct clamd_answer answer;
    int r;

    while ((r = clamd_receive(daemon->guard, &answer, err)) == 1) {
        r = answer.question == CLAMD_VERSION ? take_version(scanner, daemon, &answer.version, err)
                                             : take_probe(daemon, now_ms, &answer.reply, err);
        if (r)
            return r;
    }
    return r;
}

static int64_t ask_every_ms(const struct daemon *daemon)
{
    return daemon->leases > 0 || daemon->state == DAEMON_PROVING || daemon->probe < PROBE_COUNT ? SCANNER_ASK_MS
                                                                                                : SCANNER_IDLE_ASK_MS;
}

/* When the next question is due, or an open one has waited too long. */
static int64_t version_due_ms(const struct daemon *daemon)
{
    if (clamd_asked(daemon->guard, CLAMD_VERSION))
        return daemon->ask_ms + SCANNER_PATIENCE_MS;
    return daemon->version.text[0] ? daemon->ask_ms + ask_every_ms(daemon) : daemon->ask_ms;
}

static int64_t probe_due_ms(const struct scanner *scanner, const struct daemon *daemon)
{
    if (clamd_asked(daemon->guard, CLAMD_SCAN))
        return daemon->probe_ms + PROBE_PATIENCE_MS;
    if (daemon->probe < PROBE_COUNT)
        return 0;
    return daemon->state == DAEMON_READY ? daemon->proven_ms + scanner->settings.probe_ms : INT64_MAX;
}

static int daemon_ask_version(struct daemon *daemon, int64_t now_ms, struct error *err)
{
    if (now_ms < version_due_ms(daemon))
        return 0;
    if (clamd_asked(daemon->guard, CLAMD_VERSION))
        return error_set(err, E_UNAVAILABLE, "it does not answer within %d second", SCANNER_PATIENCE_MS / 1000);
    daemon->ask_ms = now_ms;
    return clamd_ask_version(daemon->guard, err);
}

static int daemon_ask_probe(const struct scanner *scanner, struct daemon *daemon, int64_t now_ms, struct error *err)
{
    if (now_ms < probe_due_ms(scanner, daemon))
        return 0;
    if (clamd_asked(daemon->guard, CLAMD_SCAN))
        return error_set(err, E_UNAVAILABLE, "it scans no small file within %d seconds", PROBE_PATIENCE_MS / 1000);
    if (daemon->probe == PROBE_COUNT)
        daemon->probe = 0;
    daemon->probe_ms = now_ms;
    return clamd_ask_scan(daemon->guard, probes_fd(scanner->probes, (enum probe)daemon->probe), err);
}

static void daemon_step(const struct scanner *scanner, struct daemon *daemon, int64_t now_ms)
{
    struct error err = {0};

    if (daemon->state == DAEMON_DOWN && now_ms >= daemon->retry_ms)
        daemon_connect(daemon, now_ms);
    if (daemon->state == DAEMON_DOWN)
        return;
    int r = daemon_hear(scanner, daemon, now_ms, &err);
    if (r == 0)
        r = daemon_ask_version(daemon, now_ms, &err);
    if (r == 0)
        r = daemon_ask_probe(scanner, daemon, now_ms, &err);
    if (r == 0)
        return;
    daemon_down(daemon, now_ms, &err);
    if (r == E_STALE)
        daemon->retry_ms = now_ms;
}

void scanner_step(struct scanner *scanner, int64_t now_ms)
{
    for (unsigned i = 0; i < scanner->count; i++)
        daemon_step(scanner, &scanner->daemons[i], now_ms);
}

size_t scanner_polls(const struct scanner *scanner, struct pollfd *ret)
{
    size_t count = 0;

    for (unsigned i = 0; i < scanner->count; i++)
        if (scanner->daemons[i].fd >= 0)
            ret[count++] = (struct pollfd){.fd = scanner->daemons[i].fd, .events = POLLIN};
    return count;
}

int64_t scanner_due_ms(const struct scanner *scanner)
{
    int64_t due = INT64_MAX;

    for (unsigned i = 0; i < scanner->count; i++) {
        const struct daemon *daemon = &scanner->daemons[i];
        int64_t own = daemon->retry_ms;
        if (daemon->state != DAEMON_DOWN) {
            int64_t version = version_due_ms(daemon), probe = probe_due_ms(scanner, daemon);
            own = version < probe ? version : probe;
        }
        due = own < due ? own : due;
    }
    return due;
}

static struct daemon *least_busy(struct scanner *scanner)
{
    struct daemon *best = NULL;

    for (unsigned i = 0; i < scanner->count; i++) {
        struct daemon *daemon = &scanner->daemons[i];
        if (daemon->state == DAEMON_READY && (!best || daemon->leases < best->leases))
            best = daemon;
    }
    return best;
}

/* A connection for a check, to the same process that was probed. */
static int daemon_lend(struct daemon *daemon, int64_t now_ms, int *ret_fd, struct error *err)
{
    pid_t pid;
    AUTO_FD int fd = clamd_connect(daemon->path, &pid, err);

    if (fd < 0)
        return fd;
    if (pid != daemon->pid)
        return error_set(err, E_STALE, "it was restarted, and is proven anew");
    if (daemon->leases++ == 0 && !clamd_asked(daemon->guard, CLAMD_VERSION))
        daemon->ask_ms = now_ms - SCANNER_ASK_MS; /* to know soon that it does not hang */
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Nothing is usable: whoever waits does not wait for the next try. */
static int hurry(struct scanner *scanner, int64_t now_ms, struct error *err)
{
    bool asking = false;

    for (unsigned i = 0; i < scanner->count; i++) {
        struct daemon *daemon = &scanner->daemons[i];
        if (daemon->state == DAEMON_DOWN && daemon->tried_ms + AGAIN_MS <= now_ms)
            daemon->retry_ms = now_ms;
        if (daemon->tried_ms == 0 || (daemon->state == DAEMON_PROVING && daemon->tried_ms + PROVING_MS > now_ms))
            asking = true;
    }
    if (asking)
        return 0;
    const struct daemon *first = &scanner->daemons[0];
    if (scanner->count == 1)
        return error_set(
            err, E_UNAVAILABLE,
            "The malware scanner cannot be used: %.350s (%.80s). The files wait; nothing is released unscanned.",
            first->why.detail, first->path);
    return error_set(
        err, E_UNAVAILABLE,
        "None of the %u malware scanners can be used. The first: %.330s (%.80s). The files wait; nothing is "
        "released unscanned.",
        scanner->count, first->why.detail, first->path);
}

int scanner_take(struct scanner *scanner, int64_t now_ms, struct scanner_lease *ret, struct error *err)
{
    for (struct daemon *daemon = least_busy(scanner); daemon; daemon = least_busy(scanner)) {
        struct scanner_lease lease = {.socket = (unsigned)(daemon - scanner->daemons), .session = daemon->session};
        struct error why = {0};
        if (daemon_lend(daemon, now_ms, &lease.fd, &why) == 0) {
            *ret = lease;
            return 1;
        }
        daemon_down(daemon, now_ms, &why);
        daemon->tried_ms = now_ms;
    }
    return hurry(scanner, now_ms, err);
}

int scanner_lost(const struct scanner *scanner, const struct scanner_lease *lease, struct error *err)
{
    const struct daemon *daemon = &scanner->daemons[lease->socket];

    if (daemon->session == lease->session)
        return 0;
    return error_set(err, E_UNAVAILABLE,
                     "The malware scanner was lost while it worked: %.350s (%.80s). The files wait.",
                     daemon->why.detail, daemon->path);
}

void scanner_release(struct scanner *scanner, struct scanner_lease *lease)
{
    scanner->daemons[lease->socket].leases--;
    if (lease->fd >= 0)
        (void)close(TAKE_FD(lease->fd));
}

json_t *scanner_engine(const struct scanner *scanner, const struct scanner_lease *lease)
{
    const struct daemon *daemon = &scanner->daemons[lease->socket];

    return daemon->session == lease->session ? version_render(&daemon->version) : NULL;
}
