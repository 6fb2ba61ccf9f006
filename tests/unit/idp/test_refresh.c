/* Refresh tokens: rotation, reuse, the one repetition, ends, and the journal through restarts, kills and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "idp/refresh.h"

#define CLIENT "airlock-cli"

static char directory[32];
static char *path;
static struct refresh_store *store;
static struct refresh_now now;

static bool open_store(void)
{
    struct error err = {0};
    bool forgotten = false;
    if (refresh_store_open(path, now.s, &store, &forgotten, &err) != 0)
        fail_msg("%s", err.detail);
    return forgotten;
}

static bool restart(void)
{
    refresh_store_close(store);
    return open_store();
}

static int begin(void **state)
{
    (void)state;
    (void)str_copy(directory, sizeof directory, "/tmp/airlock-refresh-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    path = xasprintf("%s/refresh", directory);
    now = (struct refresh_now){.s = 1000, .ms = 5000000};
    return open_store();
}

static int end(void **state)
{
    (void)state;
    refresh_store_close(store);
    free(path);
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

static char *begin_family(const char *oid, const char *session)
{
    struct refresh_grant grant = {
        .client_id = CLIENT, .scope = "api://a/.default", .auth_time_s = 900, .expires_s = 2000};
    char *token = NULL;
    struct error err = {0};
    assert_true(str_copy(grant.oid, sizeof grant.oid, oid) && str_copy(grant.session, sizeof grant.session, session));
    if (refresh_begin(store, &grant, now.s, &token, &err) != 0)
        fail_msg("%s", err.detail);
    return token;
}

static int turn(const char *token, char **ret)
{
    struct refresh_grant grant;
    return refresh_turn(store, token, CLIENT, now, ret, &grant, NULL);
}

static char *turned(const char *token)
{
    char *next = NULL;
    assert_int_equal(turn(token, &next), 0);
    return next;
}

static void refused(const char *token, int wanted)
{
    char *none = NULL;
    assert_int_equal(turn(token, &none), wanted);
    assert_null(none);
}

static void each_use_gives_the_next(void **state)
{
    (void)state;
    struct refresh_grant grant;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FREE char *second = turned(first);
    AUTO_FREE char *third = turned(second);
    assert_string_not_equal(first, second);
    assert_string_not_equal(second, third);
    assert_int_equal(strlen(third), 64);
    assert_int_equal(refresh_check(store, third, CLIENT, now, &grant, NULL), 0);
    assert_int_equal(refresh_check(store, third, CLIENT, now, &grant, NULL), 0); /* a look spends nothing */
    assert_string_equal(grant.oid, "alice");
    assert_string_equal(grant.scope, "api://a/.default");
    assert_string_equal(grant.session, "s");
    assert_int_equal(grant.auth_time_s, 900);
}

static void a_spent_token_ends_its_family(void **state)
{
    (void)state;
    struct refresh_grant grant;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FREE char *other = begin_family("alice", "s");
    AUTO_FREE char *second = turned(first);
    AUTO_FREE char *third = turned(second);
    assert_int_equal(refresh_check(store, first, CLIENT, now, &grant, NULL), E_STALE); /* not the last: no repetition */
    assert_string_equal(grant.oid, "alice");
    refused(third, E_INVALID);
    refused(first, E_INVALID);
    free(turned(other));
}

static void a_lost_answer_may_be_asked_for_again(void **state)
{
    (void)state;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FREE char *second = turned(first);
    now.ms += REFRESH_REPEAT_MS - 1;
    AUTO_FREE char *again = turned(first);
    assert_string_equal(second, again); /* the very same: there is one live token */
    AUTO_FREE char *third = turned(second);
    refused(first, E_STALE); /* its successor was used */
    refused(third, E_INVALID);
}

static void but_not_later(void **state)
{
    (void)state;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FREE char *second = turned(first);
    now.ms += REFRESH_REPEAT_MS;
    refused(first, E_STALE);
    refused(second, E_INVALID);
}

static void tokens_belong_to_a_client_and_a_time(void **state)
{
    (void)state;
    struct refresh_grant grant;
    char *none = NULL;
    AUTO_FREE char *token = begin_family("alice", "s");
    assert_int_equal(refresh_turn(store, token, "airlock-web", now, &none, &grant, NULL), E_INVALID);
    now.s = 1999;
    AUTO_FREE char *next = turned(token); /* another client's try has harmed nothing */
    now.s = 2000;
    refused(next, E_INVALID);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    AUTO_FREE char *token = begin_family("alice", "s");
    AUTO_FREE char *longer = xasprintf("%sA", token), *cut = xstrndup(token, 63);
    AUTO_FREE char *other = xstrdup(token);
    other[2] = other[2] == 'A' ? 'B' : 'A'; /* another family */
    const char *const bad[] = {"",  "x",   longer,
                               cut, other, "................................................................"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(bad[i], E_INVALID);
    free(turned(token));
}

static void spent_stays_spent_through_restarts(void **state)
{
    (void)state;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FREE char *second = turned(first);
    assert_false(restart());
    AUTO_FREE char *third = turned(second);
    AUTO_FREE char *other = begin_family("bob", "t");
    assert_false(restart());
    refused(second, E_STALE); /* the repetition is not for after a restart */
    refused(third, E_INVALID);
    assert_false(restart());
    refused(third, E_INVALID);
    free(turned(other));
}

static void ends_are_for_good(void **state)
{
    (void)state;
    struct refresh_grant grant;
    unsigned ended = 0;
    AUTO_FREE char *revoked = begin_family("alice", "s"), *spent = begin_family("alice", "s");
    AUTO_FREE char *one = begin_family("bob", "s"), *two = begin_family("bob", "s"), *other = begin_family("bob", "t");
    free(turned(spent));
    assert_int_equal(refresh_revoke(store, revoked, "airlock-web", &grant, NULL), E_INVALID);
    assert_int_equal(refresh_revoke(store, revoked, CLIENT, &grant, NULL), 0);
    assert_int_equal(refresh_revoke(store, revoked, CLIENT, &grant, NULL), E_NOT_FOUND);
    assert_int_equal(refresh_revoke(store, spent, CLIENT, &grant, NULL), 0);
    assert_int_equal(refresh_revoke(store, "nonsense", CLIENT, &grant, NULL), E_NOT_FOUND);
    assert_int_equal(refresh_end_session(store, "bob", "s", &ended, NULL), 0);
    assert_int_equal(ended, 2);
    for (int i = 0; i < 2; i++) {
        refused(revoked, E_INVALID);
        refused(spent, E_INVALID);
        refused(one, E_INVALID);
        refused(two, E_INVALID);
        assert_false(restart());
    }
    free(turned(other));
}

static void a_person_has_so_many(void **state)
{
    (void)state;
    char *tokens[REFRESH_PER_PERSON + 1];
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        tokens[i] = begin_family("alice", "s");
    unsigned dead = 0;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        char *next = NULL;
        dead += turn(tokens[i], &next) != 0;
        free(next);
        free(tokens[i]);
    }
    assert_int_equal(dead, 1);
}

/* Where the records are just now. */
static int active_file(size_t *ret_len)
{
    for (unsigned i = 0; i < 2; i++) {
        AUTO_FREE char *name = xasprintf("%s.%u", path, i);
        struct stat st;
        int fd = open(name, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        *ret_len = (size_t)st.st_size;
        if (st.st_size > 0)
            return fd;
        (void)close(fd);
    }
    fail_msg("no file has records");
    return -1;
}

/* A kill or a power cut at any byte of the last record: it is all there or not at all. */
static void a_torn_tail_was_never_written(void **state)
{
    (void)state;
    size_t before, after;
    AUTO_FREE char *first = begin_family("alice", "s");
    AUTO_FD int probe = active_file(&before);
    AUTO_FREE char *second = turned(first);
    AUTO_FD int fd = active_file(&after);
    assert_true(after > before);
    AUTO_FREE char *bytes = xcalloc(1, after);
    assert_int_equal(pread(fd, bytes, after, 0), (ssize_t)after);
    refresh_store_close(store);
    for (size_t cut = before; cut <= after; cut++) {
        for (unsigned i = 0; i < 2; i++) {
            AUTO_FREE char *name = xasprintf("%s.%u", path, i);
            AUTO_FD int file = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);
            assert_true(file >= 0 && (i == 1 || file_write_all(file, bytes, cut, NULL) == 0));
        }
        assert_false(open_store());
        char *next = NULL;
        assert_int_equal(turn(cut < after ? first : second, &next), 0);
        free(next);
        if (cut < after)
            refused(second, E_STALE); /* it was never handed out */
        else
            refused(first, E_STALE);
        refresh_store_close(store);
    }
    assert_false(open_store());
}

/* Damage elsewhere is not guessed about: every token is dead, and new ones work. */
static void damage_voids_everything(void **state)
{
    (void)state;
    size_t len;
    AUTO_FREE char *token = begin_family("alice", "s");
    AUTO_FREE char *next = turned(token);
    {
        AUTO_FD int fd = active_file(&len);
        assert_int_equal(pwrite(fd, "#", 1, (off_t)len / 2), 1);
    }
    assert_true(restart());
    refused(next, E_INVALID);
    AUTO_FREE char *fresh = begin_family("alice", "s");
    assert_false(restart());
    free(turned(fresh));
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct refresh_store *none = NULL;
    bool forgotten;
    AUTO_FREE char *name = xasprintf("%s.1", path);
    assert_int_equal(chmod(name, 0640), 0);
    assert_int_equal(refresh_store_open(path, now.s, &none, &forgotten, NULL), E_CONFIG);
    assert_null(none);
    assert_int_equal(chmod(name, 0600), 0);
}

/* Many turns make the journal long; it becomes short again under way, and nothing is lost. */
static void the_journal_stays_small(void **state)
{
    (void)state;
    size_t len, longest = 0;
    AUTO_FREE char *token = begin_family("alice", "s");
    for (int i = 0; i < 12000; i++) {
        char *next = turned(token);
        free(token);
        token = next;
        if (i % 500 == 0) {
            AUTO_FD int fd = active_file(&len);
            longest = len > longest ? len : longest;
        }
    }
    assert_true(longest > 100000 && longest < 1500000);
    assert_false(restart());
    free(turned(token));
}

/* A process that is killed while it turns tokens: whatever it has handed out counts, and what it spent stays spent. */
static void a_kill_between_rotations_revives_nothing(void **state)
{
    (void)state;
    AUTO_FREE char *token = begin_family("alice", "s");
    AUTO_FREE char *spent = NULL;
    for (int round = 0; round < 20; round++) {
        int pipe_fds[2];
        assert_int_equal(pipe(pipe_fds), 0);
        refresh_store_close(store);
        pid_t child = fork();
        if (child == 0) {
            bool forgotten;
            char *next = NULL;
            if (refresh_store_open(path, now.s, &store, &forgotten, NULL) != 0)
                _exit(1);
            for (;; token = next)
                if (turn(token, &next) != 0 || write(pipe_fds[1], next, 64) != 64)
                    _exit(1);
        }
        (void)close(pipe_fds[1]);
        char handed[64 + 1] = "", last[64 + 1] = "";
        for (int i = 0; i < 3 + round; i++) { /* then it dies somewhere in the next turn */
            memcpy(last, handed, sizeof last);
            assert_int_equal(read(pipe_fds[0], handed, 64), 64);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        char more[64 + 1] = "";
        while (read(pipe_fds[0], more, 64) == 64) { /* what was handed out before it died counts */
            memcpy(last, handed, sizeof last);
            memcpy(handed, more, sizeof handed);
        }
        (void)close(pipe_fds[0]);
        assert_false(open_store());
        free(spent);
        spent = xstrdup(last);
        char *next = NULL;
        int r = turn(handed, &next); /* unless the turn that nobody saw the end of was written down already */
        assert_true(r == 0 || r == E_STALE);
        refused(spent, r == 0 ? E_STALE : E_INVALID);
        free(next);
        free(token);
        token = begin_family("alice", "s");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(each_use_gives_the_next),
        TEST(a_spent_token_ends_its_family),
        TEST(a_lost_answer_may_be_asked_for_again),
        TEST(but_not_later),
        TEST(tokens_belong_to_a_client_and_a_time),
        TEST(nonsense_is_refused),
        TEST(spent_stays_spent_through_restarts),
        TEST(ends_are_for_good),
        TEST(a_person_has_so_many),
        TEST(a_torn_tail_was_never_written),
        TEST(damage_voids_everything),
        TEST(a_file_that_others_may_read_is_refused),
        TEST(the_journal_stays_small),
        TEST(a_kill_between_rotations_revives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
