/* The scanners' states: which clamd may be used, how soon trouble is noticed, and what is said of it. */
#include "gate/scanner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../check.h"
#include "base/clock.h"
#include "clamd_rig.h"

#define NOTICED_MS 2000 /* the bound */
#define PATIENCE_MS 30000

static struct scanner *make(const char *sockets, bool allow_undated)
{
    const struct scanner_settings settings = {.sockets = sockets,
                                              .marker_file = "",
                                              .probe_ms = 600000,
                                              .max_age_s = 7 * 86400,
                                              .allow_undated = allow_undated};
    struct scanner *scanner;

    assert_int_equal(scanner_new(&settings, &scanner, NULL), 0);
    return scanner;
}

static void wait_once(struct scanner *scanner)
{
    struct pollfd polls[SCANNER_SOCKETS_MAX];
    size_t count = scanner_polls(scanner, polls);
    int64_t wait = scanner_due_ms(scanner) - clock_mono_ms();

    (void)poll(polls, count, wait < 0 ? 0 : wait < 100 ? (int)wait : 100);
    scanner_step(scanner, clock_mono_ms());
}

/* Like scanner_take, and waits as long as it says "not yet". */
static int take(struct scanner *scanner, struct scanner_lease *lease, struct error *err)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    int r;

    while ((r = scanner_take(scanner, clock_mono_ms(), lease, err)) == 0) {
        assert_true(clock_mono_ms() < until);
        wait_once(scanner);
    }
    return r;
}

static struct scanner_lease take_good(struct scanner *scanner)
{
    struct scanner_lease lease;
    struct error err = {0};

    if (take(scanner, &lease, &err) != 1)
        fail_msg("%s", err.detail);
    return lease;
}

/* Takes until there is one: after a restart. */
static struct scanner_lease take_again(struct scanner *scanner)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    struct scanner_lease lease;

    while (take(scanner, &lease, NULL) != 1) {
        assert_true(clock_mono_ms() < until);
        wait_once(scanner);
    }
    return lease;
}

/* How long it takes until the lease is lost. */
static int64_t lost_after_ms(struct scanner *scanner, const struct scanner_lease *lease, struct error *err)
{
    int64_t begin = clock_mono_ms();

    while (scanner_lost(scanner, lease, err) == 0) {
        assert_true(clock_mono_ms() < begin + PATIENCE_MS);
        wait_once(scanner);
    }
    return clock_mono_ms() - begin;
}

static void a_proven_clamd_is_lent(void **state)
{
    struct clamd_rig rig;
    struct error err = {0};

    (void)state;
    rig_start(&rig, RIG_STRICT);
    struct scanner *scanner = make(rig.socket, true);
    int64_t begin = clock_mono_ms();
    struct scanner_lease lease = take_good(scanner);
    print_message("proven in %d ms\n", (int)(clock_mono_ms() - begin));
    assert_true(lease.fd >= 0);
    assert_int_equal(scanner_lost(scanner, &lease, &err), 0);
    AUTO_JSON json_t *engine = scanner_engine(scanner, &lease);
    assert_string_equal(json_text(engine, "name"), "clamav");
    assert_true(json_text(engine, "version")[0] != '\0');
    scanner_release(scanner, &lease);
    assert_int_equal(lease.fd, -1);
    scanner_free(scanner);
    rig_stop(&rig);
}

static void t42_a_base_without_a_date_is_refused_unless_allowed(void **state)
{
    struct clamd_rig rig;
    struct scanner_lease lease;

    (void)state;
    rig_start(&rig, RIG_STRICT);
    struct scanner *scanner = make(rig.socket, false);
    assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, "tells no date");
    scanner_free(scanner);
    rig_stop(&rig);
}

static void t36_a_clamd_that_calls_the_deep_clean_is_never_lent(void **state)
{
    struct clamd_rig rig;
    struct scanner_lease lease;

    (void)state;
    rig_start(&rig, "AlertEncrypted yes\n");
    struct scanner *scanner = make(rig.socket, true);
    for (int i = 0; i < 3; i++)
        assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, "AlertExceedsMax yes");
    scanner_free(scanner);
    rig_stop(&rig);
}

static void t41_an_absent_clamd_is_named_and_used_when_it_comes(void **state)
{
    struct clamd_rig rig;
    struct scanner_lease lease;

    (void)state;
    rig_start(&rig, RIG_STRICT);
    rig_kill(&rig);
    struct scanner *scanner = make(rig.socket, true);
    int64_t begin = clock_mono_ms();
    assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, "Connection refused");
    assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, rig.socket);
    assert_true(clock_mono_ms() - begin < NOTICED_MS);
    rig_run(&rig);
    lease = take_again(scanner);
    scanner_release(scanner, &lease);
    scanner_free(scanner);
    rig_stop(&rig);
}

static void t41_a_suspended_clamd_is_noticed(void **state)
{
    struct clamd_rig rig;
    struct error why = {0};

    (void)state;
    rig_start(&rig, RIG_STRICT);
    struct scanner *scanner = make(rig.socket, true);
    struct scanner_lease lease = take_good(scanner);
    assert_int_equal(kill(rig.pid, SIGSTOP), 0);
    assert_true(lost_after_ms(scanner, &lease, &why) < NOTICED_MS);
    assert_non_null(strstr(why.detail, "does not answer within 1 second"));
    assert_null(scanner_engine(scanner, &lease));
    scanner_release(scanner, &lease);
    assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, "does not answer");
    assert_int_equal(kill(rig.pid, SIGCONT), 0);
    lease = take_again(scanner);
    scanner_release(scanner, &lease);
    scanner_free(scanner);
    rig_stop(&rig);
}

/* It was idle and well when it was suspended: nobody had to ask it anything. */
static void t41_one_that_was_suspended_before_is_noticed(void **state)
{
    struct clamd_rig rig;
    struct error err = {0};

    (void)state;
    rig_start(&rig, RIG_STRICT);
    struct scanner *scanner = make(rig.socket, true);
    struct scanner_lease lease = take_good(scanner);
    scanner_release(scanner, &lease);
    assert_int_equal(kill(rig.pid, SIGSTOP), 0);
    lease = take_good(scanner);
    assert_true(lost_after_ms(scanner, &lease, &err) < NOTICED_MS);
    scanner_release(scanner, &lease);
    assert_int_equal(kill(rig.pid, SIGCONT), 0);
    scanner_free(scanner);
    rig_stop(&rig);
}

static void t41_what_runs_on_a_clamd_that_is_restarted_is_lost(void **state)
{
    struct clamd_rig rig;
    struct error err = {0};

    (void)state;
    rig_start(&rig, RIG_STRICT);
    struct scanner *scanner = make(rig.socket, true);
    struct scanner_lease old = take_good(scanner);
    rig_kill(&rig);
    rig_run(&rig);
    struct scanner_lease lease = take_again(scanner);
    assert_int_equal(scanner_lost(scanner, &old, &err), E_UNAVAILABLE);
    assert_int_equal(scanner_lost(scanner, &lease, &err), 0);
    scanner_release(scanner, &old);
    scanner_release(scanner, &lease);
    scanner_free(scanner);
    rig_stop(&rig);
}

/* Until both of two are proven. */
static void wait_for_both(struct scanner *scanner)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;

    for (bool both = false; !both; wait_once(scanner)) {
        struct scanner_lease one = take_good(scanner), other = take_good(scanner);
        both = one.socket != other.socket;
        scanner_release(scanner, &one);
        scanner_release(scanner, &other);
        assert_true(clock_mono_ms() < until);
    }
}

static void the_least_busy_of_two_is_taken(void **state)
{
    struct clamd_rig one, two;
    struct scanner_lease leases[4];
    struct error err = {0};

    (void)state;
    rig_start(&one, RIG_STRICT);
    rig_start(&two, RIG_STRICT);
    AUTO_FREE char *sockets = xasprintf("%s %s", one.socket, two.socket);
    struct scanner *scanner = make(sockets, true);
    wait_for_both(scanner);
    for (size_t i = 0; i < ARRAY_LEN(leases); i++)
        leases[i] = take_good(scanner);
    assert_int_equal(leases[0].socket + leases[1].socket, 1);
    assert_int_equal(leases[2].socket + leases[3].socket, 1);
    for (size_t i = 0; i < ARRAY_LEN(leases); i++)
        if (leases[i].socket == 1)
            scanner_release(scanner, &leases[i]);
    rig_kill(&two); /* the other one does its work */
    for (int i = 0; i < 3; i++) {
        struct scanner_lease lease = take_good(scanner);
        assert_int_equal(lease.socket, 0);
        scanner_release(scanner, &lease);
    }
    for (size_t i = 0; i < ARRAY_LEN(leases); i++)
        if (leases[i].socket == 0) {
            assert_int_equal(scanner_lost(scanner, &leases[i], &err), 0);
            scanner_release(scanner, &leases[i]);
        }
    scanner_free(scanner);
    rig_stop(&one);
    rig_stop(&two);
}

/* What a real clamd cannot be made to say. */
struct script {
    const char
        *versions[3];     /* the answers to VERSION, in turn, the last one for ever; with their NUL where it is meant */
    const char *scans[5]; /* the answers to FILDES, in the order of the probes */
};

#define GOOD_SCANS                                                                                               \
    {                                                                                                            \
        "OK", "Marker FOUND", "Heuristics.Limits.Exceeded.MaxRecursion FOUND", "Heuristics.Encrypted.Zip FOUND", \
            "Heuristics.Limits.Exceeded.MaxFileSize FOUND"                                                       \
    }

static void script_answer(int fd, const struct script *script, const char *command, int *asked, int *versions,
                          int *scans)
{
    AUTO_FREE char *answer = NULL;
    int at = *versions < 2 && script->versions[*versions + 1] ? (*versions)++ : *versions;

    if (strcmp(command, "zVERSION") == 0)
        answer = xasprintf("%d: %s", ++*asked, script->versions[at]);
    else if (strcmp(command, "zFILDES") == 0)
        answer = xasprintf("%d: fd[9]: %s", ++*asked, script->scans[(*scans)++ % 5]);
    else
        return;
    (void)send(fd, answer, strlen(answer) + 1, MSG_NOSIGNAL);
}

/* Serves one connection after the other; versions count on over all of them. */
static NORETURN void script_serve(int listener, const struct script *script)
{
    int versions = 0;

    for (;;) {
        char in[4096];
        size_t len = 0;
        int asked = 0, scans = 0;
        AUTO_FD int fd = accept(listener, NULL, NULL);
        for (;;) {
            ssize_t n = recv(fd, in + len, sizeof in - len, 0); /* descriptors that ride along are closed */
            if (n <= 0)
                break;
            len += (size_t)n;
            for (char *end = memchr(in, '\0', len); end; end = memchr(in, '\0', len)) {
                script_answer(fd, script, in, &asked, &versions, &scans);
                len -= (size_t)(end + 1 - in);
                memmove(in, end + 1, len);
            }
        }
    }
}

struct scripted {
    char dir[64], socket[80];
    pid_t pid;
};

static struct scripted script_start(const struct script *script)
{
    struct scripted scripted = {.dir = "/tmp/airlock-script-XXXXXX"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_non_null(mkdtemp(scripted.dir));
    (void)snprintf(scripted.socket, sizeof scripted.socket, "%s/s", scripted.dir);
    assert_true(str_copy(address.sun_path, sizeof address.sun_path, scripted.socket));
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 5), 0);
    scripted.pid = fork();
    if (scripted.pid == 0)
        script_serve(listener, script);
    return scripted;
}

static void script_stop(const struct scripted *scripted)
{
    (void)kill(scripted->pid, SIGKILL);
    (void)waitpid(scripted->pid, NULL, 0);
    (void)unlink(scripted->socket);
    (void)rmdir(scripted->dir);
}

static void script_refused(const struct script *script, const char *why)
{
    struct scripted scripted = script_start(script);
    struct scanner *scanner = make(scripted.socket, false);
    struct scanner_lease lease;

    assert_refused(take(scanner, &lease, err), E_UNAVAILABLE, why);
    scanner_free(scanner);
    script_stop(&scripted);
}

/* The answer to VERSION of a base that is so many seconds old: the caller's. */
static char *dated(int number, int64_t age_s)
{
    time_t then = (time_t)(clock_now_s() - age_s);
    struct tm tm;
    char date[64];

    assert_non_null(gmtime_r(&then, &tm));
    assert_true(strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &tm) > 0);
    return xasprintf("ClamAV 1.4.6/%d/%s", number, date);
}

static void t42_an_old_base_is_refused(void **state)
{
    AUTO_FREE char *old = dated(27000, 8 * 86400);
    AUTO_FREE char *future = dated(27000, -3 * 86400);

    (void)state;
    script_refused(&(struct script){.versions = {old}, .scans = GOOD_SCANS}, "out of date: 8 days old");
    script_refused(&(struct script){.versions = {future}, .scans = GOOD_SCANS}, "dated in the future");
}

static void t42_a_young_base_is_taken_and_told(void **state)
{
    AUTO_FREE char *young = dated(27500, 6 * 86400);
    struct scripted scripted = script_start(&(struct script){.versions = {young}, .scans = GOOD_SCANS});

    (void)state;
    struct scanner *scanner = make(scripted.socket, false);
    struct scanner_lease lease = take_good(scanner);
    AUTO_JSON json_t *engine = scanner_engine(scanner, &lease);
    assert_string_equal(json_text(engine, "base"), "27500");
    assert_true(json_text(engine, "baseDate")[0] != '\0');
    scanner_release(scanner, &lease);
    scanner_free(scanner);
    script_stop(&scripted);
}

static void a_changed_base_is_proven_anew(void **state)
{
    AUTO_FREE char *before = dated(27500, 3600);
    AUTO_FREE char *after = dated(27501, 60);
    struct scripted scripted = script_start(&(struct script){.versions = {before, before, after}, .scans = GOOD_SCANS});
    struct error err = {0};

    (void)state;
    struct scanner *scanner = make(scripted.socket, false);
    struct scanner_lease lease = take_good(scanner);
    assert_true(lost_after_ms(scanner, &lease, &err) < NOTICED_MS);
    assert_non_null(strstr(err.detail, "changed"));
    scanner_release(scanner, &lease);
    lease = take_again(scanner);
    AUTO_JSON json_t *engine = scanner_engine(scanner, &lease);
    assert_string_equal(json_text(engine, "base"), "27501");
    scanner_release(scanner, &lease);
    scanner_free(scanner);
    script_stop(&scripted);
}

static void t41_nonsense_is_never_proven(void **state)
{
    AUTO_FREE char *young = dated(27500, 60);

    (void)state;
    script_refused(&(struct script){.versions = {"PONG"}, .scans = GOOD_SCANS}, "nonsense");
    script_refused(&(struct script){.versions = {""}, .scans = GOOD_SCANS}, "nonsense");
    script_refused(&(struct script){.versions = {young}, .scans = {"OK", "OK", "OK", "OK", "OK"}},
                   "\"OK\" of the marker");
    script_refused(&(struct script){.versions = {young}, .scans = {"ok", "", "", "", ""}}, "nonsense");
    script_refused(&(struct script){.versions = {young}, .scans = {"It broke ERROR", "", "", "", ""}}, "It broke");
}

static void settings_are_checked(void **state)
{
    const struct scanner_settings many = {.sockets = "/1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11 /12 /13 /14 /15 /16 /17",
                                          .marker_file = ""};
    const struct scanner_settings absent = {.sockets = "/1", .marker_file = "/nowhere/at/all"};
    const struct scanner_settings empty = {.sockets = "/1", .marker_file = "/dev/null"};
    struct scanner *scanner;

    (void)state;
    assert_refused(scanner_new(&many, &scanner, err), E_CONFIG, "At most 16");
    assert_refused(scanner_new(&absent, &scanner, err), E_CONFIG, "scan.probe_marker");
    assert_refused(scanner_new(&empty, &scanner, err), E_CONFIG, "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proven_clamd_is_lent),
        cmocka_unit_test(t42_a_base_without_a_date_is_refused_unless_allowed),
        cmocka_unit_test(t36_a_clamd_that_calls_the_deep_clean_is_never_lent),
        cmocka_unit_test(t41_an_absent_clamd_is_named_and_used_when_it_comes),
        cmocka_unit_test(t41_a_suspended_clamd_is_noticed),
        cmocka_unit_test(t41_one_that_was_suspended_before_is_noticed),
        cmocka_unit_test(t41_what_runs_on_a_clamd_that_is_restarted_is_lost),
        cmocka_unit_test(the_least_busy_of_two_is_taken),
        cmocka_unit_test(t42_an_old_base_is_refused),
        cmocka_unit_test(t42_a_young_base_is_taken_and_told),
        cmocka_unit_test(a_changed_base_is_proven_anew),
        cmocka_unit_test(t41_nonsense_is_never_proven),
        cmocka_unit_test(settings_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
