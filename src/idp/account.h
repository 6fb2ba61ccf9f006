/* Local accounts: who may sign in, and with which hashes. A struct accounts is a counted snapshot that never changes,
 * so threads share it without a lock; a change makes a new one (idp_accounts in idp/idp.h gives the present one). Only
 * airlock-idp ever opens the file. */
#ifndef AIRLOCK_IDP_ACCOUNT_H
#define AIRLOCK_IDP_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

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
    int64_t valid_from; /* seconds: what began before (a session, code, grant) is dead; 0 where nothing ended yet */
    bool disabled;
    bool is_service;  /* a program: has a client id and a secret, never signs in at a page */
    bool must_change; /* the password is for one time: the next sign-in with it sets another */
};

struct accounts;

/* Reads the file at path (0600). When there is none it is made from the seed (a descriptor of a JSON file with secrets
 * in clear); without a seed (-1) there are no accounts and no file is made, so that a seed may come later. E_CONFIG
 * names what is wrong with it. */
int accounts_load(const char *path, int seed_fd, struct accounts **ret, struct error *err) MUST_USE;
/* The same from a document {"accounts":[…]} of the file's form. */
int accounts_parse(const json_t *document, struct accounts **ret, struct error *err) MUST_USE;
struct accounts *accounts_ref(struct accounts *accounts); /* any thread */
void accounts_unref(struct accounts *accounts);           /* NULL is fine; its struct account die with the last */
static inline void cleanup_accounts_(struct accounts **accounts)
{
    accounts_unref(*accounts);
}
#define AUTO_ACCOUNTS CLEANUP(cleanup_accounts_)
size_t accounts_count(const struct accounts *accounts);

/* Borrowed, or NULL. login is a mail address, or a name where just one person has it; letter case does not matter. */
const struct account *accounts_by_login(const struct accounts *accounts, const char *login);
const struct account *accounts_by_client(const struct accounts *accounts, const char *client_id);
const struct account *accounts_by_oid(const struct accounts *accounts, const char *oid);

/* Does what began at begun_at_s (account_begin) still count? false for NULL and for who is disabled. */
bool account_is_live(const struct account *account, int64_t begun_at_s);
/* When something of this account begins now: at now_s, but never before what the last change let live. */
int64_t account_begin(const struct account *account, int64_t now_s);

/* The accounts in the file's form, an array that is the caller's to change. */
json_t *accounts_copy(const struct accounts *accounts);
/* [{"oid","name","email","client_id","is_service","disabled"}…]; the caller's. */
json_t *accounts_people(const struct accounts *accounts);

#endif
