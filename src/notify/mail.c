/* The conversation with the mail server. Runs in airlock-notify; what the server says is somebody else's word. */
#include "notify/mail.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "notify/message.h"
#include "notify/plain.h"
#include "notify/reach.h"
#include "notify/transfers.h"
#include "outward/outward.h"

#define PASSWORD_MAX 1024
#define REPLY_MAX 200 /* bytes of a server's line that are told */
#define FAREWELL_S 1L /* libcurl waits for the answer to QUIT, and everybody with it */
#define CONNECTIONS_MAX \
    (2L * MAIL_ROOM) /* kept open: more than there ever are, so that none is put out with a farewell */
#define CODE_LEN 3

/* The last command that the server was sent. */
enum stage { STAGE_BEGIN, STAGE_EHLO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_CONTENT };

struct sending {
    struct mail *mail;
    CURL *easy; /* NULL: free */
    struct str bytes;
    size_t sent;
    struct curl_slist *to;
    enum stage stage;
    bool is_over;              /* the server has said what becomes of the mail */
    bool needs_utf8, has_utf8; /* the address is beyond ASCII; the server takes such (RFC 6531) */
    unsigned code;             /* of the server's last line; 0: it said nothing */
    char reply[REPLY_MAX + 1];
    char problem[CURL_ERROR_SIZE];
    mail_done_fn *done;
    void *ctx;
};

struct mail {
    struct transfers *transfers;
    struct templates *templates;
    struct mailbox from;
    enum smtp_security security;
    char *url, *username, *password;
    char *ca; /* PEM; NULL where the machine has none */
    size_t ca_len;
    int64_t timeout_ms;
    struct sending sendings[MAIL_ROOM];
};

static void on_ended(void *ctx, CURL *easy, CURLcode result);

/* --- Start --- */

/* The first line of the file. */
static int read_password(const char *file, char **ret, struct error *err)
{
    struct error why = {0};
    size_t len = 0;

    if (*file == '\0') {
        *ret = xstrdup("");
        return 0;
    }
    if (file_read_secret(file, PASSWORD_MAX, ret, &len, &why) != 0)
        return error_set(err, E_CONFIG, "mail.password_file cannot be used: %s", why.detail);
    (*ret)[strcspn(*ret, "\r\n")] = '\0';
    return 0;
}

static int mail_read(struct mail *mail, const struct mail_config *config, struct error *err)
{
    struct error why = {0};

    if (!smtp_url_parse(config->smtp_url, &mail->security))
        return error_set(err, E_CONFIG, "mail.smtp_url must be smtp://HOST[:PORT] or smtps://HOST[:PORT]");
    if (mailbox_parse(config->from, &mail->from, &why) != 0)
        return error_set(err, E_CONFIG, "mail.from %s", why.detail);
    int r = read_password(config->password_file, &mail->password, err);
    if (r == 0)
        r = outward_read_authorities("mail.ca_file", config->ca_file, &mail->ca, &mail->ca_len, err);
    if (r == 0)
        r = templates_load(config->templates, &mail->templates, err);
    return r ? r : transfers_new(CONNECTIONS_MAX, on_ended, mail, &mail->transfers, err);
}

int mail_new(const struct mail_config *config, struct mail **ret, struct error *err)
{
    struct mail *mail = xcalloc(1, sizeof *mail);

    mail->url = xstrdup(config->smtp_url);
    mail->username = xstrdup(config->username);
    mail->timeout_ms = config->timeout_ms ? config->timeout_ms : MAIL_TIMEOUT_S * 1000;
    int r = mail_read(mail, config, err);
    if (r != 0)
        mail_free(mail);
    else
        *ret = mail;
    return r;
}

static void sending_end(struct sending *s)
{
    curl_easy_cleanup(s->easy);
    curl_slist_free_all(s->to);
    str_done(&s->bytes);
    *s = (struct sending){0};
}

void mail_free(struct mail *mail)
{
    if (!mail)
        return;
    for (size_t i = 0; i < MAIL_ROOM; i++) {
        if (mail->sendings[i].easy)
            transfers_drop(mail->transfers, mail->sendings[i].easy);
        sending_end(&mail->sendings[i]);
    }
    transfers_free(mail->transfers);
    templates_free(mail->templates);
    if (mail->password)
        secret_wipe(mail->password, strlen(mail->password));
    free(mail->password);
    free(mail->username);
    free(mail->url);
    free(mail->ca);
    free(mail);
}

/* --- What libcurl tells and asks --- */

static size_t on_read(char *buffer, size_t size, size_t count, void *ctx)
{
    struct sending *s = ctx;
    size_t left = s->bytes.len - s->sent, len = size * count < left ? size * count : left;

    memcpy(buffer, s->bytes.p + s->sent, len);
    s->sent += len;
    return len;
}

/* Every command passes here, passwords, too: only its verb is looked at. */
static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t len, void *ctx)
{
    static const struct {
        const char *verb;
        enum stage stage;
    } VERBS[] = {{"EHLO", STAGE_EHLO}, {"MAIL", STAGE_MAIL}, {"RCPT", STAGE_RCPT}, {"DATA", STAGE_DATA}};
    struct sending *s = ctx;

    (void)easy;
    for (size_t i = 0; type == CURLINFO_HEADER_OUT && i < ARRAY_LEN(VERBS); i++)
        if (len >= strlen(VERBS[i].verb) && strncasecmp(bytes, VERBS[i].verb, strlen(VERBS[i].verb)) == 0)
            s->stage = VERBS[i].stage;
    if (type == CURLINFO_HEADER_OUT && s->stage == STAGE_EHLO)
        s->has_utf8 = false; /* what was offered before the encryption does not count */
    return 0;
}

static bool is_utf8_offer(const char *line, size_t len)
{
    static const char OFFER[] = "SMTPUTF8";
    size_t name = sizeof OFFER - 1;

    return len >= CODE_LEN + 1 + name && strncasecmp(line + CODE_LEN + 1, OFFER, name) == 0 &&
           (len == CODE_LEN + 1 + name || strchr(" \r\n", line[CODE_LEN + 1 + name]));
}

static void note_reply(struct sending *s, const char *line, size_t len)
{
    AUTO_STR struct str text = STR_INIT(REPLY_MAX);
    uint64_t code = 0;

    while (len > 0 && strchr("\r\n", line[len - 1]))
        len--;
    plain_append(&text, line, len < REPLY_MAX ? len : REPLY_MAX);
    (void)str_copy(s->reply, sizeof s->reply, str_text(&text));
    (void)num_parse_len(line, len < CODE_LEN ? len : CODE_LEN, 0, 999, &code);
    s->code = (unsigned)code;
}

/* A line of the server. Less than its length: the conversation ends here. */
static size_t on_line(char *line, size_t size, size_t count, void *ctx)
{
    struct sending *s = ctx;
    size_t len = size * count;

    if (s->stage == STAGE_EHLO && is_utf8_offer(line, len))
        s->has_utf8 = true;
    if (s->is_over)
        return len; /* what it says to QUIT */
    note_reply(s, line, len);
    s->is_over = len > CODE_LEN && line[CODE_LEN] != '-' && (s->code >= 400 || s->stage == STAGE_CONTENT);
    if (s->stage == STAGE_DATA && s->code == 354)
        s->stage = STAGE_CONTENT;
    if (s->is_over)
        (void)curl_easy_setopt(s->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, FAREWELL_S);
    return s->stage == STAGE_MAIL && s->needs_utf8 && !s->has_utf8 ? 0 : len;
}

/* What goes in plain goes nowhere but to this machine, whatever a resolver says. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct sending *s = ctx;
    static const struct reach NOWHERE_ELSE = {0};

    if (purpose != CURLSOCKTYPE_IPCXN ||
        (s->mail->security == SMTP_PLAIN && !reach_allows(&NOWHERE_ELSE, true, &address->addr)))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- Sending --- */

/* libcurl's setters cannot fail for known options and valid values, but for lack of memory. */
static void set_server(const struct mail *mail, CURL *easy)
{
    struct curl_blob authorities = {mail->ca, mail->ca_len, CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_URL, mail->url);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_USE_SSL,
                           (long)(mail->security == SMTP_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* no file is read any more */
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (mail->ca)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authorities);
    if (*mail->username) {
        (void)curl_easy_setopt(easy, CURLOPT_USERNAME, mail->username);
        (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password);
    }
}

static void set_sending(struct sending *s)
{
    CURL *easy = s->easy;
    AUTO_FREE char *from = xasprintf("<%s>", s->mail->from.address);

    (void)curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, s->to);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, s);
    (void)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->bytes.len);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, s);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGDATA, s);
    (void)curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->problem);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, s);
    if (s->needs_utf8) { /* an old connection's offers are forgotten */
        (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

/* The whole mail; E_INVALID, E_NOT_FOUND or E_LIMIT: it can never be sent. */
static int compose(const struct mail *mail, const json_t *delivery, struct str *ret, struct error *err)
{
    const json_t *to = json_object_get(delivery, "to"), *data = json_object_get(delivery, "data");
    AUTO_LETTER struct letter letter = LETTER_INIT;
    struct error why = {0};
    const struct message_head head = {.from = &mail->from,
                                      .to_name = json_text(to, "name"),
                                      .to_address = json_text(to, "address"),
                                      .id = json_text(delivery, "message"),
                                      .request = json_text(data, "request_id"),
                                      .status = json_text(data, "status"),
                                      .now_us = clock_now_us()};

    if (mailbox_check(head.to_address, &why) != 0)
        return error_set(err, E_INVALID, "the address %s", why.detail);
    int r = templates_render(mail->templates, json_text(delivery, "template"), data, &letter, err);
    return r ? r : message_build(&head, &letter, ret, err);
}

static struct sending *free_sending(struct mail *mail)
{
    for (size_t i = 0; i < MAIL_ROOM; i++)
        if (!mail->sendings[i].easy)
            return &mail->sendings[i];
    return NULL;
}

bool mail_has_room(const struct mail *mail)
{
    for (size_t i = 0; i < MAIL_ROOM; i++)
        if (!mail->sendings[i].easy)
            return true;
    return false;
}

/* 0, E_UNAVAILABLE (another try may go through), or what compose says. */
static int sending_begin(struct sending *s, const json_t *delivery, struct error *err)
{
    const char *address = json_text(json_object_get(delivery, "to"), "address");

    int r = compose(s->mail, delivery, &s->bytes, err);
    if (r != 0)
        return r;
    AUTO_FREE char *to = xasprintf("<%s>", address);
    s->to = curl_slist_append(NULL, to);
    s->needs_utf8 = !mailbox_is_ascii(address);
    s->easy = curl_easy_init();
    if (!s->easy || !s->to)
        return error_set(err, E_UNAVAILABLE, "the mail library has no memory");
    set_server(s->mail, s->easy);
    set_sending(s);
    return transfers_add(s->mail->transfers, s->easy, err);
}

void mail_begin(struct mail *mail, const json_t *delivery, mail_done_fn *done, void *ctx)
{
    struct sending *s = free_sending(mail);
    struct error err = {0};

    if (!s) {
        done(ctx,
             &(struct mail_outcome){.outcome = "failed", .reached = true, .detail = "too many mails are under way"});
        return;
    }
    *s = (struct sending){.mail = mail, .bytes = STR_INIT(MESSAGE_MAX), .done = done, .ctx = ctx};
    int r = sending_begin(s, delivery, &err);
    if (r == 0)
        return;
    sending_end(s);
    done(ctx, &(struct mail_outcome){
                  .outcome = r == E_UNAVAILABLE ? "failed" : "refused", .reached = true, .detail = err.detail});
}

/* A refusal of this mail, which the next try would meet again; not one of the log-in, which an operator can mend. */
static bool is_for_good(const struct sending *s)
{
    static const unsigned OF_THE_LOG_IN[] = {530, 534, 535, 538};

    for (size_t i = 0; i < ARRAY_LEN(OF_THE_LOG_IN); i++)
        if (s->code == OF_THE_LOG_IN[i])
            return false;
    return s->stage >= STAGE_RCPT && s->code >= 500;
}

/* detail: MAIL_DETAIL_MAX bytes for the reason. */
static const char *judge(const struct sending *s, CURLcode result, char *detail)
{
    *detail = '\0';
    if (result == CURLE_OK)
        return "delivered";
    if (s->stage == STAGE_MAIL && s->needs_utf8 && !s->has_utf8) {
        (void)snprintf(detail, MAIL_DETAIL_MAX,
                       "the address has characters beyond ASCII, and the mail server does not "
                       "take such (SMTPUTF8)");
        return "refused";
    }
    if (s->code >= 400)
        (void)snprintf(detail, MAIL_DETAIL_MAX, "the mail server%s says: %s",
                       result == CURLE_LOGIN_DENIED ? ", asked to let mail.username in," : "", s->reply);
    else
        (void)snprintf(detail, MAIL_DETAIL_MAX, "%s", *s->problem ? s->problem : curl_easy_strerror(result));
    return is_for_good(s) ? "refused" : "failed";
}

static void on_ended(void *ctx, CURL *easy, CURLcode result)
{
    struct sending *s = NULL;
    char detail[MAIL_DETAIL_MAX];

    (void)ctx;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s) != CURLE_OK)
        return;
    const struct mail_outcome outcome = {
        .outcome = judge(s, result, detail), .reached = s->code != 0, .detail = detail};
    mail_done_fn *done = s->done;
    void *done_ctx = s->ctx;
    sending_end(s);
    done(done_ctx, &outcome);
}

int mail_fd(const struct mail *mail)
{
    return mail ? transfers_fd(mail->transfers) : -1;
}

void mail_turn(struct mail *mail)
{
    if (mail)
        transfers_turn(mail->transfers);
}
