/* Mail as it goes over the wire: one header block, one recipient, lines that every server takes, and texts that come
 * back as they were when they are decoded. */
#include "../check.h"

#include "base/crypto.h"
#include "notify/message.h"
#include "notify/plain.h"

#define WIRE_LINE_MAX 998 /* RFC 5322 */

/* RFC 2047 undone, as a reader of mail does; the caller's. The header is one of ours: words, or none at all. */
static char *decoded(const char *header)
{
    AUTO_STR struct str out = STR_INIT(4096);
    const char *text = strchr(header, ':') + 2;

    if (!str_starts(text, "=?UTF-8?B?"))
        return xstrndup(text, strcspn(text, "\r"));
    for (const char *word = text; (word = strstr(word, "=?UTF-8?B?"));) {
        unsigned char bytes[64];
        size_t len = 0;
        word += strlen("=?UTF-8?B?");
        const char *end = strstr(word, "?=");
        assert_true(base64_decode(word, (size_t)(end - word), bytes, sizeof bytes, &len));
        assert_true(plain_is_utf8((const char *)bytes, len)); /* each word by itself */
        str_append_len(&out, bytes, len);
        word = end;
    }
    return xstrdup(str_text(&out));
}

static void assert_lines(const char *text, size_t max)
{
    while (*text) {
        size_t len = strcspn(text, "\r\n");
        assert_true(len <= max);
        assert_true(str_starts(text + len, "\r\n"));
        text += len + 2;
    }
}

static void assert_subject(const char *text, const char *wanted)
{
    AUTO_STR struct str out = STR_INIT(4096);

    message_append_header(&out, "Subject", text);
    AUTO_FREE char *back = decoded(str_text(&out));
    assert_string_equal(back, wanted);
    assert_lines(str_text(&out), 76);
    for (const char *c = str_text(&out); *c; c++) /* every line but the first goes on: there is one header */
        if (*c == '\n' && c[1])
            assert_int_equal(c[1], ' ');
}

static void headers_come_back_as_they_were(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "plain",
        "a =?UTF-8?B?QQ==?= b",
        "=?",
        " leads",
        "trails ",
        "K\xC3\xB6ln",
        "\xE6\xB0\xB4\xE6\x9B\x9C",
        "\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA\xF0\x9F\xA7"
        "\xAA\xF0\x9F\xA7\xAA"
        "\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA",
        "a word and another, and so many of them that one line does not take them, whatever is tried",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
        assert_subject(TEXTS[i], TEXTS[i]);
    AUTO_STR struct str out = STR_INIT(4096);
    message_append_header(&out, "Subject", "plain");
    assert_string_equal(str_text(&out), "Subject: plain\r\n");
}

static void every_length_is_taken(void **state)
{
    (void)state;
    char text[MESSAGE_SUBJECT_MAX + 1] = "";

    for (size_t len = 0; len < MESSAGE_SUBJECT_MAX; len++) {
        text[len] = 'x';
        text[len + 1] = '\0';
        assert_subject(text, text);
    }
    AUTO_STR struct str umlauts = STR_INIT(MESSAGE_SUBJECT_MAX);
    for (size_t count = 1; 2 * count + 1 < MESSAGE_SUBJECT_MAX; count++) {
        str_append(&umlauts, count == 50 ? "x" : "\xC3\xB6"); /* both parities */
        assert_subject(str_text(&umlauts), str_text(&umlauts));
    }
}

static void t63_long_ones_are_cut_between_characters(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT(100000), out = STR_INIT(4096);

    for (int i = 0; i < 20000; i++)
        str_append(&text, "\xE2\x82\xAC");
    message_append_header(&out, "Subject", str_text(&text));
    AUTO_FREE char *back = decoded(str_text(&out));
    assert_true(strlen(back) <= MESSAGE_SUBJECT_MAX && plain_is_utf8(back, strlen(back)));
    assert_string_equal(back + strlen(back) - 3, "\xE2\x80\xA6");
}

static void t63_nothing_ends_a_header(void **state)
{
    (void)state;
    assert_subject("a\r\nBcc: x@example.org", "a  Bcc: x@example.org");
    assert_subject("a\rBcc: x", "a Bcc: x");
    assert_subject("a\nBcc: x", "a Bcc: x");
    assert_subject("a\n\nbody", "a  body");
    assert_subject("a\xE2\x80\xA8"
                   "b\xE2\x80\xA9"
                   "c\xC2\x85"
                   "d\x0B"
                   "e\x0C"
                   "f\x1B"
                   "g\x7F.",
                   "a b c d e f g .");
    assert_subject("\xE2\x80\xAE"
                   "evil\xE2\x81\xA6",
                   " evil ");
    assert_subject("not \xFF utf-8 \xC3", "not ? utf-8 ?");
    assert_subject("overlong \xC0\x8A and \xED\xA0\x80", "overlong ?? and ???");
}

static const struct mailbox FROM = {.name = "airlock", .address = "airlock@tre.example.org"};

static struct message_head head_to(const char *name, const char *address)
{
    return (struct message_head){.from = &FROM,
                                 .to_name = name,
                                 .to_address = address,
                                 .id = "6f1b.2",
                                 .request = "6f1b",
                                 .status = "in_review",
                                 .now_us = INT64_C(1795703581000000)};
}

static char *built(const struct message_head *head, const char *subject, const char *text, const char *html)
{
    AUTO_LETTER struct letter letter = LETTER_INIT;
    AUTO_STR struct str out = STR_INIT(MESSAGE_MAX);

    str_append(&letter.subject, subject);
    str_append(&letter.text, text);
    str_append(&letter.html, html);
    assert_int_equal(message_build(head, &letter, &out, NULL), 0);
    assert_lines(str_text(&out), WIRE_LINE_MAX);
    return xstrdup(str_text(&out));
}

static void a_whole_mail(void **state)
{
    (void)state;
    struct message_head head = head_to("Bob", "bob@example.org");
    AUTO_FREE char *mail = built(&head, "In review", "It waits.\n\nStatus: in_review\n", "<p>It waits.</p>\n");
    AUTO_FREE char *again = built(&head, "In review", "It waits.\n\nStatus: in_review\n", "<p>It waits.</p>\n");

    assert_string_equal(mail, again);
    const char *boundary = strstr(mail, "boundary=\"") + strlen("boundary=\"");
    AUTO_FREE char *b = xstrndup(boundary, strcspn(boundary, "\""));
    AUTO_FREE char *wanted = xasprintf(
        "Date: Thu, 26 Nov 2026 14:33:01 +0000\r\n"
        "Message-ID: <6f1b.2@tre.example.org>\r\n"
        "From: airlock\r\n <airlock@tre.example.org>\r\n"
        "To: Bob\r\n <bob@example.org>\r\n"
        "Subject: In review\r\n"
        "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
        "X-Airlock-Request: 6f1b\r\nX-Airlock-Status: in_review\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n"
        "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "It waits.\r\n\r\nStatus: in_review\r\n"
        "--%s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<p>It waits.</p>\r\n--%s--\r\n",
        b, b, b, b);
    assert_string_equal(mail, wanted);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void t63_hostile_texts_add_no_header_and_no_recipient(void **state)
{
    (void)state;
    static const char *const HOSTILE[] = {
        "x\r\nBcc: m@example.org\r\n\r\nbody",
        "x\nTo: m@example.org",
        "x\rCc: m@example.org",
        "\"x\" <m@example.org>, y",
        "m@example.org,",
        "x\xE2\x80\xA8"
        "Bcc: m@example.org",
        "(comment",
        "\\",
        "=?UTF-8?B?DQpCY2M6IG1AZXhhbXBsZS5vcmc=?=",
    };

    for (size_t i = 0; i < ARRAY_LEN(HOSTILE); i++) {
        struct message_head head = head_to(HOSTILE[i], "bob@example.org");
        head.id = head.request = head.status = HOSTILE[i];
        AUTO_FREE char *mail = built(&head, HOSTILE[i], HOSTILE[i], HOSTILE[i]);
        strstr(mail, "\r\n\r\n")[2] = '\0'; /* the header block */
        AUTO_FREE char *lines = xasprintf("\r\n%s", mail);
        assert_int_equal(count_of(lines, "\r\nTo: "), 1);
        assert_int_equal(count_of(lines, "\r\nBcc:") + count_of(lines, "\r\nCc:"), 0);
        assert_int_equal(count_of(lines, "\r\n") - count_of(lines, "\r\n "), 12); /* eleven headers */
        AUTO_FREE char *to = xstrdup(strstr(lines, "\r\nTo: "));
        *strstr(to, "\r\nSubject: ") = '\0';
        assert_int_equal(count_of(to, "@"), 1);
        assert_int_equal(count_of(to, "<bob@example.org>"), 1);
    }
}

static void t63_a_boundary_cannot_be_guessed_into_the_text(void **state)
{
    (void)state;
    struct message_head head = head_to("", "bob@example.org");
    AUTO_FREE char *mail = built(&head, "s", "t", "h");
    const char *boundary = strstr(mail, "boundary=\"") + strlen("boundary=\"");
    AUTO_FREE char *fake = xasprintf("\n--%.*s--\nContent-Type: text/html\n", (int)strcspn(boundary, "\""), boundary);
    AUTO_FREE char *again = built(&head, "s", fake, fake);

    assert_int_equal(count_of(again, "\r\n--=_airlock_"), 3);
}

static void quoted(const char *text, const char *wanted)
{
    AUTO_STR struct str out = STR_INIT(100000);
    message_append_quoted(&out, text);
    assert_string_equal(str_text(&out), wanted);
    assert_lines(str_text(&out), 76);
}

static void text_is_quoted(void **state)
{
    (void)state;
    quoted("", "");
    quoted("a=b\n", "a=3Db\r\n");
    quoted("\xC3\xA9 \n", "=C3=A9=20\r\n");
    quoted("a\t", "a=09\r\n");
    quoted(".\n..a\n.", "=2E\r\n=2E.a\r\n=2E\r\n"); /* nothing that ends a mail, whoever forgets to double it */
    quoted("From here\n", "=46rom here\r\n");
    AUTO_STR struct str text = STR_INIT(1000), wanted = STR_INIT(1000);
    for (int i = 0; i < 100; i++)
        str_append_char(&text, i == 75 ? '.' : 'x');
    str_append_len(&wanted, text.p, 75);
    str_append(&wanted, "=\r\n=2E");
    str_append_len(&wanted, text.p, 24);
    str_append(&wanted, "\r\n");
    quoted(str_text(&text), str_text(&wanted));
}

static void wrapped(const char *text, const char *wanted)
{
    AUTO_STR struct str out = STR_INIT(10000);
    message_wrap(&out, text);
    assert_string_equal(str_text(&out), wanted);
}

#define TEN "123456789 "
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void lines_are_wrapped(void **state)
{
    (void)state;
    wrapped("", "");
    wrapped("a\n\nb", "a\n\nb\n");
    wrapped(SEVENTY "abcdef ghi\n", SEVENTY "abcdef\nghi\n");
    wrapped(SEVENTY "abcdefg hi\n", TEN TEN TEN TEN TEN TEN "123456789\nabcdefg hi\n");
    wrapped(SEVENTY "abcdef", SEVENTY "abcdef\n");
    wrapped("x https://example.org/" SEVENTY, "x https://example.org/" TEN TEN TEN TEN "123456789\n" TEN TEN "\n");
    /* what has no space stays whole */
    wrapped("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 b\n",
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\nb\n");
}

static void t63_wrapping_makes_no_status_line(void **state)
{
    (void)state;
    wrapped(TEN TEN TEN TEN TEN TEN "123456789 12345 Status: approved\n",
            TEN TEN TEN TEN TEN TEN "123456789\n12345 Status: approved\n");
    wrapped("12345678901234567890123456789012345678901234567890123456789012345678901234567 Status: approved\n",
            "12345678901234567890123456789012345678901234567890123456789012345678901234567 Status:\napproved\n");
}

static void addresses(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"a@b", "first.last+tag@mail.example.org", "j\xC3\xB6rg@example.org",
                                       "o'neil@x.org"};
    static const char *const BAD[] = {
        "",        "a",
        "@b",      "a@",
        "a@b@c",   "a b@c",
        "a@b c",   "a@b\r\nRCPT TO:<x@y>",
        "a@b>",    "<a@b",
        "a@b,c@d", "\"a\"@b",
        "a(c)@b",  "a@[127.0.0.1]",
        ".a@b",    "a..b@c",
        "a.@b",    "a@b.",
        "a@.b",    "a\xE2\x80\xA8@b",
        "a\xFF@b", "a;b@c",
        "a\\@b",   "12345678901234567890123456789012345678901234567890123456789012345@example.org",
    };

    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_int_equal(mailbox_check(GOOD[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (mailbox_check(BAD[i], NULL) != E_INVALID)
            fail_msg("%s was taken", BAD[i]);
}

static void senders(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",         "Name", "Name <a@b", "Name <a@b> x",
                                      "Name a@b", "a@b>", "<>",        "Name <a@b\n>"};
    struct mailbox m;

    assert_int_equal(mailbox_parse("a@b", &m, NULL), 0);
    assert_string_equal(m.name, "");
    assert_string_equal(m.address, "a@b");
    assert_int_equal(mailbox_parse("  The TRE of K\xC3\xB6ln  <a@b>", &m, NULL), 0);
    assert_string_equal(m.name, "The TRE of K\xC3\xB6ln");
    assert_string_equal(m.address, "a@b");
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_refused(mailbox_parse(BAD[i], &m, err), E_INVALID, "must be ADDRESS or NAME <ADDRESS>");
}

static void servers(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int security; /* -1: refused */
    } URLS[] = {
        {"smtp://mail.example.org", SMTP_STARTTLS},
        {"smtp://mail.example.org:587", SMTP_STARTTLS},
        {"smtps://mail.example.org:465", SMTP_TLS},
        {"smtp://127.0.0.1:2525", SMTP_PLAIN},
        {"smtp://localhost", SMTP_PLAIN},
        {"smtp://[::1]:25", SMTP_PLAIN},
        {"smtp://127.0.0.2:25", SMTP_STARTTLS},
        {"smtp://localhost.example.org", SMTP_STARTTLS},
        {"smtps://localhost", SMTP_TLS},
        {"http://mail.example.org", -1},
        {"smtp://", -1},
        {"smtp://user@mail.example.org", -1},
        {"smtp://localhost@mail.example.org", -1},
        {"smtp://mail.example.org/x", -1},
        {"smtp://mail.example.org?x", -1},
        {"smtp://mail.example.org:0", -1},
        {"mail.example.org", -1},
        {"smtp://mail example.org", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(URLS); i++) {
        enum smtp_security security = SMTP_STARTTLS;
        bool good = smtp_url_parse(URLS[i].url, &security);
        if (good != (URLS[i].security >= 0) || (good && (int)security != URLS[i].security))
            fail_msg("%s", URLS[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_come_back_as_they_were),
        cmocka_unit_test(every_length_is_taken),
        cmocka_unit_test(t63_long_ones_are_cut_between_characters),
        cmocka_unit_test(t63_nothing_ends_a_header),
        cmocka_unit_test(a_whole_mail),
        cmocka_unit_test(t63_hostile_texts_add_no_header_and_no_recipient),
        cmocka_unit_test(t63_a_boundary_cannot_be_guessed_into_the_text),
        cmocka_unit_test(text_is_quoted),
        cmocka_unit_test(lines_are_wrapped),
        cmocka_unit_test(t63_wrapping_makes_no_status_line),
        cmocka_unit_test(addresses),
        cmocka_unit_test(senders),
        cmocka_unit_test(servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
