/* Mail to a server of this test's own, which answers as it is told: what becomes of it, and that none of it holds
 * others up. tests/e2e/mail.test.mjs has a real one, with TLS and a log-in. */
#include "../check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "notify/mail.h"

#define PATIENCE_MS 20000
#define SEEN_MAX (64 * 1024)
#define HANG "hang" /* an answer that never comes */

/* What the server says to each command; NULL: what a good one says. */
struct script {
    const char *greeting, *ehlo, *mail, *rcpt, *data, *content, *quit;
};

struct server {
    int listener;
    unsigned port;
    pthread_t thread;
    struct script script;
    char seen[SEEN_MAX]; /* all that it was told */
    size_t len;
    int connections;
};

static bool say(int fd, const char *line, const char *usual)
{
    char byte;

    line = line ? line : usual;
    if (strcmp(line, HANG) == 0) {
        (void)!read(fd, &byte, 1); /* until the other end has had enough */
        return false;
    }
    AUTO_FREE char *bytes = xasprintf("%s\r\n", line);
    return send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) == (ssize_t)strlen(bytes);
}

/* The next line, kept in seen; NULL at the end. */
static const char *hear(struct server *s, int fd)
{
    size_t begin = s->len;

    while (s->len < SEEN_MAX - 1 && read(fd, s->seen + s->len, 1) == 1)
        if (s->seen[s->len++] == '\n')
            return s->seen + begin;
    return NULL;
}

static bool take_content(struct server *s, int fd)
{
    const char *line;

    while ((line = hear(s, fd)))
        if (str_starts(line, ".\r\n"))
            return say(fd, s->script.content, "250 queued");
    return false;
}

static void converse(struct server *s, int fd)
{
    const struct script *script = &s->script;
    bool more = say(fd, script->greeting, "220 here");
    const char *line;

    while (more && (line = hear(s, fd))) {
        if (str_starts(line, "EHLO"))
            more = say(fd, script->ehlo, "250 here");
        else if (str_starts(line, "MAIL"))
            more = say(fd, script->mail, "250 ok");
        else if (str_starts(line, "RCPT"))
            more = say(fd, script->rcpt, "250 ok");
        else if (str_starts(line, "DATA"))
            more = say(fd, script->data, "354 go on") && (script->data || take_content(s, fd));
        else
            more = say(fd, script->quit, "221 bye") && false;
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;

    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        s->connections++;
        converse(s, fd);
        (void)close(fd);
    }
}

static void server_start(struct server *s, const struct script *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    *s = (struct server){.script = *script, .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
}

struct end {
    int count;
    char outcome[20], detail[MAIL_DETAIL_MAX];
    bool reached;
};

static void on_done(void *ctx, const struct mail_outcome *outcome)
{
    struct end *end = ctx;

    end->count++;
    end->reached = outcome->reached;
    assert_true(str_copy(end->outcome, sizeof end->outcome, outcome->outcome));
    assert_true(str_copy(end->detail, sizeof end->detail, outcome->detail));
}

static struct mail *mail_at(const char *url, int64_t timeout_ms)
{
    struct mail_config config = {.smtp_url = url,
                                 .from = "airlock <airlock@example.org>",
                                 .username = "",
                                 .password_file = "",
                                 .ca_file = "",
                                 .templates = "",
                                 .timeout_ms = timeout_ms};
    struct mail *mail = NULL;

    assert_int_equal(mail_new(&config, &mail, NULL), 0);
    return mail;
}

static json_t *delivery_to(const char *address)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s, s:s}}", "message", "r.1", "to", "address", address, "name",
                     "Bob", "template", "status", "data", "request_id", "r", "status", "in_review", "title", "T");
}

static void begin(struct mail *mail, const char *address, struct end *end)
{
    AUTO_JSON json_t *delivery = delivery_to(address);
    mail_begin(mail, delivery, on_done, end);
}

/* As the loop of airlock-notify does: nothing but the descriptor says when there is something to do. */
static void wait_for(struct mail *mail, const struct end *end, int count)
{
    for (int64_t until = clock_mono_ms() + PATIENCE_MS; end->count < count && clock_mono_ms() < until;) {
        struct pollfd fd = {.fd = mail_fd(mail), .events = POLLIN};
        if (poll(&fd, 1, 100) > 0)
            mail_turn(mail);
    }
    assert_int_equal(end->count, count);
}

static struct server server; /* of the running test */

static struct end sent_to(const char *address, const struct script *script, int64_t timeout_ms)
{
    struct end end = {0};

    server_start(&server, script);
    AUTO_FREE char *url = xasprintf("smtp://127.0.0.1:%u", server.port);
    struct mail *mail = mail_at(url, timeout_ms);
    begin(mail, address, &end);
    wait_for(mail, &end, 1);
    mail_free(mail);
    server_stop(&server);
    return end;
}

#define SENT(...) sent_to("bob@example.org", &(struct script){__VA_ARGS__}, 0)

static void what_is_taken_is_delivered(void **state)
{
    (void)state;
    struct end end = SENT(.greeting = "220 here");

    assert_string_equal(end.outcome, "delivered");
    assert_string_equal(end.detail, "");
    assert_non_null(strstr(server.seen, "MAIL FROM:<airlock@example.org>"));
    assert_non_null(strstr(server.seen, "RCPT TO:<bob@example.org>\r\nDATA\r\n"));
    assert_non_null(strstr(server.seen, "\r\nMessage-ID: <r.1@example.org>\r\n"));
    assert_non_null(strstr(server.seen, "\r\nX-Airlock-Status: in_review\r\n"));
    assert_non_null(strstr(server.seen, "\r\nStatus: in_review\r\n"));
}

static void what_another_try_may_mend_has_failed(void **state)
{
    (void)state;
    static const struct {
        struct script script;
        const char *told;
    } ROWS[] = {
        {{.greeting = "421 too busy"}, "421"},
        {{.mail = "451 4.3.0 later"}, "the mail server says: 451 4.3.0 later"},
        {{.mail = "550 not from you"}, "the mail server says: 550 not from you"},
        {{.rcpt = "450 4.2.1 greylisted"}, "the mail server says: 450 4.2.1 greylisted"},
        {{.rcpt = "530 sign in first"}, "the mail server says: 530 sign in first"},
        {{.content = "452 4.3.1 full"}, "the mail server says: 452 4.3.1 full"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct end end = sent_to("bob@example.org", &ROWS[i].script, 0);
        assert_string_equal(end.outcome, "failed");
        assert_true(end.reached);
        if (!strstr(end.detail, ROWS[i].told))
            fail_msg("\"%s\" does not say \"%s\"", end.detail, ROWS[i].told);
    }
}

static void what_no_try_mends_is_refused(void **state)
{
    (void)state;
    static const struct script SCRIPTS[] = {
        {.rcpt = "550-5.1.1 no such\r\n550 5.1.1 user"}, {.data = "554 5.1.1 user"}, {.content = "552 5.1.1 user"}};

    for (size_t i = 0; i < ARRAY_LEN(SCRIPTS); i++) {
        struct end end = sent_to("bob@example.org", &SCRIPTS[i], 0);
        assert_string_equal(end.outcome, "refused");
        assert_non_null(strstr(end.detail, " 5.1.1 user"));
    }
}

static void nobody_there_has_failed(void **state)
{
    (void)state;
    struct end end = {0};
    struct mail *mail = mail_at("smtp://127.0.0.1:1", 0);

    begin(mail, "bob@example.org", &end);
    wait_for(mail, &end, 1);
    assert_string_equal(end.outcome, "failed");
    assert_false(end.reached);
    assert_true(*end.detail);
    mail_free(mail);
}

static void a_server_that_hangs_has_its_time(void **state)
{
    (void)state;
    static const struct script SCRIPTS[] = {{.greeting = HANG}, {.ehlo = HANG}, {.rcpt = HANG}, {.content = HANG}};

    for (size_t i = 0; i < ARRAY_LEN(SCRIPTS); i++) {
        int64_t began = clock_mono_ms();
        struct end end = sent_to("bob@example.org", &SCRIPTS[i], 200);
        assert_string_equal(end.outcome, "failed");
        assert_true(clock_mono_ms() - began < 5000);
    }
}

/* libcurl waits for the answer to QUIT and lets nobody else on meanwhile: not for long. */
static void a_farewell_is_not_waited_for(void **state)
{
    (void)state;
    int64_t began = clock_mono_ms();
    struct end end = SENT(.rcpt = "550 no", .quit = HANG);

    assert_string_equal(end.outcome, "refused");
    assert_true(clock_mono_ms() - began < 5000);
}

static void what_the_server_says_is_made_printable(void **state)
{
    (void)state;
    AUTO_STR struct str line = STR_INIT(2000);

    str_append(&line, "550 \x1B[31m\xE2\x80\xAE \xFF ");
    for (int i = 0; i < 900; i++)
        str_append_char(&line, 'x');
    struct end end = SENT(.rcpt = str_text(&line));
    assert_string_equal(end.outcome, "refused");
    assert_non_null(strstr(end.detail, "550  [31m  ? xxx"));
    assert_true(strlen(end.detail) < MAIL_DETAIL_MAX);
}

static void beyond_ascii_only_where_the_server_takes_it(void **state)
{
    (void)state;
    static const struct script WITHOUT = {.ehlo = "250-here\r\n250 8BITMIME"},
                               WITH = {.ehlo = "250-here\r\n250-8BITMIME\r\n250 SMTPUTF8"};

    struct end end = sent_to("j\xC3\xB6rg@example.org", &WITHOUT, 0);
    assert_string_equal(end.outcome, "refused");
    assert_non_null(strstr(end.detail, "SMTPUTF8"));
    assert_null(strstr(server.seen, "RCPT"));
    end = sent_to("j\xC3\xB6rg@example.org", &WITH, 0);
    assert_string_equal(end.outcome, "delivered");
    assert_non_null(strstr(server.seen, " SMTPUTF8\r\n"));
    assert_non_null(strstr(server.seen, "RCPT TO:<j\xC3\xB6rg@example.org>"));
}

static void t63_a_hostile_address_is_refused_unsent(void **state)
{
    (void)state;
    struct end end = sent_to("bob@example.org>\r\nRCPT TO:<mallory@example.org", &(struct script){0}, 0);

    assert_string_equal(end.outcome, "refused");
    assert_non_null(strstr(end.detail, "the address has a character that no address has"));
    assert_int_equal(server.connections, 0);
}

static void an_unknown_template_is_refused(void **state)
{
    (void)state;
    struct mail *mail = mail_at("smtp://127.0.0.1:1", 0);
    AUTO_JSON json_t *delivery = delivery_to("bob@example.org");
    struct end end = {0};

    json_object_set_new(delivery, "template", json_string("nothing"));
    mail_begin(mail, delivery, on_done, &end);
    assert_string_equal(end.outcome, "refused");
    assert_string_equal(end.detail, "no template is called nothing");
    assert_true(mail_has_room(mail));
    mail_free(mail);
}

static void room_and_connections_are_shared(void **state)
{
    (void)state;
    struct end end = {0}, over = {0};

    server_start(&server, &(struct script){0});
    AUTO_FREE char *url = xasprintf("smtp://127.0.0.1:%u", server.port);
    struct mail *mail = mail_at(url, 0);
    begin(mail, "bob@example.org", &end);
    wait_for(mail, &end, 1);
    begin(mail, "bob@example.org", &end);
    wait_for(mail, &end, 2);
    assert_int_equal(server.connections, 1); /* kept open */
    for (int i = 0; i < MAIL_ROOM; i++) {
        assert_true(mail_has_room(mail));
        begin(mail, "bob@example.org", &end);
    }
    assert_false(mail_has_room(mail));
    begin(mail, "bob@example.org", &over);
    assert_string_equal(over.outcome, "failed");
    mail_free(mail); /* with mails under way */
    assert_int_equal(end.count, 2);
    server_stop(&server);
}

static void mistakes_of_the_settings(void **state)
{
    (void)state;
    char path[] = "/tmp/airlock-password-XXXXXX";
    int fd = mkstemp(path);
    struct mail_config config = {.smtp_url = "smtp://mail.example.org",
                                 .from = "a@b",
                                 .username = "u",
                                 .password_file = path,
                                 .ca_file = "",
                                 .templates = ""};
    struct mail *mail = NULL;

    assert_int_equal(fchmod(fd, 0644), 0);
    assert_refused(mail_new(&config, &mail, err), E_CONFIG, "mail.password_file cannot be used");
    (void)unlink(path);
    (void)close(fd);
    config.password_file = "";
    config.ca_file = "/nowhere";
    assert_refused(mail_new(&config, &mail, err), E_CONFIG, "mail.ca_file");
    config.ca_file = "";
    config.templates = "/nowhere";
    assert_refused(mail_new(&config, &mail, err), E_CONFIG, "/nowhere");
    config.templates = "";
    config.from = "";
    assert_refused(mail_new(&config, &mail, err), E_CONFIG, "mail.from must be");
    config.smtp_url = "http://x";
    assert_refused(mail_new(&config, &mail, err), E_CONFIG, "mail.smtp_url must be");
    assert_int_equal(mail_fd(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_delivered),
        cmocka_unit_test(what_another_try_may_mend_has_failed),
        cmocka_unit_test(what_no_try_mends_is_refused),
        cmocka_unit_test(nobody_there_has_failed),
        cmocka_unit_test(a_server_that_hangs_has_its_time),
        cmocka_unit_test(a_farewell_is_not_waited_for),
        cmocka_unit_test(what_the_server_says_is_made_printable),
        cmocka_unit_test(beyond_ascii_only_where_the_server_takes_it),
        cmocka_unit_test(t63_a_hostile_address_is_refused_unsent),
        cmocka_unit_test(an_unknown_template_is_refused),
        cmocka_unit_test(room_and_connections_are_shared),
        cmocka_unit_test(mistakes_of_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
