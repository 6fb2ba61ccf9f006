/* From core's answer to the HTTP answer: bodies, paging links, problems (RFC 9457). Pure; part of airlock-api. */
#ifndef AIRLOCK_API_ANSWER_H
#define AIRLOCK_API_ANSWER_H

#include "api/route.h"
#include "base/json.h"

#define ANSWER_BODY_MAX ((size_t)24 * 1024 * 1024) /* a frame of 16 MiB with every escape written out */
#define ANSWER_LINK_MAX 4096

/* Core's result as the route's body; nextCursor becomes a Link header (RFC 8288) in link, which stays "" on a last
 * page. query: of the request, still encoded. E_INTERNAL when core's result has not the route's form. */
int answer_render(const struct route_match *match, const char *query, const json_t *result, struct str *body,
                  struct str *link, struct error *err) MUST_USE;

/* {"type":"urn:airlock:error:…","title","status","detail"[,"field"]}. Details of our own failures are not shown. */
void answer_problem(const struct error *problem, struct str *body);
/* The same for a refusal of the HTTP layer, known by its status. */
void answer_refusal(int status, const char *detail, struct str *body);

/* Is the error our own failure, of which a client learns no more than that? */
bool answer_hides_detail(int code);

#endif
