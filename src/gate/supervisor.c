/* The loop: control socket, channels, children. Runs in airlock-gate; reads no byte of anybody's file. */
#include "gate/supervisor.h"

#include <locale.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "gate/leases.h"

#define FILES_EACH 32  /* descriptors a child: pipe, process, file, scanner, scratch files */
#define FILES_OWN 64   /* and of this process */
#define CHILDREN_MIN 2 /* for gate.children = 0 */
#define CHILDREN_AUTO_MAX 8
#define SERVE_MS 1000 /* the longest wait */
#define POLLS_OWN 3
#define WAITING_MS 1000 /* of a wait for the scanner that is told */

struct supervisor {
    struct child *child;
    struct commands commands;
    struct leases leases;
    struct crew crew;
    int64_t scan_wait_ms; /* since when a file waits for the malware scanner; 0: none does */
};

/* Work may be cut anywhere: the lease ends, and somebody does it again. The children die with this process. */
static NORETURN void supervisor_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

static void supervisor_channel(enum peer peer, int fd, void *ctx)
{
    struct supervisor *supervisor = ctx;

    if (peer == PEER_CORE) {
        ipc_client_attach(supervisor->leases.core, fd);
        supervisor->leases.ask_at_ms = 0;
    } else if (peer == PEER_MOVER) {
        ipc_client_attach(supervisor->crew.mover, fd);
    } else {
        (void)close(fd);
    }
}

static void supervisor_pushed(const char *op, const json_t *message, void *ctx)
{
    struct supervisor *supervisor = ctx;

    (void)message;
    if (strcmp(op, message_op(MESSAGE_JOB_WAKE)) == 0)
        supervisor->leases.ask_at_ms = 0;
}

/* Sooner than asked when a child's patience is over or a heartbeat is due. */
static int wait_ms(const struct supervisor *supervisor, int64_t timeout_ms)
{
    int64_t now_ms = clock_mono_ms(), due = crew_due(&supervisor->crew), beat = leases_beat_due(&supervisor->leases);

    if (beat < due)
        due = beat;
    if (due - now_ms < timeout_ms)
        timeout_ms = due - now_ms;
    if (timeout_ms > SERVE_MS)
        timeout_ms = SERVE_MS;
    return timeout_ms > 0 ? (int)timeout_ms : 0;
}

/* What requests wait for although nothing is known to be wrong. */
static const char *waiting_reason(const struct supervisor *supervisor)
{
    bool long_ago = supervisor->scan_wait_ms > 0 && clock_mono_ms() - supervisor->scan_wait_ms >= WAITING_MS;
    return long_ago ? "The malware scanner is being tried out; the files wait." : "";
}

/* Waits for whatever comes first, and takes what came. Runs within questions to core and the mover, too: so it asks
 * nothing itself but for heartbeats, and gives no job up. */
static void supervisor_serve(int timeout_ms, void *ctx)
{
    struct supervisor *supervisor = ctx;
    struct ipc_client *core = supervisor->leases.core, *mover = supervisor->crew.mover;
    struct pollfd polls[POLLS_OWN + CREW_POLLS_MAX] = {
        {.fd = child_control_fd(supervisor->child), .events = POLLIN},
        {.fd = ipc_client_fd(core), .events = POLLIN}, /* -1 is passed over */
        {.fd = ipc_client_fd(mover), .events = POLLIN},
    };
    size_t count = POLLS_OWN + crew_polls(&supervisor->crew, polls + POLLS_OWN);

    if (poll(polls, (nfds_t)count, wait_ms(supervisor, timeout_ms)) > 0) {
        if (polls[1].revents)
            ipc_client_readable(core);
        if (polls[2].revents)
            ipc_client_readable(mover);
        if (polls[0].revents)
            child_control_readable(supervisor->child); /* may replace a channel: after both were read */
    }
    crew_look(&supervisor->crew, clock_mono_ms());
    leases_beat(&supervisor->leases, waiting_reason(supervisor), clock_mono_ms());
}

/* --- The start --- */

static size_t children_at_once(const struct child *child)
{
    int64_t wanted = child_setting_int(child, "gate.children");
    cpu_set_t cores;

    if (wanted > 0)
        return (size_t)wanted;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : CHILDREN_MIN;
    return count < CHILDREN_MIN ? CHILDREN_MIN : count > CHILDREN_AUTO_MAX ? CHILDREN_AUTO_MAX : (size_t)count;
}

static int compare_bytes(const void *a, const void *b)
{
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* What libraries read from files at their first use, they use now: no child could open it. */
static int warm_up(const struct checks *checks, struct error *err)
{
    unsigned char many[4096] = {0}, digest[SHA256_SIZE];

    (void)setenv("TZ", "UTC0", 1);
    tzset();
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    sha256("", 0, digest);                           /* OpenSSL: its configuration */
    qsort(many, sizeof many, 1, compare_bytes);      /* the C library: the size of the memory */
    json_decref(json_pack("{s:f}", "jansson", 1.5)); /* its hashes' seed */
    return checks->prepare ? checks->prepare(err) : 0;
}

static int open_scanner(struct supervisor *supervisor, struct error *err)
{
    const struct child *child = supervisor->child;
    const struct scanner_settings settings = {
        .sockets = child_setting(child, "scan.clamd_socket"),
        .marker_file = child_setting(child, "scan.probe_marker"),
        .probe_ms = child_setting_int(child, "scan.probe_seconds") * 1000,
        .max_age_s = child_setting_int(child, "scan.max_age"),
        .allow_undated = child_setting_bool(child, "scan.allow_undated"),
    };

    supervisor->crew.scan_patience_ms = child_setting_int(child, "scan.timeout") * 1000;
    supervisor->crew.scan_max_bytes = child_setting_int(child, "scan.max_bytes");
    return *settings.sockets ? scanner_new(&settings, &supervisor->crew.scanner, err) : 0;
}

static int supervisor_open(struct supervisor *supervisor, const struct checks *checks, struct error *err)
{
    const struct child *child = supervisor->child;
    struct crew *crew = &supervisor->crew;
    const struct checker_limits limits = {.memory = child_setting_int(child, "gate.memory"),
                                          .seconds = child_setting_int(child, "gate.seconds"),
                                          .reduced_ok = child_setting_bool(child, "sandbox.reduced")};

    crew->checks = checks;
    crew->patience_ms = limits.seconds * 1000;
    crew->scratch = child_take_fd(supervisor->child, "scratch");
    if (crew->scratch < 0)
        return error_set(err, E_CONFIG, "The scratch directory was not passed");
    crew_init(crew, children_at_once(child));
    int r = warm_up(checks, err);
    if (r == 0)
        r = open_scanner(supervisor, err);
    if (r == 0)
        r = checkers_new(&limits, &crew->checkers, err);
    return r ? r : commands_read(child_setting(child, "gates.commands"), &supervisor->commands, err);
}

struct supervisor *supervisor_new(struct child *child, const struct checks *checks)
{
    struct supervisor *supervisor = xcalloc(1, sizeof *supervisor);
    struct error err = {0};

    supervisor->child = child;
    if (supervisor_open(supervisor, checks, &err) != 0)
        die(&err, "cannot start");
    supervisor->leases.commands = &supervisor->commands;
    supervisor->leases.core = ipc_client_new(supervisor_pushed, supervisor_serve, supervisor);
    supervisor->crew.mover = ipc_client_new(NULL, supervisor_serve, supervisor);
    child_set_hooks(child,
                    &(struct child_hooks){.channel = supervisor_channel, .stop = supervisor_stop, .ctx = supervisor});
    return supervisor;
}

/* The scratch directory; and what an organisation's own checks read, as long as there is one, since no child can have
 * more than this process. A scanner's socket needs no rule: Landlock (up to its version 8) leaves connecting to a
 * socket that has a path alone. */
void supervisor_confine(struct supervisor *supervisor)
{
    struct sandbox_rule rules[SANDBOX_RULES_MAX] = {
        {.dirfd = supervisor->crew.scratch, .access = SANDBOX_READ | SANDBOX_WRITE}};
    size_t count = 1 + commands_rules(&supervisor->commands, rules + 1, SANDBOX_RULES_MAX - 1);
    const struct sandbox spec = {
        .rules = rules, .rule_count = count, .max_files = FILES_OWN + FILES_EACH * (unsigned)supervisor->crew.size};
    struct error err = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    if (child_confine(supervisor->child, &spec, &err) != 0)
        die(&err, "cannot confine the process");
}

/* --- The work --- */

static void drop_lost(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->leases.count; i++)
        if (supervisor->leases.rows[i]->lost)
            crew_drop(&supervisor->crew, supervisor->leases.rows[i]->job);
}

static void start_units(struct supervisor *supervisor)
{
    struct lease *lease;
    struct unit unit;
    bool may_scan = true;

    do {
        leases_turn_pages(&supervisor->leases);
        lease = crew_has_seat(&supervisor->crew) ? leases_next(&supervisor->leases, may_scan, &unit) : NULL;
        if (lease && !crew_start(&supervisor->crew, lease->job, &unit))
            may_scan = false;
    } while (lease);
    if (may_scan)
        supervisor->scan_wait_ms = 0;
    else if (supervisor->scan_wait_ms == 0)
        supervisor->scan_wait_ms = clock_mono_ms();
}

/* Until the next thing that is asked or told without anybody's sign. */
static int idle_ms(const struct supervisor *supervisor)
{
    int64_t left = leases_due(&supervisor->leases) - clock_mono_ms();
    return left < 0 ? 0 : left < SERVE_MS ? (int)left : SERVE_MS;
}

void supervisor_run(struct supervisor *supervisor)
{
    child_ready(supervisor->child);
    for (;;) {
        supervisor_serve(idle_ms(supervisor), supervisor);
        leases_ask(&supervisor->leases, clock_mono_ms());
        drop_lost(supervisor);
        start_units(supervisor);
        leases_settle(&supervisor->leases, clock_mono_ms());
    }
}
