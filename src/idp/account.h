/* Local accounts: who may sign in, and with which hashes. Read once at start and unchanging from there, so threads
 * share them without a lock. Only airlock-idp ever opens the file. */
#ifndef AIRLOCK_IDP_ACCOUNT_H
#define AIRLOCK_IDP_ACCOUNT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

#define ACCOUNTS_MAX 10000
#define ACCOUNTS_FILE_MAX (16 * 1024 * 1024)
#define ACCOUNT_TEXT_MAX 256 /* bytes of a name, mail address or client id */

struct account {
    const char *oid; /* a UUID: the person, for ever */
    const char *name;
    const char *email;
    const char *password_hash; /* "" where the person has no password */
    const char *client_id;     /* "" where the person has no client */
    const char *secret_hash;
    bool disabled;
};

struct accounts;

/* Reads the file at path (0600). When there is none it is made from the seed (a descriptor of a JSON file with secrets
 * in clear); without a seed (-1) there are no accounts and no file is made, so that a seed may come later. E_CONFIG
 * names what is wrong with it. */
int accounts_load(const char *path, int seed_fd, struct accounts **ret, struct error *err) MUST_USE;
/* The same from a document {"accounts":[…]} of the file's form. */
int accounts_parse(const json_t *document, struct accounts **ret, struct error *err) MUST_USE;
void accounts_free(struct accounts *accounts);
size_t accounts_count(const struct accounts *accounts);

/* Borrowed, or NULL. login is a mail address, or a name where just one person has it; letter case does not matter. */
const struct account *accounts_by_login(const struct accounts *accounts, const char *login);
const struct account *accounts_by_client(const struct accounts *accounts, const char *client_id);
const struct account *accounts_by_oid(const struct accounts *accounts, const char *oid);

/* [{"oid","name","email"}…] of those who are not disabled; the caller's. */
json_t *accounts_people(const struct accounts *accounts);

#endif
