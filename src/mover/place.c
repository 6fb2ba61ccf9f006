/* Where a request's directory is and where it goes. Each try of a job has its own target, made of the request and the
 * try's token; what earlier tries reached is among the candidates. Runs in airlock-mover. */
#include <string.h>

#include "mover/job.h"

#define PLACE_MAX 1024
#define PLACE_DEPTH_MIN 3 /* delivery/WORKSPACE/REQUEST; containers lie deeper */

int place_check(const char *dir, struct error *err)
{
    size_t depth = 1;
    for (const char *at = dir; *at; at++)
        depth += *at == '/';
    if (depth < PLACE_DEPTH_MIN || strlen(dir) > PLACE_MAX)
        return error_set(err, E_PROTOCOL, "The job names a directory that is not a container's");
    return 0;
}

int place_need(const json_t *job, const char *field, const char **ret_dir, struct error *err)
{
    int r = json_need_string(job, field, PLACE_MAX, ret_dir, err);
    return r ? r : place_check(*ret_dir, err);
}

int places_read(const json_t *job, struct places *ret, struct error *err)
{
    struct places places = {.from = json_object_get(job, "from")};
    int r = place_need(job, "to", &places.to, err);
    const json_t *dir;
    size_t i;

    if (r == 0 && json_array_size(places.from) == 0)
        r = error_set(err, E_PROTOCOL, "The job does not say where its directory is");
    json_array_foreach(places.from, i, dir) if (r == 0) r =
        json_is_string(dir) ? place_check(json_string_value(dir), err)
                            : error_set(err, E_PROTOCOL, "The job's places are not texts");
    if (r == 0)
        *ret = places;
    return r;
}

int places_find(struct store *store, const struct places *places, const char **ret_dir, struct error *err)
{
    const char *dir = places->to;
    int there = store_dir_exists(store, dir, err);

    for (size_t i = 0; there == 0 && i < json_array_size(places->from); i++) {
        dir = json_string_value(json_array_get(places->from, i));
        there = store_dir_exists(store, dir, err);
    }
    if (there < 0)
        return there;
    if (there == 0)
        return error_set(err, E_NOT_FOUND, "The request's directory is in none of its places");
    *ret_dir = dir;
    return 0;
}

int places_publish(struct store *store, const struct places *places, const char *dir, struct error *err)
{
    int r = store_dir_own(store, dir, err); /* renaming a directory into another one takes its owner */

    if (r == 0 && strcmp(dir, places->to) != 0)
        r = store_dir_move(store, dir, places->to, err);
    if (r == 0)
        r = store_dir_own(store, places->to, err); /* the group is the new account's */
    /* A copy across file systems that was cut before it removed its source leaves two: the complete one counts. */
    for (size_t i = 0; r == 0 && i < json_array_size(places->from); i++) {
        const char *other = json_string_value(json_array_get(places->from, i));
        if (strcmp(other, places->to) != 0)
            r = store_dir_remove(store, other, err);
    }
    return r;
}
