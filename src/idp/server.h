/* From HTTP exchanges to endpoints and back: routes, body limits, the headers that every answer carries. */
#ifndef AIRLOCK_IDP_SERVER_H
#define AIRLOCK_IDP_SERVER_H

#include "http/http.h"
#include "idp/idp.h"

/* The handler for struct http_settings; ctx is the struct idp. */
void server_handle(struct http_exchange *x, void *ctx);
/* Refusals of the HTTP layer itself; for http_server_set_refusal. */
void server_refuse(struct http_exchange *x, int status, const char *detail);

#endif
