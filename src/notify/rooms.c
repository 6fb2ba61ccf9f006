/* Room by receiver. Runs in airlock-notify. */
#include "notify/rooms.h"

#include <string.h>

#define MISSES_MAX 8 /* a receiver that is not there is left alone for a while, and not asked for each event */
#define REST_MIN_MS 1000
#define REST_MAX_MS 8000

/* A lease holds for 60 s: at 10 s a post, 16 of which 4 are under way are sent within it. */
static const struct {
    const char *name;
    unsigned in_hand, at_once;
} KINDS[ROOM_KINDS] = {
    [ROOM_WEBHOOK] = {"webhook", 16, 4},
    [ROOM_BROKER] = {"broker", 64, 64},
    [ROOM_MAIL] = {"mail", 8, 8},
};

struct room *rooms_get(struct rooms *rooms, const char *name, const char *kind)
{
    for (size_t i = 0; i < rooms->count; i++)
        if (strcmp(rooms->items[i].name, name) == 0)
            return &rooms->items[i];
    for (int k = 0; k < ROOM_KINDS; k++) {
        struct room room = {.kind = (enum room_kind)k};
        if (strcmp(KINDS[k].name, kind) != 0 || rooms->count == ROOMS_MAX || !str_copy(room.name, sizeof room.name, name))
            continue;
        rooms->items[rooms->count] = room;
        return &rooms->items[rooms->count++];
    }
    return NULL;
}

static bool room_is_busy(const struct room *room, int64_t now)
{
    return room->in_hand + ROOM_BATCH > KINDS[room->kind].in_hand || now < room->rest_until;
}

json_t *rooms_busy(const struct rooms *rooms, int64_t now)
{
    json_t *busy = json_array();

    for (size_t i = 0; i < rooms->count; i++)
        if (room_is_busy(&rooms->items[i], now))
            json_array_append_new(busy, json_string(rooms->items[i].name));
    return busy;
}

int64_t rooms_rest_end(const struct rooms *rooms, int64_t now)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < rooms->count; i++)
        if (rooms->items[i].rest_until > now && rooms->items[i].rest_until < first)
            first = rooms->items[i].rest_until;
    return first;
}

bool room_is_open(const struct room *room)
{
    return room->under_way < KINDS[room->kind].at_once;
}

static void room_rest(struct room *room, int64_t until)
{
    if (until > room->rest_until)
        room->rest_until = until;
}

void room_note(struct room *room, bool reached, int64_t pause_s, int64_t now)
{
    if (reached) {
        room->misses = 0;
        room->rest_ms = 0;
    } else if (++room->misses == MISSES_MAX) {
        room->misses = 0;
        room->rest_ms = room->rest_ms == 0 ? REST_MIN_MS : room->rest_ms * 2 < REST_MAX_MS ? room->rest_ms * 2 : REST_MAX_MS;
        room_rest(room, now + room->rest_ms);
    }
    if (pause_s > 0)
        room_rest(room, now + pause_s * 1000);
}
