/* The accounts file as it is changed: each change is a new file beside the old one, synced and renamed over it, and a
 * new snapshot for whoever reads. One writer at a time; a crash leaves the old file or the new one, whole. */
#ifndef AIRLOCK_IDP_LEDGER_H
#define AIRLOCK_IDP_LEDGER_H

#include "idp/idp.h"

#define PASSWORD_MIN 12            /* characters of a password that a person chooses */
#define ONE_TIME_SIZE 30           /* 25 letters in groups of five: 125 bits, with the NUL */
#define CLIENT_SECRET_TEXT_SIZE 44 /* base64url of 32 random bytes, with the NUL */

/* Opens the directory of the accounts file, before the process confines itself. */
int ledger_open(const char *accounts_file, struct ledger **ret, struct error *err) MUST_USE;
void ledger_close(struct ledger *ledger);
int ledger_dirfd(const struct ledger *ledger); /* for the sandbox; borrowed */

/* Secrets in clear, made by a change, "" where it made none. Wipe it after use. */
struct new_secrets {
    char password[ONE_TIME_SIZE];
    char client_secret[CLIENT_SECRET_TEXT_SIZE];
};

struct new_account {
    const char *name;
    const char *email; /* "" is allowed for a service */
    bool is_service;
};

/* The changes. Each returns once the file is durable and the snapshot is in use; *ret_account is a copy of what the
 * account is now, {"oid","name","email","client_id","is_service","disabled"}, the caller's. E_EXISTS names the account
 * that has the name or the address already; E_NOT_FOUND: no such oid; E_LIMIT: ACCOUNTS_MAX or ACCOUNTS_FILE_MAX.
 * After E_IO the snapshot is as it was; the file may be the new one
 * until the next change. Worker threads only. */
int ledger_add(struct idp *idp, const struct new_account *account, struct new_secrets *ret_secrets,
               json_t **ret_account, struct error *err) MUST_USE;
/* A disabled account's sessions, codes and refresh tokens are dead for good; enabling lets it sign in again. */
int ledger_set_disabled(struct idp *idp, const char *oid, bool disabled, json_t **ret_account,
                        struct error *err) MUST_USE;
/* Replaces every secret that the account has: the password by one for one time, and the client secret. */
int ledger_reset(struct idp *idp, const char *oid, struct new_secrets *ret_secrets, json_t **ret_account,
                 struct error *err) MUST_USE;
/* The person's own change: only while the password is still the one behind old_hash, E_STALE otherwise. */
int ledger_set_password(struct idp *idp, const char *oid, const char *old_hash, const char *password,
                        struct error *err) MUST_USE;

#endif
