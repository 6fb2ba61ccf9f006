/* The table of routes and the search in it. Pure; part of airlock-api. */
#ifndef AIRLOCK_API_ROUTE_H
#define AIRLOCK_API_ROUTE_H

#include "base/error.h"
#include "base/uuid.h"
#include "http/http.h"
#include "ipc/peer.h"
#include "model/right.h"

#define ROUTE_PATH_MAX 512              /* bytes of a path; ours are far shorter */
#define ROUTE_ASKS_NOBODY MESSAGE_COUNT /* in the table: answered without core */

enum route_answer {
    ANSWER_FORWARD,
    ANSWER_HEALTH,
    ANSWER_ALIVE,
    ANSWER_READY,
    ANSWER_PING,
    ANSWER_METADATA,
    ANSWER_OPENAPI,
    ANSWER_EVENT_SCHEMAS,
    ANSWER_EVENT_SCHEMA,
    ANSWER_METRICS,
    ANSWER_FEED,
    ANSWER_DOCS,
    ANSWER_EMPTY
};
enum route_body { BODY_NONE, BODY_OPTIONAL, BODY_JSON, BODY_CLOSED };
enum field_place { PLACE_QUERY = 1 << 0, PLACE_BODY = 1 << 1, PLACE_HEADER = 1 << 2 };
enum field_kind {
    FIELD_TEXT,
    FIELD_NUMBER,
    FIELD_FLAG,
    FIELD_UUID,
    FIELD_OBJECT,
    FIELD_ARRAY,
    FIELD_ONE_OF_ARRAY, /* one text that reaches core as an array of one */
};

struct route_field {
    const char *name;
    const char *frame_name;
    enum field_kind kind;
    unsigned places; /* enum field_place */
    bool required;   /* of the frame; what a body must have is for core to say */
    const char *help;
};

struct route {
    const char *id; /* unique; the operation id in OpenAPI */
    enum http_method method;
    const char *pattern; /* "/api/workspaces/{workspace}" */
    enum route_answer answer;
    enum message message;
    int status;
    enum route_body body;
    const struct route_field *fields;
    size_t field_count;
    const char *member;
    const char *schema;
    enum right right;
    const char *summary;
};

const struct route *route_table(size_t *ret_count);

struct route_match {
    const struct route *route; /* NULL: no route has this path and method */
    char path[ROUTE_PATH_MAX]; /* normalised: single slashes, none at the end */
    char workspace[UUID_TEXT_SIZE];
    char request[UUID_TEXT_SIZE];
    char user[UUID_TEXT_SIZE];
    char gate[UUID_TEXT_SIZE]; /* a name */
    char name[UUID_TEXT_SIZE]; /* of a schema */
    unsigned methods; /* bit 1 << enum http_method of every row with this path; HEAD where GET is */
};

/* path as sent, still percent-encoded (no pattern needs an escape). E_NOT_FOUND for an unknown path, E_METHOD for a
 * known path with another method (ret->methods is set), E_INVALID naming the path parameter when it is no UUID
 * version 4. *ret is always filled as far as it is known. */
int route_find(enum http_method method, const char *path, struct route_match *ret, struct error *err) MUST_USE;

/* "GET, HEAD, POST" */
void route_append_methods(struct str *s, unsigned methods);

#endif
