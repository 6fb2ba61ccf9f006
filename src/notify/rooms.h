/* How much airlock-notify has in hand of each receiver, so that a slow or dead one takes nothing from the others. Pure;
 * part of airlock-notify. Times are clock_mono_ms. */
#ifndef AIRLOCK_NOTIFY_ROOMS_H
#define AIRLOCK_NOTIFY_ROOMS_H

#include "base/json.h"

#define ROOM_BATCH 8     /* deliveries leased at once: a room that cannot take them is busy */
#define ROOM_NAME_MAX 63
#define ROOMS_MAX 40     /* more than there can be receivers */

enum room_kind { ROOM_WEBHOOK, ROOM_BROKER, ROOM_MAIL, ROOM_KINDS };

struct room {
    char name[ROOM_NAME_MAX + 1];
    enum room_kind kind;
    unsigned in_hand;    /* leased, and core does not know yet what became of it */
    unsigned under_way;  /* of them, those that are being sent just now */
    unsigned misses;     /* tries in a row that reached nobody */
    int64_t rest_ms;     /* how long the last rest was */
    int64_t rest_until;  /* nothing new is leased before */
};

struct rooms {
    struct room items[ROOMS_MAX];
    size_t count;
};

/* The room of a receiver, made when it is new; NULL where there can be none: an unknown kind, too many. */
struct room *rooms_get(struct rooms *rooms, const char *name, const char *kind);
/* Names of those that take nothing now, as event.lease wants them; the caller's. */
json_t *rooms_busy(const struct rooms *rooms, int64_t now);
/* When the first rest ends that lasts now; INT64_MAX: nobody rests. */
int64_t rooms_rest_end(const struct rooms *rooms, int64_t now);

/* May one more be sent, beside those under way? */
bool room_is_open(const struct room *room);
/* A try has ended. reached: somebody answered, whatever it was. pause_s: how long the answer asks to be left alone. */
void room_note(struct room *room, bool reached, int64_t pause_s, int64_t now);

#endif
