/* Live updates: the streams of events that people follow, and the one thread that asks core for all of them. Each
 * stream reads with its own token, and ends when core refuses it. Part of airlock-api. */
#ifndef AIRLOCK_API_FEED_H
#define AIRLOCK_API_FEED_H

#include "base/json.h"
#include "http/http.h"
#include "ipc/client.h"

#define FEED_TYPE "text/event-stream"
#define FEED_EACH_MAX 8 /* streams of one person */

struct feed;
struct feed_stream;

/* max: streams of all people together. core is borrowed, and must outlive the feed. */
struct feed *feed_new(struct ipc_client *core, unsigned max);
/* After the server has ended and while core can still answer: waits for a question that is open. */
void feed_free(struct feed *feed);
/* There may be new events. Any thread. */
void feed_news(struct feed *feed);

/* Takes a place for whoever sent that question (event.read with its fields; borrowed) and got that first answer. E_RATE
 * when they have as many streams as they may, E_UNAVAILABLE when all of them together are too many. */
int feed_admit(struct feed *feed, enum message message, const json_t *question, const json_t *first,
               struct feed_stream **ret, struct error *err) MUST_USE;
/* Answers with the stream, which belongs to the exchange from here on and is its state. Headers were added before. */
void feed_begin(struct feed_stream *stream, struct http_exchange *x, const json_t *first);

/* An answer of core as server-sent events; "" when there is nothing to tell. first: with the place to come back to. */
void feed_render(const json_t *answer, bool first, struct str *out);

#endif
