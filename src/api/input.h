/* From an HTTP request to the frame for core: the route's fields, out of query, headers and body. Types are checked
 * where a text must become a number or a flag; everything else is core's to judge. Pure; part of airlock-api. */
#ifndef AIRLOCK_API_INPUT_H
#define AIRLOCK_API_INPUT_H

#include "api/route.h"
#include "base/json.h"

#define INPUT_PARAMS_MAX 64

/* What of a request is not in the route. All borrowed. */
struct input {
    const char *query;            /* still encoded */
    const char *token;            /* "" when there is none */
    const char *address;          /* the client's */
    const struct http_head *head; /* for fields of headers; NULL when there are none */
    const char *body;             /* NULL when there is none */
    size_t body_len;
};

/* Fills *ret_frame (the caller's): token, address, workspace, request and the route's fields. E_BAD_REQUEST for a body
 * that is not a JSON object; E_INVALID naming the field for a parameter given twice or of the wrong type, a missing
 * required field, and, where the route is closed, a field we do not know. */
int input_frame(const struct route_match *match, const struct input *input, json_t **ret_frame,
                struct error *err) MUST_USE;

/* The token of "Authorization: Bearer TOKEN" (RFC 6750 §2.1, scheme in any case), or "". Points into header. */
const char *input_bearer(const char *header);

/* Is a Content-Type header JSON (application/json, parameters ignored unless they name a charset other than UTF-8)? */
bool input_is_json(const char *content_type);

#endif
