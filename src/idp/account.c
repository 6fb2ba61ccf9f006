/* The accounts file and its look-ups. Runs in airlock-idp; never writes a secret in clear. */
#include "idp/account.h"

#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/uuid.h"
#include "idp/password.h"
#include "idp/state.h"

#define HASH_TEXT_MAX 256

struct accounts {
    atomic_uint refs;
    json_t *document; /* owns all texts */
    size_t count;
    struct account *items;
};

static int hash_check(const char *hash, const char *field, struct error *err)
{
    if (*hash == '\0' || password_hash_is_known(hash))
        return 0;
    return error_set_field(err, E_INVALID, field, "\"%s\" must be an argon2id hash", field);
}

static int account_read(const json_t *item, struct account *ret, struct error *err)
{
    int r;

    if ((r = json_need_string(item, "oid", ACCOUNT_TEXT_MAX, &ret->oid, err)) ||
        (r = json_need_string(item, "name", ACCOUNT_TEXT_MAX, &ret->name, err)) ||
        (r = json_get_string(item, "email", "", ACCOUNT_TEXT_MAX, &ret->email, err)) ||
        (r = json_get_string(item, "password_hash", "", HASH_TEXT_MAX, &ret->password_hash, err)) ||
        (r = json_get_string(item, "client_id", "", ACCOUNT_TEXT_MAX, &ret->client_id, err)) ||
        (r = json_get_string(item, "secret_hash", "", HASH_TEXT_MAX, &ret->secret_hash, err)) ||
        (r = json_get_int(item, "valid_from", 0, 0, INT64_MAX / 2, &ret->valid_from, err)) ||
        (r = json_get_bool(item, "disabled", false, &ret->disabled, err)) ||
        (r = json_get_bool(item, "is_service", false, &ret->is_service, err)) ||
        (r = json_get_bool(item, "must_change", false, &ret->must_change, err)) ||
        (r = hash_check(ret->password_hash, "password_hash", err)) ||
        (r = hash_check(ret->secret_hash, "secret_hash", err)))
        return r;
    if (!uuid_is_v4(ret->oid))
        return error_set_field(err, E_INVALID, "oid", "\"oid\" must be a version 4 UUID");
    if (ret->is_service && *ret->password_hash)
        return error_set_field(err, E_INVALID, "password_hash", "A service principal has no password");
    return 0;
}

/* Two people must not be one: each id, mail address and client stands once. */
static int account_check_unique(const struct accounts *accounts, const struct account *item, struct error *err)
{
    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *other = &accounts->items[i];
        if (strcmp(other->oid, item->oid) == 0)
            return error_set_field(err, E_INVALID, "oid", "The id %s stands twice", item->oid);
        if (*item->email && strcasecmp(other->email, item->email) == 0)
            return error_set_field(err, E_INVALID, "email", "The address %s stands twice", item->email);
        if (*item->client_id && strcmp(other->client_id, item->client_id) == 0)
            return error_set_field(err, E_INVALID, "client_id", "The client %s stands twice", item->client_id);
    }
    return 0;
}

int accounts_parse(const json_t *document, struct accounts **ret, struct error *err)
{
    json_t *items = json_object_get(document, "accounts");
    size_t index;
    const json_t *item;

    if (!json_is_array(items) || json_array_size(items) > ACCOUNTS_MAX)
        return error_set_field(err, E_INVALID, "accounts", "\"accounts\" must be an array of at most %d", ACCOUNTS_MAX);
    AUTO_ACCOUNTS struct accounts *accounts = xcalloc(1, sizeof *accounts);
    atomic_init(&accounts->refs, 1);
    accounts->document = json_incref(items);
    accounts->items = xcalloc(json_array_size(items), sizeof *accounts->items);
    json_array_foreach(items, index, item)
    {
        struct account *next = &accounts->items[accounts->count];
        int r = account_read(item, next, err);
        if (r == 0)
            r = account_check_unique(accounts, next, err);
        if (r != 0)
            return r;
        accounts->count++;
    }
    *ret = TAKE_PTR(accounts);
    return 0;
}

struct accounts *accounts_ref(struct accounts *accounts)
{
    atomic_fetch_add_explicit(&accounts->refs, 1, memory_order_relaxed);
    return accounts;
}

void accounts_unref(struct accounts *accounts)
{
    if (!accounts || atomic_fetch_sub_explicit(&accounts->refs, 1, memory_order_acq_rel) > 1)
        return;
    json_decref(accounts->document);
    free(accounts->items);
    free(accounts);
}

size_t accounts_count(const struct accounts *accounts)
{
    return accounts->count;
}

const struct account *accounts_by_login(const struct accounts *accounts, const char *login)
{
    const struct account *by_name = NULL;
    size_t of_that_name = 0;

    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *account = &accounts->items[i];
        if (*account->email && strcasecmp(account->email, login) == 0)
            return account;
        if (strcasecmp(account->name, login) == 0) {
            by_name = account;
            of_that_name++;
        }
    }
    return of_that_name == 1 ? by_name : NULL;
}

const struct account *accounts_by_client(const struct accounts *accounts, const char *client_id)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (*client_id && strcmp(accounts->items[i].client_id, client_id) == 0)
            return &accounts->items[i];
    return NULL;
}

const struct account *accounts_by_oid(const struct accounts *accounts, const char *oid)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (strcmp(accounts->items[i].oid, oid) == 0)
            return &accounts->items[i];
    return NULL;
}

bool account_is_live(const struct account *account, int64_t begun_at_s)
{
    return account && !account->disabled && begun_at_s >= account->valid_from;
}

int64_t account_begin(const struct account *account, int64_t now_s)
{
    return now_s > account->valid_from ? now_s : account->valid_from;
}

json_t *accounts_copy(const struct accounts *accounts)
{
    return json_deep_copy(accounts->document);
}

json_t *accounts_people(const struct accounts *accounts)
{
    json_t *people = json_array();
    for (size_t i = 0; i < accounts->count; i++) {
        const struct account *account = &accounts->items[i];
        json_array_append_new(people, json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "oid", account->oid, "name",
                                                account->name, "email", account->email, "client_id", account->client_id,
                                                "is_service", account->is_service, "disabled", account->disabled));
    }
    return people;
}

/* --- The file --- */

/* Reads the seed from its start, wherever its offset stands: a restarted process is given the same descriptor. */
static int seed_read(int fd, json_t **ret, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(ACCOUNTS_FILE_MAX);
    char chunk[16384];
    ssize_t got;

    while ((got = pread(fd, chunk, sizeof chunk, (off_t)text.len)) > 0 && !text.overflow)
        str_append_len(&text, chunk, (size_t)got);
    secret_wipe(chunk, sizeof chunk);
    int r = 0;
    if (got < 0)
        r = error_set_errno(err, E_IO, "Cannot read the seed");
    else if (text.overflow)
        r = error_set(err, E_LIMIT, "The seed is larger than %d bytes", ACCOUNTS_FILE_MAX);
    else
        r = json_parse_object(str_text(&text), text.len, ret, err);
    if (text.p)
        secret_wipe(text.p, text.len);
    return r;
}

/* Adds the hash of item[secret] to account[field], if there is such a secret. */
static int seed_hash(const json_t *item, const char *secret, json_t *account, const char *field, struct error *err)
{
    const char *clear = json_text(item, secret);
    AUTO_FREE char *hash = NULL;

    if (*clear == '\0')
        return 0;
    int r = password_hash(clear, &hash, err);
    if (r == 0)
        json_object_set_new(account, field, json_string(hash));
    return r;
}

static int seed_to_document(const json_t *seed, json_t *accounts, struct error *err)
{
    size_t index;
    const json_t *item;

    json_array_foreach(json_object_get(seed, "accounts"), index, item)
    {
        json_t *account = json_pack("{s:s, s:s, s:s, s:s, s:b}", "oid", json_text(item, "oid"), "name",
                                    json_text(item, "name"), "email", json_text(item, "email"), "client_id",
                                    json_text(item, "client_id"), "disabled", json_flag(item, "disabled"));
        json_array_append_new(accounts, account);
        int r = seed_hash(item, "password", account, "password_hash", err);
        if (r == 0)
            r = seed_hash(item, "client_secret", account, "secret_hash", err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int accounts_write(const char *path, const json_t *document, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(ACCOUNTS_FILE_MAX);

    json_append_value(&text, document);
    if (text.overflow)
        return error_set(err, E_LIMIT, "The accounts do not fit into %d bytes", ACCOUNTS_FILE_MAX);
    return state_write(path, str_text(&text), text.len, err);
}

static int accounts_plant(const char *path, int seed_fd, struct accounts **ret, struct error *err)
{
    AUTO_JSON json_t *seed = NULL;
    AUTO_JSON json_t *document = json_pack("{s:[]}", "accounts");

    int r = seed_fd < 0 ? 0 : seed_read(seed_fd, &seed, err);
    if (r == 0)
        r = seed_to_document(seed, json_object_get(document, "accounts"), err);
    if (r == 0)
        r = accounts_parse(document, ret, err); /* only what can be read again is written */
    if (r != 0 || seed_fd < 0)
        return r;
    r = accounts_write(path, document, err);
    if (r != 0)
        accounts_unref(TAKE_PTR(*ret));
    return r;
}

int accounts_load(const char *path, int seed_fd, struct accounts **ret, struct error *err)
{
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *document = NULL;
    size_t len;

    int r = file_read_secret(path, ACCOUNTS_FILE_MAX, &text, &len, err);
    if (r == E_NOT_FOUND)
        return accounts_plant(path, seed_fd, ret, err);
    if (r == 0)
        r = json_parse_object(text, len, &document, err);
    return r ? r : accounts_parse(document, ret, err);
}
