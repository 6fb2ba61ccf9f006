/* Reading, signing and minting of links. Pure; the keys live in core and nowhere else. */
#include "model/sas.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "model/authz.h"

/* Every query parameter that makes up a SAS of some kind. OURS: fields of a container's service SAS. FOREIGN: fields of
 * other kinds, which would change what the signature means: refused, never skipped. */
#define SAS_OURS(X) X(sp) X(st) X(se) X(sip) X(spr) X(sv) X(sr) X(si) X(sig) X(rscc) X(rscd) X(rsce) X(rscl) X(rsct)

static const struct {
    const char *name;
    size_t offset; /* of the member in struct sas_fields */
} OURS[] = {
#define X(field) {#field, offsetof(struct sas_fields, field)},
    SAS_OURS(X)
#undef X
};

static const char *const FOREIGN[] = {
    "ss",    "srt",                                       /* account SAS */
    "skoid", "sktid", "skt",  "ske",    "sks",     "skv", /* user delegation key */
    "saoid", "suoid", "scid", "sduoid", "skdutid",        /* user delegation: identities */
    "sdd",                                                /* directory depth */
    "ses",   "srh",   "srq",                              /* encryption scope, signed headers and parameters */
    "tn",    "spk",   "srk",  "epk",    "erk",            /* tables */
};

static const char **field_of(struct sas_fields *fields, size_t offset)
{
    return (const char **)(void *)((char *)fields + offset);
}

static bool is_foreign(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(FOREIGN); i++)
        if (strcmp(FOREIGN[i], name) == 0)
            return true;
    return false;
}

bool sas_is_field(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        if (strcmp(OURS[i].name, name) == 0)
            return true;
    return is_foreign(name);
}

static bool is_miswritten(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        if (strcasecmp(OURS[i].name, name) == 0 && strcmp(OURS[i].name, name) != 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(FOREIGN); i++)
        if (strcasecmp(FOREIGN[i], name) == 0 && strcmp(FOREIGN[i], name) != 0)
            return true;
    return false;
}

static bool has_controls(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return true;
    return false;
}

static int take_pair(const struct sas_pair *pair, struct sas_fields *fields, struct error *err)
{
    if (is_foreign(pair->name))
        return error_set_field(err, E_SAS, pair->name, "\"%s\" is not part of a service SAS for a container",
                               pair->name);
    if (is_miswritten(pair->name))
        return error_set_field(err, E_SAS, pair->name, "SAS fields are written in lower case");
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++) {
        if (strcmp(OURS[i].name, pair->name) != 0)
            continue;
        const char **field = field_of(fields, OURS[i].offset);
        if ((*field)[0] != '\0')
            return error_set_field(err, E_SAS, pair->name, "\"%s\" is given twice", pair->name);
        if (pair->value[0] == '\0')
            return error_set_field(err, E_SAS, pair->name, "\"%s\" is empty", pair->name);
        if (has_controls(pair->value)) /* rscc and its like become headers */
            return error_set_field(err, E_SAS, pair->name, "\"%s\" has control characters", pair->name);
        *field = pair->value;
    }
    return 0;
}

/* sv: a date. The 16-field layout begins with 2020-12-06; ISO dates compare as text. */
static bool is_version(const char *sv)
{
    int64_t unused;
    return strlen(sv) == 10 && clock_parse_sas(sv, &unused) && strcmp(sv, "2020-12-06") >= 0;
}

int sas_parse(const struct sas_pair *pairs, size_t count, struct sas_fields *ret_fields, struct error *err)
{
    struct sas_fields fields;

    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        *field_of(&fields, OURS[i].offset) = "";
    for (size_t i = 0; i < count; i++) {
        int r = take_pair(&pairs[i], &fields, err);
        if (r < 0)
            return r;
    }
    if (fields.sig[0] == '\0')
        return error_set(err, E_NO_CREDENTIALS, "The request carries no SAS");
    if (strcmp(fields.sr, "c") != 0)
        return error_set_field(err, E_SAS, "sr", "\"sr\" must be \"c\"");
    if (!is_version(fields.sv))
        return error_set_field(err, E_SAS, "sv", "\"sv\" must be a version from 2020-12-06 on");
    const char *missing = !*fields.sp ? "sp" : !*fields.se ? "se" : !*fields.si ? "si" : NULL;
    if (missing)
        return error_set_field(err, E_SAS, missing, "\"%s\" is missing", missing);
    *ret_fields = fields;
    return 0;
}

static bool is_kid(const char *kid, size_t len)
{
    if (len == 0 || len > SAS_KID_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((kid[i] >= 'a' && kid[i] <= 'z') || (kid[i] >= '0' && kid[i] <= '9')))
            return false;
    return true;
}

static bool is_link_id(const char *text)
{
    return strlen(text) == SAS_LINK_ID_DIGITS && strspn(text, "0123456789abcdef") == SAS_LINK_ID_DIGITS;
}

int sas_id_parse(const char *text, struct sas_id *ret_id, struct error *err)
{
    struct sas_id id = {0};
    const char *dash = strchr(text, '-');
    const char *second = dash ? strchr(dash + 1, '-') : NULL;

    if (!second || !is_kid(text, (size_t)(dash - text)) || !is_link_id(second + 1))
        return error_set_field(err, E_SAS, "si", "\"si\" is not one of our link ids");
    size_t digits = (size_t)(second - dash - 1);
    if ((dash[1] == '0' && digits > 1) || !num_parse_len(dash + 1, digits, 0, INT64_MAX, &id.generation))
        return error_set_field(err, E_SAS, "si", "\"si\" is not one of our link ids");
    memcpy(id.kid, text, (size_t)(dash - text));
    memcpy(id.link_id, second + 1, SAS_LINK_ID_DIGITS);
    *ret_id = id;
    return 0;
}

int sas_id_format(const struct sas_id *id, char ret_text[static SAS_ID_MAX + 1], struct error *err)
{
    if (!is_kid(id->kid, strlen(id->kid)) || !is_link_id(id->link_id) || id->generation > INT64_MAX)
        return error_set(err, E_INVALID, "The link id is out of form");
    /* at most 8 + 1 + 19 + 1 + 16 characters */
    (void)snprintf(ret_text, SAS_ID_MAX + 1, "%s-%" PRIu64 "-%s", id->kid, id->generation, id->link_id);
    return 0;
}

void sas_link_id_new(char ret_link_id[static SAS_LINK_ID_DIGITS + 1])
{
    unsigned char bytes[SAS_LINK_ID_DIGITS / 2];

    random_fill(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, ret_link_id);
}

static void append_field(struct str *s, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    unsigned char prefix[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                               (unsigned char)len};

    str_append_len(s, prefix, sizeof prefix);
    str_append(s, text);
}

void sas_key_derive(const unsigned char master[static SAS_KEY_SIZE], const char *account, const char *container,
                    uint64_t generation, unsigned char ret_key[static SAS_KEY_SIZE])
{
    AUTO_STR struct str info = STR_INIT(4096);
    char number[24];

    (void)snprintf(number, sizeof number, "%" PRIu64, generation);
    append_field(&info, "sas");
    append_field(&info, account);
    append_field(&info, container);
    append_field(&info, number);
    if (info.overflow) /* names are far shorter: a cut one would give two containers one key */
        abort();
    hkdf_sha256(master, SAS_KEY_SIZE, info.p, info.len, ret_key, SAS_KEY_SIZE);
}

void sas_string_to_sign(const struct sas_fields *fields, const char *account, const char *container, struct str *out)
{
    str_printf(out, "%s\n%s\n%s\n/blob/%s/%s\n", fields->sp, fields->st, fields->se, account, container);
    str_printf(out, "%s\n%s\n%s\n%s\n%s\n", fields->si, fields->sip, fields->spr, fields->sv, fields->sr);
    str_append(out, "\n\n"); /* snapshot time, encryption scope: never set for a container */
    str_printf(out, "%s\n%s\n%s\n%s\n%s", fields->rscc, fields->rscd, fields->rsce, fields->rscl, fields->rsct);
}

int sas_sign(const unsigned char key[static SAS_KEY_SIZE], const struct sas_fields *fields, const char *account,
             const char *container, unsigned char ret_mac[static SHA256_SIZE], struct error *err)
{
    AUTO_STR struct str text = STR_INIT(SAS_SIGNED_MAX);

    sas_string_to_sign(fields, account, container, &text);
    if (text.overflow)
        return error_set(err, E_SAS, "The SAS is too long");
    hmac_sha256(key, SAS_KEY_SIZE, text.p, text.len, ret_mac);
    return 0;
}

int sas_verify(const unsigned char key[static SAS_KEY_SIZE], const struct sas_fields *fields, const char *account,
               const char *container, struct error *err)
{
    unsigned char given[SHA256_SIZE], expected[SHA256_SIZE];
    size_t given_len = 0;

    if (!base64_decode(fields->sig, strlen(fields->sig), given, sizeof given, &given_len) || given_len != sizeof given)
        return error_set(err, E_SAS, "Signature did not match");
    int r = sas_sign(key, fields, account, container, expected, err);
    if (r < 0)
        return r;
    if (!equal_constant_time(given, expected, sizeof expected))
        return error_set(err, E_SAS, "Signature did not match");
    return 0;
}

static void append_parameter(struct str *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    str_append(out, out->len > 0 ? "&" : "");
    str_append(out, name);
    str_append_char(out, '=');
    str_append_url(out, value);
}

static int mint_check(const struct sas_mint *mint, struct error *err)
{
    if (mint->permissions == 0)
        return error_set_field(err, E_INVALID, "permissions", "A link needs a permission");
    if (mint->expires <= mint->now)
        return error_set_field(err, E_INVALID, "expiresIn", "A link must expire in the future");
    return 0;
}

int sas_mint(const unsigned char key[static SAS_KEY_SIZE], const struct sas_mint *mint, struct str *out,
             struct error *err)
{
    char sp[PERMISSION_TEXT_MAX], st[CLOCK_TEXT_MAX], se[CLOCK_TEXT_MAX], si[SAS_ID_MAX + 1];
    unsigned char mac[SHA256_SIZE];
    AUTO_STR struct str sig = STR_INIT(64);
    AUTO_STR struct str query = STR_INIT(SAS_QUERY_MAX);

    int r = mint_check(mint, err);
    if (r == 0)
        r = sas_id_format(&mint->id, si, err);
    if (r < 0)
        return r;
    permission_format(mint->permissions, sp);
    clock_format_iso((mint->now - SAS_BACKDATE_S) * 1000000, st);
    clock_format_iso(mint->expires * 1000000, se);
    struct sas_fields fields = {.sp = sp, .st = st, .se = se, .si = si, .sv = SAS_VERSION, .sr = "c"};
    fields.spr = mint->allow_http ? "https,http" : "https";
    fields.sip = mint->address ? mint->address : "";
    fields.rscc = fields.rscd = fields.rsce = fields.rscl = fields.rsct = "";
    r = sas_sign(key, &fields, mint->account, mint->container, mac, err);
    if (r < 0)
        return r;
    base64_append(&sig, mac, sizeof mac);
    append_parameter(&query, "sv", fields.sv);
    append_parameter(&query, "spr", fields.spr);
    append_parameter(&query, "st", fields.st);
    append_parameter(&query, "se", fields.se);
    append_parameter(&query, "sr", fields.sr);
    append_parameter(&query, "sp", fields.sp);
    append_parameter(&query, "sip", fields.sip);
    append_parameter(&query, "si", fields.si);
    append_parameter(&query, "sig", str_text(&sig));
    str_append_len(out, query.p, query.len);
    if (query.overflow || out->overflow)
        return error_set(err, E_INTERNAL, "The link is too long");
    return 0;
}
