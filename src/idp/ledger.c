/* Changing accounts. Runs on airlock-idp's workers; writes no secret in clear, to the file or the log. */
#include "idp/ledger.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/uuid.h"

struct ledger {
    pthread_mutex_t lock; /* one writer at a time, from the snapshot it reads to the one it puts */
    int dirfd;
    char *name;
};

int ledger_open(const char *accounts_file, struct ledger **ret, struct error *err)
{
    const char *slash = strrchr(accounts_file, '/');
    if (!slash || *accounts_file != '/')
        return error_set(err, E_CONFIG, "%s must be an absolute path", accounts_file);
    AUTO_FREE char *parent = xstrndup(accounts_file, slash == accounts_file ? 1 : (size_t)(slash - accounts_file));
    int dirfd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return error_set_errno(err, E_IO, "Cannot open the directory %s", parent);
    struct ledger *ledger = xcalloc(1, sizeof *ledger);
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->dirfd = dirfd;
    ledger->name = xstrdup(slash + 1);
    *ret = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    (void)close(ledger->dirfd);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->name);
    free(ledger);
}

int ledger_dirfd(const struct ledger *ledger)
{
    return ledger->dirfd;
}

/* --- One change --- */

/* Fills or changes accounts, an array of the file's form that is ours to change; *ret_account is borrowed from it. */
typedef int change_fn(json_t *accounts, void *ctx, json_t **ret_account, struct error *err);

/* Only what can be read again is written. */
static int ledger_write(struct ledger *ledger, const json_t *document, struct accounts **ret, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(ACCOUNTS_FILE_MAX);
    AUTO_ACCOUNTS struct accounts *next = NULL;

    int r = accounts_parse(document, &next, err);
    if (r != 0)
        return r;
    json_append_value(&text, document);
    if (text.overflow)
        return error_set(err, E_LIMIT, "The accounts do not fit into %d bytes", ACCOUNTS_FILE_MAX);
    r = file_write(ledger->dirfd, ledger->name, str_text(&text), text.len, 0600, err);
    if (r == 0)
        *ret = TAKE_PTR(next);
    return r;
}

static json_t *account_shown(const json_t *item)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "oid", json_text(item, "oid"), "name", json_text(item, "name"),
                     "email", json_text(item, "email"), "client_id", json_text(item, "client_id"), "is_service",
                     json_flag(item, "is_service"), "disabled", json_flag(item, "disabled"));
}

/* With the lock held, also while what it took is let go: the next change begins with nobody else at its accounts. */
static int change_accounts(struct idp *idp, change_fn *change, void *ctx, json_t **ret_account, struct error *err)
{
    struct accounts *next = NULL;
    json_t *item = NULL;

    AUTO_ACCOUNTS struct accounts *now = idp_accounts(idp);
    AUTO_JSON json_t *list = accounts_copy(now);
    AUTO_JSON json_t *document = json_pack("{s:O}", "accounts", list);
    int r = change(list, ctx, &item, err);
    if (r == 0)
        r = ledger_write(idp->ledger, document, &next, err);
    if (r == 0 && ret_account)
        *ret_account = account_shown(item);
    if (r == 0)
        idp_set_accounts(idp, next);
    return r;
}

static int ledger_change(struct idp *idp, change_fn *change, void *ctx, json_t **ret_account, struct error *err)
{
    pthread_mutex_lock(&idp->ledger->lock);
    int r = change_accounts(idp, change, ctx, ret_account, err);
    pthread_mutex_unlock(&idp->ledger->lock);
    return r;
}

static int find(const json_t *accounts, const char *oid, json_t **ret, struct error *err)
{
    size_t index;
    json_t *item;

    json_array_foreach(accounts, index, item)
    {
        if (strcmp(json_text(item, "oid"), oid) == 0) {
            *ret = item;
            return 0;
        }
    }
    return error_set(err, E_NOT_FOUND, "There is no account with the id %s", oid);
}

/* What began until now is dead: what begins afterwards has a later second (account_begin). */
static void end_what_began(json_t *item)
{
    int64_t next = clock_now_s() + 1, before = json_int(item, "valid_from");
    json_object_set_new(item, "valid_from", json_integer(next > before ? next : before + 1));
}

/* --- Secrets --- */

/* Letters and digits that are not taken for one another, 32 of them: 5 bits each. */
static void one_time_password(char out[static ONE_TIME_SIZE])
{
    static const char LETTERS[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[ONE_TIME_SIZE - 1];

    random_fill(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        out[i] = i % 6 == 5 ? '-' : LETTERS[random[i] % (sizeof LETTERS - 1)];
    out[sizeof random] = '\0';
    secret_wipe(random, sizeof random);
}

static void client_secret(char out[static CLIENT_SECRET_TEXT_SIZE])
{
    unsigned char random[32];
    AUTO_STR struct str text = STR_INIT(CLIENT_SECRET_TEXT_SIZE);

    random_fill(random, sizeof random);
    base64url_append(&text, random, sizeof random);
    (void)str_copy(out, CLIENT_SECRET_TEXT_SIZE, str_text(&text)); /* of just this size */
    secret_wipe(random, sizeof random);
    secret_wipe(text.p, text.len);
}

static int set_hash(json_t *item, const char *field, const char *clear, struct error *err)
{
    AUTO_FREE char *hash = NULL;
    int r = password_hash(clear, &hash, err);
    if (r == 0)
        json_object_set_new(item, field, json_string(hash));
    return r;
}

/* New secrets of each kind that the account has. A service has no password. */
static int give_secrets(json_t *item, struct new_secrets *secrets, struct error *err)
{
    int r = 0;

    *secrets = (struct new_secrets){.password = ""};
    if (!json_flag(item, "is_service")) {
        one_time_password(secrets->password);
        r = set_hash(item, "password_hash", secrets->password, err);
        json_object_set_new(item, "must_change", json_true());
    }
    if (r == 0 && *json_text(item, "client_id")) {
        client_secret(secrets->client_secret);
        r = set_hash(item, "secret_hash", secrets->client_secret, err);
    }
    return r;
}

/* --- The changes --- */

struct adding {
    const struct new_account *account;
    struct new_secrets *secrets;
};

/* A name or an address means one account, whichever of the two it is. */
static int check_free(const json_t *accounts, const char *text, const char *field, struct error *err)
{
    size_t index;
    const json_t *item;

    json_array_foreach(accounts, index, item)
    {
        if (*text &&
            (strcasecmp(json_text(item, "name"), text) == 0 || strcasecmp(json_text(item, "email"), text) == 0))
            return error_set_field(err, E_EXISTS, field, "There is an account \"%.100s\" already: %s (%s)", text,
                                   json_text(item, "name"), json_text(item, "oid"));
    }
    return 0;
}

static int change_add(json_t *accounts, void *ctx, json_t **ret_account, struct error *err)
{
    const struct adding *adding = ctx;
    char oid[UUID_TEXT_SIZE], client[UUID_TEXT_SIZE] = "";

    int r = check_free(accounts, adding->account->name, "name", err);
    if (r == 0)
        r = check_free(accounts, adding->account->email, "email", err);
    if (r != 0)
        return r;
    if (json_array_size(accounts) >= ACCOUNTS_MAX)
        return error_set(err, E_LIMIT, "There can be at most %d accounts", ACCOUNTS_MAX);
    uuid_new(oid);
    if (adding->account->is_service)
        uuid_new(client);
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:b}", "oid", oid, "name", adding->account->name, "email",
                             adding->account->email, "client_id", client, "is_service", adding->account->is_service);
    if (!item)
        return error_set(err, E_INVALID, "Name and address must be UTF-8 text");
    json_array_append_new(accounts, item);
    *ret_account = item;
    return give_secrets(item, adding->secrets, err);
}

int ledger_add(struct idp *idp, const struct new_account *account, struct new_secrets *ret_secrets,
               json_t **ret_account, struct error *err)
{
    struct adding adding = {account, ret_secrets};
    return ledger_change(idp, change_add, &adding, ret_account, err);
}

struct setting {
    const char *oid;
    bool disabled;
    struct new_secrets *secrets;
    const char *old_hash;
    const char *password;
};

static int change_disabled(json_t *accounts, void *ctx, json_t **ret_account, struct error *err)
{
    const struct setting *setting = ctx;
    int r = find(accounts, setting->oid, ret_account, err);

    if (r != 0)
        return r;
    json_object_set_new(*ret_account, "disabled", json_boolean(setting->disabled));
    if (setting->disabled)
        end_what_began(*ret_account);
    return 0;
}

int ledger_set_disabled(struct idp *idp, const char *oid, bool disabled, json_t **ret_account, struct error *err)
{
    struct setting setting = {.oid = oid, .disabled = disabled};
    return ledger_change(idp, change_disabled, &setting, ret_account, err);
}

static int change_secrets(json_t *accounts, void *ctx, json_t **ret_account, struct error *err)
{
    const struct setting *setting = ctx;
    int r = find(accounts, setting->oid, ret_account, err);

    if (r != 0)
        return r;
    end_what_began(*ret_account);
    return give_secrets(*ret_account, setting->secrets, err);
}

int ledger_reset(struct idp *idp, const char *oid, struct new_secrets *ret_secrets, json_t **ret_account,
                 struct error *err)
{
    struct setting setting = {.oid = oid, .secrets = ret_secrets};
    return ledger_change(idp, change_secrets, &setting, ret_account, err);
}

static int change_password(json_t *accounts, void *ctx, json_t **ret_account, struct error *err)
{
    const struct setting *setting = ctx;
    int r = find(accounts, setting->oid, ret_account, err);

    if (r != 0)
        return r;
    if (json_flag(*ret_account, "disabled") || strcmp(json_text(*ret_account, "password_hash"), setting->old_hash) != 0)
        return error_set(err, E_STALE, "The password was changed elsewhere just now");
    json_object_set_new(*ret_account, "must_change", json_false());
    end_what_began(*ret_account);
    return set_hash(*ret_account, "password_hash", setting->password, err);
}

int ledger_set_password(struct idp *idp, const char *oid, const char *old_hash, const char *password, struct error *err)
{
    struct setting setting = {.oid = oid, .old_hash = old_hash, .password = password};
    return ledger_change(idp, change_password, &setting, NULL, err);
}
