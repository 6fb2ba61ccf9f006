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

static void form_begin(struct answer *a, const struct login_page *page)
{
    add_text(a, "<form method=\"post\" action=\"", page->action, "\">\n");
    add_text(a, "<input type=\"hidden\" name=\"ticket\" value=\"", page->ticket, "\">\n");
}

static void form_end(struct answer *a, const struct login_page *page)
{
    str_append(&a->body,
               "<button type=\"submit\" class=\"quiet\" name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>\n"
               "</form>\n");
    add_text(a, "<p class=\"note\">Afterwards you return to ", page->destination, ".</p>\n");
    page_end(a);
    (void)str_copy(a->form_target, sizeof a->form_target, page->destination); /* both are of ORIGIN_SIZE */
    a->has_form = true;
}

void page_login(struct answer *a, int status, const struct login_page *page)
{
    bool named = *page->username != '\0', wrong = *page->problem != '\0';

    page_begin(a, status, "Sign in");
    add_text(a, "<p>to use ", page->client_title, "</p>\n");
    if (wrong)
        add_text(a, "<p id=\"problem\" class=\"problem\" role=\"alert\">", page->problem, "</p>\n");
    form_begin(a, page);
    add_field(a, "User name or e-mail address",
              "type=\"text\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"256\"",
              "username", page->username, !named, wrong);
    add_field(a, "Password", "type=\"password\" autocomplete=\"current-password\" maxlength=\"1024\"", "password", "",
              named, wrong);
    str_append(&a->body, "<button type=\"submit\">Sign in</button>\n");
    form_end(a, page);
}

void page_continue(struct answer *a, const struct login_page *page, const char *name)
{
    page_begin(a, 200, "Continue");
    add_text(a, "<p>You are signed in as <strong>", name, "</strong>");
    add_text(a, " and about to use ", page->client_title, ".</p>\n");
    form_begin(a, page);
    str_append(&a->body,
               "<button type=\"submit\" name=\"continue\" value=\"1\" autofocus>Continue</button>\n"
               "<button type=\"submit\" class=\"quiet\" name=\"other\" value=\"1\">Use another account</button>\n");
    form_end(a, page);
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
        str_printf(ret, "'self' %s", a->form_target);
    else
        str_append(ret, "'none'");
}
