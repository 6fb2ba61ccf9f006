/* Links: Azure service SAS for a container (sr=c), minted and judged. Layout: Azure Storage "Create a service SAS", sv
 * 2020-12-06 and later (16 fields). Pure: time, keys and addresses come from the caller. Only core mints or verifies.
 *
 * si carries KID-GENERATION-LINKID; the signing key is derived per account, container and generation, so raising a
 * container's generation kills every older link.
 *
 * Order for a caller: sas_parse, sas_id_parse, sas_key_derive with the generation the DATABASE names, sas_verify, then
 * time, address, protocol, permission. A signature is never logged. */
#ifndef AIRLOCK_MODEL_SAS_H
#define AIRLOCK_MODEL_SAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/str.h"

#define SAS_KEY_SIZE SHA256_SIZE
#define SAS_KID_MAX 8              /* lower-case letters and digits, for example "k1" */
#define SAS_LINK_ID_DIGITS 16      /* lower-case hex */
#define SAS_ID_MAX 64              /* Azure's limit for a stored access policy's id */
#define SAS_QUERY_MAX 1024         /* the longest query sas_mint writes */
#define SAS_SIGNED_MAX (16 * 1024) /* no longer than a request target */
#define SAS_VERSION "2021-12-02"   /* sv of what we mint: known to every client, and of the 16-field layout */
#define SAS_BACKDATE_S 300         /* st is that long ago, for clocks that are behind */

/* One decoded query parameter. */
struct sas_pair {
    const char *name;
    const char *value;
};

/* The fields exactly as sent (they are signed as text); "" when absent. All borrowed from the pairs. */
struct sas_fields {
    const char *sp, *st, *se, *sip, *spr, *sv, *sr, *si, *sig;
    const char *rscc, *rscd, *rsce, *rscl, *rsct;
};

struct sas_id {
    char kid[SAS_KID_MAX + 1];
    uint64_t generation;
    char link_id[SAS_LINK_ID_DIGITS + 1];
};

/* Is this query parameter part of a SAS (of any kind Azure knows)? Case matters: "SIG" is not. */
bool sas_is_field(const char *name);

/* Picks the SAS out of a request's query; other parameters are skipped. E_NO_CREDENTIALS when there is no sig. E_SAS
 * for: a field given twice, empty, or with control characters; a field that belongs to another kind of SAS (account,
 * user delegation, directory); a SAS name in other letter case; sr other than "c"; sv malformed or older than
 * 2020-12-06; sp, se, si missing. */
int sas_parse(const struct sas_pair *pairs, size_t count, struct sas_fields *ret_fields, struct error *err) MUST_USE;

/* si. The parser is strict: what sas_id_format writes and nothing else. E_SAS otherwise. */
int sas_id_parse(const char *text, struct sas_id *ret_id, struct error *err) MUST_USE;
/* E_INVALID when a member is out of form. */
int sas_id_format(const struct sas_id *id, char ret_text[static SAS_ID_MAX + 1], struct error *err) MUST_USE;
void sas_link_id_new(char ret_link_id[static SAS_LINK_ID_DIGITS + 1]);

/* HKDF-SHA-256(master, "sas", account, container, generation), each field length-prefixed. */
void sas_key_derive(const unsigned char master[static SAS_KEY_SIZE], const char *account, const char *container,
                    uint64_t generation, unsigned char ret_key[static SAS_KEY_SIZE]);

/* The 16 fields joined by newlines. */
void sas_string_to_sign(const struct sas_fields *fields, const char *account, const char *container, struct str *out);
/* E_SAS when the text is longer than SAS_SIGNED_MAX. */
int sas_sign(const unsigned char key[static SAS_KEY_SIZE], const struct sas_fields *fields, const char *account,
             const char *container, unsigned char ret_mac[static SHA256_SIZE], struct error *err) MUST_USE;
/* Strict base64, constant time. E_SAS. */
int sas_verify(const unsigned char key[static SAS_KEY_SIZE], const struct sas_fields *fields, const char *account,
               const char *container, struct error *err) MUST_USE;

/* now in seconds. st <= now < se + grace_s, no other leeway. E_SAS. */
int sas_check_time(const struct sas_fields *fields, int64_t now, int64_t grace_s, struct error *err) MUST_USE;
/* spr "" or "https,http" allow both, "https" only TLS; anything else is refused. E_SAS_PROTOCOL. */
int sas_check_protocol(const struct sas_fields *fields, bool is_tls, struct error *err) MUST_USE;
/* sip "" allows all; one address or "first-last", IPv4 or IPv6. E_SAS_ADDRESS. */
int sas_check_address(const struct sas_fields *fields, const char *address, struct error *err) MUST_USE;
/* needed: bits of which ONE is enough (Put Blob takes create or write). E_SAS_PERMISSION; E_SAS for a bad sp. */
int sas_check_permission(const struct sas_fields *fields, unsigned needed, struct error *err) MUST_USE;

struct sas_mint {
    const char *account;
    const char *container;
    struct sas_id id;
    unsigned permissions;
    int64_t now;         /* seconds; st is SAS_BACKDATE_S earlier */
    int64_t expires;     /* seconds */
    bool allow_http;     /* spr=https,http; else spr=https */
    const char *address; /* sip, or NULL */
};
/* Appends "sv=…&spr=…&st=…&se=…&sr=c&sp=…[&sip=…]&si=…&sig=…" to out. E_INVALID for an id out of form, no permission,
 * or an expiry that is not after now. */
int sas_mint(const unsigned char key[static SAS_KEY_SIZE], const struct sas_mint *mint, struct str *out,
             struct error *err) MUST_USE;

#endif
