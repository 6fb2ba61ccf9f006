/* HTML. Pure. Runs in airlock-idp; everything that came from outside is escaped here. */
#include "idp/page.h"

#include <string.h>

#include "base/crypto.h"

static const char STYLE[] =
    ":root{color-scheme:light dark;--ink:#1b1b1f;--ground:#f4f5f7;--card:#fff;"
    "--line:#767b87;--act:#0f5ca8;--bad:#a80f1e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#eceef2;--ground:#15171c;--card:#1f2229;"
    "--line:#8b919e;--act:#8cc2ff;--bad:#ff9aa3}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}"
    "main{width:min(26rem,100vw);padding:2rem;background:var(--card);border-radius:.5rem;box-shadow:0 1px 6px #0003}"
    "h1{margin:0;font-size:1.5rem}"
    "p{margin:.25rem 0 1rem}"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input{width:100%;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);"
    "border-radius:.25rem}"
    "button{margin:1.5rem .5rem 0 0;padding:.6rem 1.2rem;font:inherit;font-weight:600;border:1px solid var(--act);"
    "border-radius:.25rem;color:var(--card);background:var(--act);cursor:pointer}"
    "button.quiet{color:var(--act);background:transparent}"
    ":focus-visible{outline:3px solid var(--act);outline-offset:2px}"
    "code{display:block;width:fit-content;margin:.5rem 0 1rem;padding:.2rem .75rem;font:600 1.25rem/1.6 "
    "ui-monospace,monospace;letter-spacing:.1em;"
    "border:1px solid var(--line);border-radius:.25rem}"
    "input.code{font:600 1.25rem/1.6 ui-monospace,monospace;letter-spacing:.1em;text-transform:uppercase}"
    "ul{margin:.25rem 0 1rem;padding-left:1.25rem;font-size:.875rem;overflow-wrap:anywhere}"
    ".problem{padding:.6rem;border-left:4px solid var(--bad);color:var(--bad)}"
    ".note{margin:1.5rem 0 0;font-size:.875rem;overflow-wrap:anywhere}";

static void page_begin(struct answer *a, int status, const char *title)
{
    a->status = status;
    a->type = "text/html; charset=utf-8";
    str_printf(&a->body,
               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<title>%s - airlock</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n",
               title, STYLE, title);
}

static void page_end(struct answer *a)
{
    str_append(&a->body, "</main>\n</body>\n</html>\n");
}

static void add_text(struct answer *a, const char *before, const char *text, const char *after)
{
    str_append(&a->body, before);
    str_append_xml(&a->body, text);
    str_append(&a->body, after);
}

/* A label and its field. The first empty field has the focus. */
static void add_field(struct answer *a, const char *label, const char *attributes, const char *name, const char *value,
                      bool focus, bool is_wrong)
{
    str_printf(&a->body, "<label for=\"%s\">%s</label>\n<input id=\"%s\" name=\"%s\" %s required%s%s", name, label,
               name, name, attributes, focus ? " autofocus" : "",
               is_wrong ? " aria-invalid=\"true\" aria-describedby=\"problem\"" : "");
    if (*value)
        add_text(a, " value=\"", value, "\"");
    str_append(&a->body, ">\n");
}

static void add_problem(struct answer *a, const char *problem)
{
    if (*problem)
        add_text(a, "<p id=\"problem\" class=\"problem\" role=\"alert\">", problem, "</p>\n");
}

static void add_login_fields(struct answer *a, const char *username, bool is_wrong)
{
    bool named = *username != '\0';

    add_field(a, "User name or e-mail address",
              "type=\"text\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"256\"",
              "username", username, !named, is_wrong);
    add_field(a, "Password", "type=\"password\" autocomplete=\"current-password\" maxlength=\"1024\"", "password", "",
              named, is_wrong);
}

static void form_begin(struct answer *a, const char *action, const char *ticket)
{
    add_text(a, "<form method=\"post\" action=\"", action, "\">\n");
    add_text(a, "<input type=\"hidden\" name=\"ticket\" value=\"", ticket, "\">\n");
    a->has_form = true;
}

static void form_end(struct answer *a, const struct login_page *page)
{
    str_append(&a->body,
               "<button type=\"submit\" class=\"quiet\" name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>\n"
               "</form>\n");
    add_text(a, "<p class=\"note\">Afterwards you return to ", page->destination, ".</p>\n");
    add_text(a, "<p class=\"note\"><a href=\"", page->password_path, "\">Change your password</a></p>\n");
    page_end(a);
    (void)str_copy(a->form_target, sizeof a->form_target, page->destination); /* both are of ORIGIN_SIZE */
}

void page_login(struct answer *a, int status, const struct login_page *page)
{
    page_begin(a, status, "Sign in");
    add_text(a, "<p>to use ", page->client_title, "</p>\n");
    add_problem(a, page->problem);
    form_begin(a, page->action, page->ticket);
    add_login_fields(a, page->username, *page->problem != '\0');
    str_append(&a->body, "<button type=\"submit\">Sign in</button>\n");
    form_end(a, page);
}

void page_continue(struct answer *a, const struct login_page *page, const char *name)
{
    page_begin(a, 200, "Continue");
    add_text(a, "<p>You are signed in as <strong>", name, "</strong>");
    add_text(a, " and about to use ", page->client_title, ".</p>\n");
    form_begin(a, page->action, page->ticket);
    str_append(&a->body,
               "<button type=\"submit\" name=\"continue\" value=\"1\" autofocus>Continue</button>\n"
               "<button type=\"submit\" class=\"quiet\" name=\"other\" value=\"1\">Use another account</button>\n");
    form_end(a, page);
}

void page_change(struct answer *a, int status, const struct change_page *page)
{
    bool named = *page->username != '\0', wrong = *page->problem != '\0';

    page_begin(a, status, "Change your password");
    if (page->is_first)
        str_append(&a->body, "<p>Your password was good for one sign-in. Choose your own to go on.</p>\n");
    str_append(&a->body, "<p>At least 12 characters. Every older sign-in ends.</p>\n");
    add_problem(a, page->problem);
    form_begin(a, page->action, page->ticket);
    add_field(a, "User name or e-mail address",
              "type=\"text\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"256\"",
              "username", page->username, !named, wrong);
    add_field(a, "Old password", "type=\"password\" autocomplete=\"current-password\" maxlength=\"1024\"", "password",
              "", named, wrong);
    add_field(a, "New password", "type=\"password\" autocomplete=\"new-password\" minlength=\"12\" maxlength=\"1024\"",
              "new_password", "", false, wrong);
    add_field(a, "New password again",
              "type=\"password\" autocomplete=\"new-password\" minlength=\"12\" maxlength=\"1024\"",
              "new_password_again", "", false, wrong);
    str_append(&a->body, "<button type=\"submit\">Change password</button>\n</form>\n");
    if (*page->destination)
        add_text(a, "<p class=\"note\">Afterwards you return to ", page->destination, ".</p>\n");
    page_end(a);
    (void)str_copy(a->form_target, sizeof a->form_target, page->destination); /* both are of ORIGIN_SIZE */
}

void page_device_code(struct answer *a, int status, const struct device_page *page)
{
    page_begin(a, status, "Connect a device");
    str_append(&a->body, "<p>Enter the code that the program on your other device or terminal shows.</p>\n");
    add_problem(a, page->problem);
    form_begin(a, page->action, page->ticket);
    add_field(a, "Code",
              "type=\"text\" class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" "
              "maxlength=\"32\" placeholder=\"XXXX-XXXX\"",
              "user_code", page->code, true, *page->problem != '\0');
    str_append(&a->body, "<button type=\"submit\">Next</button>\n</form>\n");
    page_end(a);
}

/* What the words of OpenID Connect mean to a person; NULL: said already. Anything else is shown as it is. */
static const struct {
    const char *word;
    const char *meaning;
} MEANINGS[] = {
    {"openid", "your name and e-mail address"},
    {"profile", NULL},
    {"email", NULL},
    {"offline_access", "to go on for some hours without asking you again"},
};

static void add_scope_word(struct answer *a, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(MEANINGS); i++)
        if (strcmp(word, MEANINGS[i].word) == 0)
            word = MEANINGS[i].meaning ? MEANINGS[i].meaning : "";
    if (*word)
        add_text(a, "<li>", word, "</li>\n");
}

/* The scope's words, one a line. */
static void add_scope(struct answer *a, const char *scope)
{
    AUTO_FREE char *copy = xstrdup(scope);
    char *rest = copy;

    str_append(&a->body, "<p>It asks for:</p>\n<ul>\n");
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        add_scope_word(a, word);
    str_append(&a->body, "</ul>\n");
}

void page_device_allow(struct answer *a, int status, const struct device_page *page)
{
    page_begin(a, status, "Allow a device?");
    add_text(a, "<p>A program that says it is ", page->client_title,
             " wants to act for you. It should show the code</p>\n");
    add_text(a, "<code>", page->code, "</code>\n");
    add_scope(a, page->scope);
    str_append(&a->body,
               "<p><strong>Go on only if you started it yourself, just now.</strong> Nobody from support will "
               "ever send you such a code.</p>\n");
    add_problem(a, page->problem);
    form_begin(a, page->action, page->ticket);
    if (page->name) {
        add_text(a, "<p>You are signed in as <strong>", page->name, "</strong>.</p>\n");
        str_append(&a->body,
                   "<button type=\"submit\" name=\"continue\" value=\"1\" autofocus>Allow</button>\n"
                   "<button type=\"submit\" class=\"quiet\" name=\"other\" value=\"1\">Use another account</button>\n");
    } else {
        add_login_fields(a, page->username, *page->problem != '\0');
        str_append(&a->body, "<button type=\"submit\">Sign in and allow</button>\n");
    }
    str_append(&a->body,
               "<button type=\"submit\" class=\"quiet\" name=\"deny\" value=\"1\" formnovalidate>Deny</button>\n"
               "</form>\n");
    page_end(a);
}

void page_logout(struct answer *a, const char *action, const char *ticket, const char *name)
{
    page_begin(a, 200, "Sign out?");
    if (name)
        add_text(a, "<p>You are signed in as <strong>", name, "</strong>.</p>\n");
    else
        str_append(&a->body, "<p>Programs that you signed in with this browser will have to ask you again.</p>\n");
    form_begin(a, action, ticket);
    str_append(&a->body, "<button type=\"submit\" name=\"logout\" value=\"1\" autofocus>Sign out</button>\n</form>\n");
    page_end(a);
}

void page_done(struct answer *a, const char *title, const char *text)
{
    page_begin(a, 200, title);
    add_text(a, "<p role=\"status\">", text, "</p>\n");
    page_end(a);
}

void page_problem(struct answer *a, int status, const char *text)
{
    page_begin(a, status, "This sign-in cannot go on");
    add_text(a, "<p class=\"problem\" role=\"alert\">", text, "</p>\n");
    str_append(&a->body, "<p>Go back to where you came from and start again.</p>\n");
    page_end(a);
}

void page_policy(const struct answer *a, struct str *ret)
{
    unsigned char digest[SHA256_SIZE];

    sha256(STYLE, strlen(STYLE), digest);
    str_append(ret, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-");
    base64_append(ret, digest, sizeof digest);
    str_append(ret, "'; form-action ");
    if (a->has_form) /* browsers hold the redirect that follows a form to the same list */
        str_printf(ret, "'self'%s%s", *a->form_target ? " " : "", a->form_target);
    else
        str_append(ret, "'none'");
}
