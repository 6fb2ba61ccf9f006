/* Sends mails as airlock-notify does, without a tree around it: for tests/e2e/mail.test.mjs.
 * mail_probe URL FROM USERNAME PASSWORD_FILE CA_FILE TEMPLATES; a delivery, as event.lease has it, on each line of the
 * standard input; what became of each on a line of the standard output. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "notify/mail.h"

#define LINE_MAX_BYTES (1024 * 1024)

static unsigned under_way;

static void on_done(void *ctx, const struct mail_outcome *outcome)
{
    AUTO_FREE char *message = ctx;
    AUTO_STR struct str line = STR_INIT(LINE_MAX_BYTES);
    AUTO_JSON json_t *result = json_pack("{s:s, s:s, s:b, s:s}", "message", message, "outcome", outcome->outcome, "reached",
                                         outcome->reached, "detail", outcome->detail);

    json_append_value(&line, result);
    (void)puts(str_text(&line));
    under_way--;
}

static void wait_while(struct mail *mail, bool (*busy)(const struct mail *mail))
{
    while (busy(mail)) {
        struct pollfd fd = {.fd = mail_fd(mail), .events = POLLIN};
        (void)poll(&fd, 1, -1);
        mail_turn(mail);
    }
}

static bool is_full(const struct mail *mail)
{
    return !mail_has_room(mail);
}

static bool is_at_work(const struct mail *mail)
{
    (void)mail;
    return under_way > 0;
}

int main(int argc, char **argv)
{
    static char line[LINE_MAX_BYTES];
    struct mail *mail = NULL;
    struct error err = {0};

    if (argc != 7)
        return error_exit_code(E_USAGE);
    log_init("mail_probe", LOG_INFO);
    const struct mail_config config = {argv[1], argv[2], argv[3], argv[4], argv[5], argv[6], 0};
    if (mail_new(&config, &mail, &err) != 0)
        die(&err, "cannot start");
    while (fgets(line, sizeof line, stdin)) {
        AUTO_JSON json_t *delivery = NULL;
        if (json_parse_object(line, strlen(line), &delivery, &err) != 0)
            die(&err, "cannot read a delivery");
        wait_while(mail, is_full);
        under_way++;
        mail_begin(mail, delivery, on_done, xstrdup(json_text(delivery, "message")));
    }
    wait_while(mail, is_at_work);
    mail_free(mail);
    return 0;
}
