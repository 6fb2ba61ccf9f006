/* The pages a person may see: the login form, the question whether to go on as somebody known, and the word that
 * something is wrong. No script, nothing from elsewhere; the style is allowed by its hash. */
#ifndef AIRLOCK_IDP_PAGE_H
#define AIRLOCK_IDP_PAGE_H

#include "idp/answer.h"

struct login_page {
    const char *action; /* path the form goes to */
    const char *client_title;
    const char *destination; /* origin the browser is sent to afterwards */
    const char *ticket;
    const char *username;      /* "" or what was typed */
    const char *problem;       /* "" or what went wrong */
    const char *password_path; /* where a password is changed */
};
void page_login(struct answer *a, int status, const struct login_page *page);
void page_continue(struct answer *a, const struct login_page *page, const char *name);

/* Where a password is changed. */
struct change_page {
    const char *action;
    const char *ticket;
    const char *destination; /* origin the browser is sent to afterwards, "" for none */
    const char *username;    /* "" or what was typed */
    const char *problem;
    bool is_first; /* the old one was for one time */
};
void page_change(struct answer *a, int status, const struct change_page *page);

/* The device pages: where a code is typed, and where a person says whether the program behind it may act for them. */
struct device_page {
    const char *action;
    const char *ticket;
    const char *code; /* "" or the code that was typed */
    const char *problem;
    const char *client_title;
    const char *scope;    /* what the program asks for, as it wrote it */
    const char *username; /* "" or what was typed */
    const char *name;     /* who is signed in; NULL: nobody, so a password is asked for */
};
void page_device_code(struct answer *a, int status, const struct device_page *page);
void page_device_allow(struct answer *a, int status, const struct device_page *page);

/* Asks whether to sign out; name NULL: nobody is signed in here. */
void page_logout(struct answer *a, const char *action, const char *ticket, const char *name);

void page_done(struct answer *a, const char *title, const char *text);
void page_problem(struct answer *a, int status, const char *text);

/* The Content-Security-Policy of a page; form_target as in struct answer. */
void page_policy(const struct answer *a, struct str *ret);

#endif
