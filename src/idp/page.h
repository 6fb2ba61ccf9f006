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
    const char *username; /* "" or what was typed */
    const char *problem;  /* "" or what went wrong */
};
void page_login(struct answer *a, int status, const struct login_page *page);
void page_continue(struct answer *a, const struct login_page *page, const char *name);
void page_problem(struct answer *a, int status, const char *text);

/* The Content-Security-Policy of a page; form_target as in struct answer. */
void page_policy(const struct answer *a, struct str *ret);

#endif
