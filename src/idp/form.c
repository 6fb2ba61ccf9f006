/* Tickets of forms: the guard against forms that other sites send. Runs on airlock-idp's workers. */
#include "idp/form.h"

#include <string.h>

#include "base/clock.h"
#include "idp/cookie.h"
#include "idp/page.h"
#include "idp/ticket.h"

int form_seal(struct idp *idp, const struct request *request, const char *page, const json_t *content,
              char **ret_ticket, struct answer *a, struct error *err)
{
    char browser[BROWSER_SIZE];

    browser_renew(idp, request, browser, a);
    AUTO_FREE char *binding = xasprintf("%s-%s", page, browser);
    return ticket_seal(idp->ticket_key, binding, content, clock_now_s() + FORM_LIFETIME_S, ret_ticket, err);
}

bool form_is_ours(struct idp *idp, const struct request *request, const char *page, json_t **ret_content,
                  struct answer *a)
{
    char browser[BROWSER_SIZE];

    browser_read(request->cookie, browser);
    AUTO_FREE char *binding = xasprintf("%s-%s", page, browser);
    bool is_ours =
        *browser && (*request->fetch_site == '\0' || strcmp(request->fetch_site, "same-origin") == 0) &&
        request_is_plain(request) &&
        ticket_open(idp->ticket_key, binding, request_param(request, "ticket"), clock_now_s(), ret_content, NULL) == 0;
    if (!is_ours)
        page_problem(a, 400, "This form is too old, or was not made for this browser. Cookies must be allowed.");
    return is_ours;
}
