/* Where bytes lie: ZONE/USE/ACCOUNT/REQUEST.TOKEN below the storage root. The only place that makes or reads such
 * paths. */
#ifndef AIRLOCK_CORE_PLACE_H
#define AIRLOCK_CORE_PLACE_H

#include "core/core.h"

/* ZONE/USE/ACCOUNT of an account; digits: the workspace's. */
int place_account(const struct core *core, enum account account, const char *digits, char ret[static PATH_MAX_TEXT],
                  struct error *err) MUST_USE;
/* ZONE/USE/ACCOUNT/REQUEST.TOKEN */
void place_dir(const char *account_dir, const char *request, int64_t token, char ret[static PATH_MAX_TEXT]);
/* Reads a directory back. The pointers stay in dir; the account's name is copied. */
bool place_read(const char *dir, enum zone *ret_zone, char ret_account[static ACCOUNT_NAME_MAX + 1],
                char ret_request[static UUID_TEXT_SIZE], int64_t *ret_token);
/* The directory as airlock-blob names it: without its zone. */
const char *place_in_zone(const char *dir);
void place_delivery(const char *workspace, const char *request, char ret[static PATH_MAX_TEXT]);

#endif
