/* The table of open codes. Runs in airlock-idp; holds no code in clear. */
#include "idp/code.h"

#include <string.h>

#include "base/str.h"

#define CHALLENGE_LEN 43
#define VERIFIER_MIN 43 /* RFC 7636 §4.1 */
#define VERIFIER_MAX 128

struct code {
    json_t *grant; /* NULL: it was spent, came again, and that was dealt with */
    bool spent;
    bool replayed;
    char family[SHA256_HEX_SIZE]; /* what was made of it */
};

static void code_free(void *content)
{
    struct code *code = content;
    json_decref(code->grant);
    free(code);
}

struct secrets *code_store_new(void)
{
    return secrets_new(code_free);
}

void code_issue(struct secrets *codes, json_t *grant, int64_t now_ms, char ret_code[static SECRET_SIZE])
{
    struct code *code = xcalloc(1, sizeof *code);

    code->grant = json_incref(grant);
    pthread_mutex_lock(&codes->lock);
    secret_add(codes, json_text(grant, "oid"), code, now_ms, now_ms + CODE_LIFETIME_MS, ret_code);
    pthread_mutex_unlock(&codes->lock);
}

/* With the lock held. */
static struct code *code_find(struct secrets *codes, const char *text, int64_t now_ms)
{
    const struct secret *row = secret_find(codes, text, now_ms);
    return row ? row->content : NULL;
}

static bool proof_fits(const struct code_proof *proof, const json_t *grant)
{
    return strcmp(proof->client_id, json_text(grant, "client_id")) == 0 &&
           strcmp(proof->redirect_uri, json_text(grant, "redirect_uri")) == 0 &&
           verifier_fits(proof->verifier, json_text(grant, "code_challenge"));
}

static int code_unknown(struct error *err)
{
    return error_set(err, E_INVALID,
                     "The code is unknown, expired, or belongs to another client, redirect or verifier");
}

/* With the lock held: the code is spent from here on. */
static int code_spend(struct code *code, json_t **ret_grant, char ret_family[static SHA256_HEX_SIZE], struct error *err)
{
    if (!code || !code->grant)
        return code_unknown(err);
    code->replayed = code->spent;
    code->spent = true;
    *ret_grant = json_incref(code->grant);
    (void)str_copy(ret_family, SHA256_HEX_SIZE, code->family);
    return code->replayed ? error_set(err, E_STALE, "The code was used before") : 0;
}

int code_redeem(struct secrets *codes, const struct code_proof *proof, int64_t now_ms, json_t **ret_grant,
                char ret_family[static SHA256_HEX_SIZE], struct error *err)
{
    AUTO_JSON json_t *grant = NULL;

    pthread_mutex_lock(&codes->lock);
    int r = code_spend(code_find(codes, proof->code, now_ms), &grant, ret_family, err);
    pthread_mutex_unlock(&codes->lock);
    if (r == 0 && !proof_fits(proof, grant))
        r = code_unknown(err);
    if (r == 0 || r == E_STALE)
        *ret_grant = TAKE_PTR(grant);
    return r;
}

bool code_settle(struct secrets *codes, const char *code, const char *family, int64_t now_ms)
{
    pthread_mutex_lock(&codes->lock);
    struct code *spent = code_find(codes, code, now_ms);
    bool is_good = spent && !spent->replayed;
    if (is_good)
        (void)str_copy(spent->family, sizeof spent->family, family); /* hex of a digest */
    pthread_mutex_unlock(&codes->lock);
    return is_good;
}

void code_forget(struct secrets *codes, const char *code, int64_t now_ms)
{
    pthread_mutex_lock(&codes->lock);
    struct code *spent = code_find(codes, code, now_ms);
    if (spent)
        json_decref(TAKE_PTR(spent->grant));
    pthread_mutex_unlock(&codes->lock);
}

bool challenge_is_valid(const char *challenge)
{
    unsigned char digest[SHA256_SIZE];
    size_t len;
    return strlen(challenge) == CHALLENGE_LEN &&
           base64url_decode(challenge, CHALLENGE_LEN, digest, sizeof digest, &len) && len == sizeof digest;
}

static bool verifier_is_valid(const char *verifier)
{
    static const char UNRESERVED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t len = strnlen(verifier, VERIFIER_MAX + 1);
    return len >= VERIFIER_MIN && len <= VERIFIER_MAX && verifier[strspn(verifier, UNRESERVED)] == '\0';
}

bool verifier_fits(const char *verifier, const char *challenge)
{
    unsigned char digest[SHA256_SIZE], wanted[SHA256_SIZE];
    size_t len;

    if (!verifier_is_valid(verifier) || strlen(challenge) != CHALLENGE_LEN ||
        !base64url_decode(challenge, CHALLENGE_LEN, wanted, sizeof wanted, &len) || len != sizeof wanted)
        return false;
    sha256(verifier, strlen(verifier), digest);
    return equal_constant_time(digest, wanted, sizeof digest);
}
