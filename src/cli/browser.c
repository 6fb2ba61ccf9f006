/* The one-shot loopback listener and the code exchange. The listener serves one thing on 127.0.0.1, reads at most 8
 * KiB, and believes only a redirect that carries the state it sent. */
#include "cli/browser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "cli/oauth.h"
#include "cli/url.h"

#define REDIRECT_PATH "/callback"
#define HEAD_MAX 8192
#define WAIT_MS (5 * 60 * 1000)
#define CLIENT_WAIT_MS 5000
#define SECRET_BYTES 32
#define STATE_MAX 64

extern char **environ;

struct attempt {
    int listener;
    char redirect[64];
    struct str verifier;
    struct str state;
};

static void random_text(struct str *s)
{
    unsigned char bytes[SECRET_BYTES];
    random_fill(bytes, sizeof bytes);
    base64url_append(s, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
}

static int attempt_begin(struct attempt *attempt, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    attempt->verifier = STR_INIT(128);
    attempt->state = STR_INIT(STATE_MAX);
    random_text(&attempt->verifier);
    random_text(&attempt->state);
    attempt->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (attempt->listener < 0 || bind(attempt->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(attempt->listener, 8) != 0 || getsockname(attempt->listener, (struct sockaddr *)&address, &len) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot listen on 127.0.0.1 for the browser's answer");
    (void)snprintf(attempt->redirect, sizeof attempt->redirect, "http://127.0.0.1:%u" REDIRECT_PATH,
                   (unsigned)ntohs(address.sin_port));
    return 0;
}

static void attempt_end(struct attempt *attempt)
{
    if (attempt->listener >= 0)
        (void)close(attempt->listener);
    str_done(&attempt->verifier);
    str_done(&attempt->state);
}

static void append_login_url(struct str *url, const json_t *login, const char *scope, const struct attempt *attempt)
{
    unsigned char digest[SHA256_SIZE];
    AUTO_STR struct str challenge = STR_INIT(64);
    AUTO_FREE char *whole = oauth_interactive_scope(scope);
    AUTO_FREE char *resource = oauth_resource(login, scope);

    sha256(str_text(&attempt->verifier), attempt->verifier.len, digest);
    base64url_append(&challenge, digest, sizeof digest);
    str_append(url, json_text(login, "authorization_endpoint"));
    url_append_query(url, "response_type", "code");
    url_append_query(url, "client_id", json_text(login, "client_id"));
    url_append_query(url, "redirect_uri", attempt->redirect);
    url_append_query(url, "scope", whole);
    if (resource)
        url_append_query(url, "resource", resource);
    url_append_query(url, "state", str_text(&attempt->state));
    url_append_query(url, "code_challenge", str_text(&challenge));
    url_append_query(url, "code_challenge_method", "S256");
}

/* Best effort: the URL stands on the terminal anyway. The opener is not waited for, it may live as long as the browser.
 */
static void open_in_browser(const char *url)
{
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char *)"xdg-open", (char *)url, NULL};
    pid_t pid;

    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
        return;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return;
    if (posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO) == 0)
        (void)posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
}

enum browser_answer browser_read_redirect(const char *head, const char *state, char code[static BROWSER_CODE_MAX])
{
    char given[STATE_MAX + 1] = "";
    static const char BEGIN[] = "GET " REDIRECT_PATH "?";

    if (!str_starts(head, BEGIN))
        return BROWSER_OTHER;
    const char *query_start = head + sizeof BEGIN - 1;
    size_t len = strcspn(query_start, " \r\n");
    if (!str_starts(query_start + len, " HTTP/1."))
        return BROWSER_OTHER;
    AUTO_FREE char *query = xstrndup(query_start, len);
    if (!query_get(query, "state", given, sizeof given) || strlen(given) != strlen(state) ||
        !equal_constant_time(given, state, strlen(state)))
        return BROWSER_OTHER;
    if (query_get(query, "code", code, BROWSER_CODE_MAX))
        return BROWSER_CODE;
    if (!query_get(query, "error_description", code, BROWSER_CODE_MAX) &&
        !query_get(query, "error", code, BROWSER_CODE_MAX))
        return BROWSER_OTHER;
    return BROWSER_REFUSED;
}

/* Reads up to the empty line. false: the client was too slow, too long, or went away. */
static bool read_head(int client, char head[static HEAD_MAX])
{
    int64_t deadline = clock_mono_ms() + CLIENT_WAIT_MS;
    size_t used = 0;

    while (used + 1 < HEAD_MAX) {
        struct pollfd ready = {.fd = client, .events = POLLIN};
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
            return false;
        ssize_t got = recv(client, head + used, HEAD_MAX - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        head[used] = '\0';
        if (strstr(head, "\r\n\r\n"))
            return strlen(head) == used; /* no NUL inside */
    }
    return false;
}

static void answer_client(int client, enum browser_answer what)
{
    static const char *const BODY[] = {
        [BROWSER_CODE] = "You are logged in. You can close this window and go back to the terminal.\n",
        [BROWSER_REFUSED] = "The login was refused. The terminal says why.\n",
        [BROWSER_OTHER] = "Nothing is here.\n",
    };
    AUTO_FREE char *text =
        xasprintf("HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                  "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
                  "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
                  what == BROWSER_OTHER ? "404 Not Found" : "200 OK", strlen(BODY[what]), BODY[what]);
    (void)send(client, text, strlen(text), MSG_NOSIGNAL); /* a courtesy: the code is ours already */
}

static int await_code(const struct attempt *attempt, char code[static BROWSER_CODE_MAX], struct error *err)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    char head[HEAD_MAX];

    for (;;) {
        struct pollfd ready = {.fd = attempt->listener, .events = POLLIN};
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0)
            return error_set(err, E_UNAUTHENTICATED, "Nobody logged in within five minutes");
        int n = poll(&ready, 1, (int)left);
        if (n < 0 && errno != EINTR)
            return error_set_errno(err, E_INTERNAL, "Cannot wait for the browser");
        if (n <= 0)
            continue;
        AUTO_FD int client = accept4(attempt->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0 || !read_head(client, head))
            continue;
        enum browser_answer what = browser_read_redirect(head, str_text(&attempt->state), code);
        answer_client(client, what);
        if (what == BROWSER_CODE)
            return 0;
        if (what == BROWSER_REFUSED)
            return error_set(err, E_UNAUTHENTICATED, "The identity provider refuses the login: %.300s", code);
    }
}

static int exchange_code(struct web *web, const json_t *login, const char *scope, const struct attempt *attempt,
                         const char *code, json_t **ret, struct error *err)
{
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    char refusal[OAUTH_CODE_MAX];

    oauth_form_add(&form, "grant_type", "authorization_code");
    oauth_form_add(&form, "redirect_uri", attempt->redirect);
    oauth_form_add(&form, "code", code);
    oauth_form_add(&form, "code_verifier", str_text(&attempt->verifier));
    oauth_form_add_scope(&form, login, scope, true);
    return oauth_token(web, login, &form, ret, refusal, err);
}

int browser_login(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err)
{
    struct attempt attempt = {.listener = -1};
    AUTO_STR struct str url = STR_INIT(URL_MAX);
    char code[BROWSER_CODE_MAX];

    int r = url_check_private(json_text(login, "authorization_endpoint"), err);
    if (!r)
        r = attempt_begin(&attempt, err);
    if (r)
        goto out;
    append_login_url(&url, login, scope, &attempt);
    (void)fprintf(stderr, "Log in with this address in a browser on this machine:\n\n  %s\n\n", str_text(&url));
    open_in_browser(str_text(&url));
    r = await_code(&attempt, code, err);
    if (!r)
        r = exchange_code(web, login, scope, &attempt, code, ret, err);
    secret_wipe(code, sizeof code);
out:
    attempt_end(&attempt);
    return r;
}
