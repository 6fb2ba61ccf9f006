/* What stays between two runs: the login of each server and its cached tokens, each a JSON file that only the person
 * can read (0600 in a 0700 directory), written atomically. The directory is AIRLOCK_CONFIG_DIR, else
 * XDG_CONFIG_HOME/airlock, else HOME/.config/airlock. */
#ifndef AIRLOCK_CLI_CONFIG_H
#define AIRLOCK_CLI_CONFIG_H

#include <jansson.h>

#include "base/error.h"
#include "base/macros.h"

enum config_file {
    CONFIG_LOGIN,  /* {"url","method","client_id",…}: see server.h */
    CONFIG_TOKENS, /* {"session","tokens":{…},"refresh":{…},"scopes":{…}}: see tokens.c */
};

/* The server of the last login: *ret is the caller's, NULL when there is none. */
int config_current(char **ret, struct error *err) MUST_USE;
int config_set_current(const char *url, struct error *err) MUST_USE;

/* *ret is the caller's; NULL (and 0) when the file is not there. E_CONFIG when others can read it or it is not JSON. */
int config_load(enum config_file file, const char *url, json_t **ret, struct error *err) MUST_USE;
int config_save(enum config_file file, const char *url, const json_t *value, struct error *err) MUST_USE;
/* Waits until no other process changes what is kept for url. Closing the returned descriptor (or ending) lets go. */
int config_lock(const char *url, struct error *err) MUST_USE;
/* Removing what is not there is success. */
int config_remove(enum config_file file, const char *url, struct error *err) MUST_USE;

#endif
