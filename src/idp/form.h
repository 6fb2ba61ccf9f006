/* The forms of these pages: made by us, for one browser and one page, and taken back only as that. */
#ifndef AIRLOCK_IDP_FORM_H
#define AIRLOCK_IDP_FORM_H

#include "idp/endpoint.h"

/* Seals what the form must bring back, and renews the browser's cookie. The ticket is the caller's. page names the kind
 * of form: letters alone. E_INVALID when content is too long. */
int form_seal(struct idp *idp, const struct request *request, const char *page, const json_t *content,
              char **ret_ticket, struct answer *a, struct error *err) MUST_USE;

/* Was the form made by us as that page's, for this browser, and sent from our own page? Else a is the answer. On
 * success *ret_content is the caller's. */
bool form_is_ours(struct idp *idp, const struct request *request, const char *page, json_t **ret_content,
                  struct answer *a);

#endif
