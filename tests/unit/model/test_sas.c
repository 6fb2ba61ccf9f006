/* Links: the layout of the signed text, minting, and that nothing but what was minted is ever accepted. */
#include "../check.h"

#include <stdio.h>

#include "base/str.h"
#include "model/authz.h"
#include "model/sas.h"

#define NOW 1795363200 /* 2026-11-22T16:00:00Z */
#define CONTAINER "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a10"
#define PAIRS_MAX 24

static const unsigned char MASTER[SAS_KEY_SIZE] = "0123456789abcdef0123456789abcde";

/* A query string taken apart and decoded, as airlock-blob does it. */
struct query {
    char text[2048];
    struct sas_pair pairs[PAIRS_MAX];
    size_t count;
};

static void decode(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++) {
        unsigned value;
        if (*p == '%' && sscanf(p + 1, "%2x", &value) == 1) {
            *out++ = (char)value;
            p += 2;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
}

static void split(struct query *q, const char *text)
{
    char *save = NULL;

    assert_true(str_copy(q->text, sizeof q->text, text));
    q->count = 0;
    for (char *item = strtok_r(q->text, "&", &save); item; item = strtok_r(NULL, "&", &save)) {
        char *equals = strchr(item, '=');
        assert_true(q->count < PAIRS_MAX);
        char *value = equals ? equals + 1 : item + strlen(item);
        if (equals)
            *equals = '\0';
        decode(item);
        decode(value);
        q->pairs[q->count++] = (struct sas_pair){item, value};
    }
}

static struct sas_mint good_mint(void)
{
    struct sas_mint mint = {.account = "stalexint0123abcd",
                            .container = CONTAINER,
                            .id = {.kid = "k1", .generation = 7, .link_id = "00112233445566ff"},
                            .permissions = PERM_READ | PERM_LIST,
                            .now = NOW,
                            .expires = NOW + 3600,
                            .allow_http = true};
    return mint;
}

static void mint_text(const struct sas_mint *mint, struct str *out)
{
    unsigned char key[SAS_KEY_SIZE];

    sas_key_derive(MASTER, mint->account, mint->container, mint->id.generation, key);
    assert_int_equal(sas_mint(key, mint, out, NULL), 0);
}

/* What core does with a query: parse, derive with the generation of the database, verify, check all. */
static int accept(const struct query *q, const char *account, const char *container, uint64_t generation,
                  unsigned needed, int64_t now, struct error *err)
{
    struct sas_fields fields;
    struct sas_id id;
    unsigned char key[SAS_KEY_SIZE];

    int r = sas_parse(q->pairs, q->count, &fields, err);
    if (r == 0)
        r = sas_id_parse(fields.si, &id, err);
    if (r < 0)
        return r;
    sas_key_derive(MASTER, account, container, generation, key);
    r = sas_verify(key, &fields, account, container, err);
    if (r == 0)
        r = sas_check_time(&fields, now, 0, err);
    if (r == 0)
        r = sas_check_address(&fields, "192.0.2.1", err);
    if (r == 0)
        r = sas_check_protocol(&fields, false, err);
    if (r == 0)
        r = sas_check_permission(&fields, needed, err);
    return r;
}

static int accept_good(const char *text)
{
    struct query q;
    struct sas_mint mint = good_mint();

    split(&q, text);
    return accept(&q, mint.account, mint.container, mint.id.generation, PERM_READ, NOW, NULL);
}

static void test_string_to_sign(void **state)
{
    (void)state;
    /* As an independent signer and Azurite agree for sp=rl, sr=c, sv=2026-04-06 (facts on the wire format). */
    struct sas_fields f = {
        "rl", "2026-11-22T14:30:26Z", "2026-11-22T16:35:26Z", "", "", "2026-04-06", "c", "", "", "", "", "", "", ""};
    AUTO_STR struct str s = STR_INIT(1024);

    sas_string_to_sign(&f, "stalimex", "C", &s);
    assert_string_equal(str_text(&s), "rl\n2026-11-22T14:30:26Z\n2026-11-22T16:35:26Z\n/blob/stalimex/C\n\n\n\n"
                                      "2026-04-06\nc\n\n\n\n\n\n\n");
    struct sas_fields all = {"r", "ST", "SE", "SIP", "SPR", "SV", "c", "SI", "SIG", "CC", "CD", "CE", "CL", "CT"};
    str_reset(&s);
    sas_string_to_sign(&all, "a", "c", &s);
    assert_string_equal(str_text(&s), "r\nST\nSE\n/blob/a/c\nSI\nSIP\nSPR\nSV\nc\n\n\nCC\nCD\nCE\nCL\nCT");
}

static void test_mint(void **state)
{
    (void)state;
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);

    mint_text(&mint, &text);
    const char *expected = "sv=2021-12-02&spr=https%2Chttp&st=2026-11-22T15%3A55%3A00Z&se=2026-11-22T17%3A00%3A00Z"
                           "&sr=c&sp=rl&si=k1-7-00112233445566ff&sig=";
    assert_true(str_starts(str_text(&text), expected));
    assert_int_equal(accept_good(str_text(&text)), 0);
    /* sig: 44 base64 characters, percent-encoded */
    const char *sig = str_text(&text) + strlen(expected);
    assert_null(strpbrk(sig, "+/="));

    mint.allow_http = false;
    mint.address = "192.0.2.1";
    str_reset(&text);
    mint_text(&mint, &text);
    assert_non_null(strstr(str_text(&text), "spr=https&"));
    assert_non_null(strstr(str_text(&text), "&sip=192.0.2.1&"));
    assert_int_equal(accept_good(str_text(&text)), E_SAS_PROTOCOL);
}

static void test_mint_refusals(void **state)
{
    (void)state;
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);
    AUTO_STR struct str small = STR_INIT(16);

    mint.permissions = 0;
    assert_refused(sas_mint(MASTER, &mint, &text, err), E_INVALID, "permission");
    mint = good_mint();
    mint.expires = mint.now;
    assert_refused(sas_mint(MASTER, &mint, &text, err), E_INVALID, "future");
    mint = good_mint();
    mint.id.kid[0] = 'K';
    assert_refused(sas_mint(MASTER, &mint, &text, err), E_INVALID, "link id");
    mint = good_mint();
    assert_int_equal(text.len, 0);
    assert_refused(sas_mint(MASTER, &mint, &small, err), E_INTERNAL, "too long");
    AUTO_STR struct str longest = STR_INIT(20000);
    for (int i = 0; i < 17000; i++)
        str_append_char(&longest, 'a');
    mint.container = str_text(&longest);
    assert_refused(sas_mint(MASTER, &mint, &text, err), E_SAS, "too long");
}

struct parse_row {
    const char *query;
    int code;
    const char *field;
};

#define SIG "sig=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define REST "&sr=c&sp=rl&se=2026-11-22&si=k1-7-00112233445566ff&" SIG

static const struct parse_row PARSE_ROWS[] = {
    {"sv=2021-12-02" REST, 0, ""},
    {"sv=2020-12-06" REST, 0, ""},
    {"sv=2026-04-06&comp=block&blockid=AAAA&timeout=30&_=1&prefix=x&restype=container" REST, 0, ""},
    {"comp=list&comp=list&sv=2021-12-02" REST, 0, ""}, /* operation parameters are somebody else's */
    {"", E_NO_CREDENTIALS, ""},
    {"comp=list", E_NO_CREDENTIALS, ""},
    {"sv=2021-12-02&sr=c&sp=rl", E_NO_CREDENTIALS, ""},
    {"sv=2020-10-02" REST, E_SAS, "sv"},
    {"sv=2015-04-05" REST, E_SAS, "sv"},
    {"sv=2021-13-02" REST, E_SAS, "sv"},
    {"sv=2021-12-02T00:00Z" REST, E_SAS, "sv"},
    {"sv=20211202" REST, E_SAS, "sv"},
    {"sv=latest" REST, E_SAS, "sv"},
    {"x=1" REST, E_SAS, "sv"},
    {"sv=" REST, E_SAS, "sv"},
    {"sv=2021-12-02&sv=2021-12-02" REST, E_SAS, "sv"},
    {"sv=2021-12-02&sp=rl" REST, E_SAS, "sp"},
    {"sv=2021-12-02&rsct=text%2Fhtml%0D%0AX-Evil%3A%201" REST, E_SAS, "rsct"},
    {"sv=2021-12-02&rscc=a%0A" REST, E_SAS, "rscc"},
    {"sv=2021-12-02&rscd=a%0D" REST, E_SAS, "rscd"},
    {"sv=2021-12-02&rsce=%7F" REST, E_SAS, "rsce"},
    {"sv=2021-12-02&rscl=%01" REST, E_SAS, "rscl"},
    {"sv=2021-12-02&" SIG REST, E_SAS, "sig"},
    {"sv=2021-12-02&sip=" REST, E_SAS, "sip"},
    {"SV=2021-12-02" REST, E_SAS, "SV"},
    {"sv=2021-12-02&Sig=x" REST, E_SAS, "Sig"},
    {"sv=2021-12-02&SKOID=x" REST, E_SAS, "SKOID"},
    {"sv=2021-12-02&ss=b" REST, E_SAS, "ss"},
    {"sv=2021-12-02&srt=sco" REST, E_SAS, "srt"},
    {"sv=2021-12-02&skoid=x" REST, E_SAS, "skoid"},
    {"sv=2021-12-02&sktid=x" REST, E_SAS, "sktid"},
    {"sv=2021-12-02&skt=x" REST, E_SAS, "skt"},
    {"sv=2021-12-02&ske=x" REST, E_SAS, "ske"},
    {"sv=2021-12-02&sks=b" REST, E_SAS, "sks"},
    {"sv=2021-12-02&skv=x" REST, E_SAS, "skv"},
    {"sv=2021-12-02&saoid=x" REST, E_SAS, "saoid"},
    {"sv=2021-12-02&suoid=x" REST, E_SAS, "suoid"},
    {"sv=2021-12-02&scid=x" REST, E_SAS, "scid"},
    {"sv=2021-12-02&sdd=1" REST, E_SAS, "sdd"},
    {"sv=2021-12-02&sduoid=x" REST, E_SAS, "sduoid"},
    {"sv=2021-12-02&skdutid=x" REST, E_SAS, "skdutid"},
    {"sv=2021-12-02&srh=x" REST, E_SAS, "srh"},
    {"sv=2021-12-02&srq=x" REST, E_SAS, "srq"},
    {"sv=2021-12-02&ses=x" REST, E_SAS, "ses"},
    {"sv=2021-12-02&sr=b&sp=rl&se=2026-11-22&si=k1-7-00112233445566ff&" SIG, E_SAS, "sr"},
    {"sv=2021-12-02&sr=d&sp=rl&se=2026-11-22&si=k1-7-00112233445566ff&" SIG, E_SAS, "sr"},
    {"sv=2021-12-02&sp=rl&se=2026-11-22&si=k1-7-00112233445566ff&" SIG, E_SAS, "sr"},
    {"sv=2021-12-02&sr=c&se=2026-11-22&si=k1-7-00112233445566ff&" SIG, E_SAS, "sp"},
    {"sv=2021-12-02&sr=c&sp=rl&si=k1-7-00112233445566ff&" SIG, E_SAS, "se"},
    {"sv=2021-12-02&sr=c&sp=rl&se=2026-11-22&" SIG, E_SAS, "si"},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(PARSE_ROWS); i++) {
        struct query q;
        struct sas_fields fields;
        struct error err = {0};
        split(&q, PARSE_ROWS[i].query);
        int got = sas_parse(q.pairs, q.count, &fields, &err);
        if (got != PARSE_ROWS[i].code || strcmp(err.field, PARSE_ROWS[i].field) != 0)
            fail_msg("%s: %s, field \"%s\"", PARSE_ROWS[i].query, error_name(got), err.field);
        assert_null(strstr(err.detail, "AAAA")); /* never the signature */
    }
}

static void test_is_field(void **state)
{
    (void)state;
    static const char *const OURS[] = {"sp", "st",  "se",   "sip",  "spr",   "sv", "sr",
                                       "si", "sig", "rscc", "rsct", "skoid", "ss"};
    static const char *const NOT[] = {"comp", "restype", "blockid", "timeout", "prefix",
                                      "SIG",  "Sp",      "",        "s",       "snapshot"};
    for (size_t i = 0; i < ARRAY_LEN(OURS); i++)
        assert_true(sas_is_field(OURS[i]));
    for (size_t i = 0; i < ARRAY_LEN(NOT); i++)
        assert_false(sas_is_field(NOT[i]));
}

static void test_id(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "k1",
                                      "k1-7",
                                      "k1-7-",
                                      "-7-00112233445566ff",
                                      "K1-7-00112233445566ff",
                                      "k1--00112233445566ff",
                                      "k1-07-00112233445566ff",
                                      "k1-7-00112233445566FF",
                                      "k1-7-00112233445566f",
                                      "k1-7-00112233445566fff",
                                      "k1-7-00112233445566ff-",
                                      "k1-+7-00112233445566ff",
                                      "k1-9223372036854775808-00112233445566ff",
                                      "k12345678-7-00112233445566ff",
                                      " k1-7-00112233445566ff"};
    struct sas_id id;
    char text[SAS_ID_MAX + 1];

    assert_int_equal(sas_id_parse("k1-0-00112233445566ff", &id, NULL), 0);
    assert_int_equal(id.generation, 0);
    assert_int_equal(sas_id_parse("abcdefgh-9223372036854775807-00112233445566ff", &id, NULL), 0);
    assert_string_equal(id.kid, "abcdefgh");
    assert_string_equal(id.link_id, "00112233445566ff");
    assert_int_equal(sas_id_format(&id, text, NULL), 0);
    assert_string_equal(text, "abcdefgh-9223372036854775807-00112233445566ff");
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_refused_field(sas_id_parse(BAD[i], &id, err), E_SAS, "si");
    id.generation = UINT64_MAX;
    assert_refused(sas_id_format(&id, text, err), E_INVALID, "out of form");
    char one[SAS_LINK_ID_DIGITS + 1], two[SAS_LINK_ID_DIGITS + 1];
    sas_link_id_new(one);
    sas_link_id_new(two);
    assert_int_equal(strspn(one, "0123456789abcdef"), SAS_LINK_ID_DIGITS);
    assert_string_not_equal(one, two);
}

/* The key of every account, container and generation is another one, and a link opens only its own. */
static void t08_keys_are_apart(void **state)
{
    (void)state;
    static const char *const ACCOUNTS[] = {"stalimexdemo",      "stalimipdemo",      "stalimrejdemo",
                                           "stalimblockeddemo", "stalimapp0123abcd", "stalexint0123abcd",
                                           "stalexip0123abcd",  "stalexrej0123abcd", "stalexblocked0123abcd",
                                           "stalexappdemo",     "stalimapp89ab4567", "stalexint89ab4567"};
    static const char *const CONTAINERS[] = {CONTAINER, "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a11"};
    enum { COUNT = ARRAY_LEN(ACCOUNTS) * ARRAY_LEN(CONTAINERS) * 3 };
    unsigned char keys[COUNT][SAS_KEY_SIZE];
    size_t n = 0;

    for (size_t a = 0; a < ARRAY_LEN(ACCOUNTS); a++)
        for (size_t c = 0; c < ARRAY_LEN(CONTAINERS); c++)
            for (uint64_t g = 0; g < 3; g++)
                sas_key_derive(MASTER, ACCOUNTS[a], CONTAINERS[c], g, keys[n++]);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = i + 1; k < COUNT; k++)
            assert_memory_not_equal(keys[i], keys[k], SAS_KEY_SIZE);
    /* where one name ends and the next begins is part of the key */
    unsigned char one[SAS_KEY_SIZE], two[SAS_KEY_SIZE];
    sas_key_derive(MASTER, "ab", "c", 1, one);
    sas_key_derive(MASTER, "a", "bc", 1, two);
    assert_memory_not_equal(one, two, SAS_KEY_SIZE);
    sas_key_derive(MASTER, "a", "b1", 1, one);
    sas_key_derive(MASTER, "a", "b", 11, two);
    assert_memory_not_equal(one, two, SAS_KEY_SIZE);
}

static void t08_swapped_elements(void **state)
{
    (void)state;
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);
    struct query q;

    mint_text(&mint, &text);
    split(&q, str_text(&text));
    assert_int_equal(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW, NULL), 0);
    assert_refused(accept(&q, "stalexint89ab4567", mint.container, 7, PERM_READ, NOW, err), E_SAS, "did not match");
    assert_refused(accept(&q, "stalexip0123abcd", mint.container, 7, PERM_READ, NOW, err), E_SAS, "did not match");
    assert_refused(accept(&q, mint.account, "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a11", 7, PERM_READ, NOW, err), E_SAS,
                   "did not match");
    assert_refused(accept(&q, mint.account, mint.container, 8, PERM_READ, NOW, err), E_SAS, "did not match");
    assert_refused(accept(&q, mint.account, mint.container, 6, PERM_READ, NOW, err), E_SAS, "did not match");
    assert_refused(accept(&q, mint.account, mint.container, 7, PERM_WRITE, NOW, err), E_SAS_PERMISSION, "permission");
    assert_int_equal(accept(&q, mint.account, mint.container, 7, PERM_WRITE | PERM_LIST, NOW, NULL), 0);
    assert_refused(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW + 3600, err), E_SAS, "time frame");
    assert_refused(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW - 301, err), E_SAS, "time frame");
    assert_int_equal(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW + 3599, NULL), 0);
    assert_int_equal(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW - 300, NULL), 0);
}

/* Ten areas of two workspaces and two containers in each: a link of one is refused by all others. */
static void t08_all_pairs(void **state)
{
    (void)state;
    static const char *const PLACES[] = {"stalimexdemo",      "stalimipdemo",      "stalimrejdemo",
                                         "stalimblockeddemo", "stalexappdemo",     "stalimapp0123abcd",
                                         "stalexint0123abcd", "stalexip0123abcd",  "stalexrej0123abcd",
                                         "stalexblocked0123abcd", "stalimapp89ab4567", "stalexint89ab4567",
                                         "stalexip89ab4567",  "stalexrej89ab4567", "stalexblocked89ab4567"};
    static const char *const CONTAINERS[] = {CONTAINER, "6f0c4a5e-7b1d-4a3e-9c55-2d1f8e0b7a11"};
    enum { COUNT = ARRAY_LEN(PLACES) * ARRAY_LEN(CONTAINERS) };

    for (size_t from = 0; from < COUNT; from++) {
        struct sas_mint mint = good_mint();
        AUTO_STR struct str text = STR_INIT(2048);
        struct query q;
        mint.account = PLACES[from / 2];
        mint.container = CONTAINERS[from % 2];
        mint_text(&mint, &text);
        split(&q, str_text(&text));
        for (size_t to = 0; to < COUNT; to++)
            assert_int_equal(accept(&q, PLACES[to / 2], CONTAINERS[to % 2], 7, PERM_READ, NOW, NULL),
                             from == to ? 0 : E_SAS);
    }
}

/* The same bytes in another order are the same link. */
static void test_order_is_free(void **state)
{
    (void)state;
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);
    struct query q;

    mint_text(&mint, &text);
    split(&q, str_text(&text));
    for (size_t i = 0; i < q.count / 2; i++) {
        struct sas_pair swap = q.pairs[i];
        q.pairs[i] = q.pairs[q.count - 1 - i];
        q.pairs[q.count - 1 - i] = swap;
    }
    assert_int_equal(accept(&q, mint.account, mint.container, 7, PERM_READ, NOW, NULL), 0);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* The decoded meaning of a query: what must not change if it is accepted. */
static bool same_meaning(const struct query *a, const struct query *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->pairs[i].name, b->pairs[i].name) != 0 || strcmp(a->pairs[i].value, b->pairs[i].value) != 0)
            return false;
    return true;
}

/* One random change of a minted link's text, 20,000 times; whatever still reads as the same fields may pass
 * (another spelling of the escapes), nothing else. */
static void t09_mutations(void **state)
{
    (void)state;
    static const char CHARS[] = "abcdefwxyzABCDEF0123456789-+/=&%.,:_TZ";
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);
    struct query original, q;
    uint32_t seed = 20261122;
    unsigned accepted = 0;

    mint_text(&mint, &text);
    split(&original, str_text(&text));
    for (int round = 0; round < 20000; round++) {
        char changed[2048];
        assert_true(str_copy(changed, sizeof changed, str_text(&text)));
        size_t at = next_random(&seed) % text.len;
        char c = CHARS[next_random(&seed) % (sizeof CHARS - 1)];
        switch (next_random(&seed) % 3) {
        case 0:
            changed[at] = c;
            break;
        case 1:
            memmove(changed + at, changed + at + 1, text.len - at);
            break;
        default:
            memmove(changed + at + 1, changed + at, text.len - at + 1);
            changed[at] = c;
        }
        split(&q, changed);
        if (accept(&q, mint.account, mint.container, 7, PERM_READ, NOW, NULL) != 0)
            continue;
        if (!same_meaning(&q, &original))
            fail_msg("accepted: %s", changed);
        accepted++;
    }
    assert_true(accepted < 20000 / 10);
}

/* Every deliberate tampering. */
static void t09_tampering(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } ROWS[] = {
        {"sp=rl", "sp=rwl"},
        {"sp=rl", "sp=lr"},
        {"sp=rl", "sp=r"},
        {"sp=rl", "sp=rl&sp=rl"},
        {"sp=rl", "sp=rl&sp=rwdl"},
        {"sp=rl", "SP=rl"},
        {"sp=rl&", ""},
        {"sr=c", "sr=b"},
        {"sr=c&", ""},
        {"sv=2021-12-02", "sv=2022-11-02"},
        {"sv=2021-12-02&", ""},
        {"se=2026-11-22T17", "se=2026-11-23T17"},
        {"se=2026-11-22T17%3A00%3A00Z", "se=2026-11-22T17%253A00%253A00Z"},
        {"st=2026-11-22T15%3A55%3A00Z&", ""},
        {"spr=https%2Chttp&", ""},
        {"spr=https%2Chttp", "spr=http"},
        {"sr=c", "sr=c&sip=192.0.2.1"},
        {"sr=c", "sr=c&rsct=text%2Fhtml"},
        {"k1-7-", "k2-7-"},
        {"k1-7-", "k1-8-"},
        {"66ff", "66fe"},
        {"&sig=", "&sig=&sig="},
        {"&sig=", "&Sig="},
        {"%3D", ""},
        {"%3D", "%3D%3D"},
        {"%3D", "%3D%20"},
        {"%3D", "%253D"},
    };
    struct sas_mint mint = good_mint();
    AUTO_STR struct str text = STR_INIT(2048);

    mint_text(&mint, &text);
    assert_true(accept_good(str_text(&text)) == 0);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str changed = STR_INIT(4096);
        const char *at = strstr(str_text(&text), ROWS[i].from);
        assert_non_null(at);
        str_append_len(&changed, text.p, (size_t)(at - text.p));
        str_append(&changed, ROWS[i].to);
        str_append(&changed, at + strlen(ROWS[i].from));
        if (accept_good(str_text(&changed)) == 0)
            fail_msg("accepted: %s", str_text(&changed));
    }
}

static void test_signature_form(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "x",
                                      "AAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct sas_fields f = {"rl", "", "2026-11-22", "", "", SAS_VERSION, "c", "k1-7-00112233445566ff",
                           "",   "", "",           "", "", ""};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        f.sig = BAD[i];
        assert_refused(sas_verify(MASTER, &f, "a", "c", err), E_SAS, "did not match");
    }
    AUTO_STR struct str longest = STR_INIT(20000);
    for (int i = 0; i < 17000; i++)
        str_append_char(&longest, 'a');
    f.rsct = str_text(&longest);
    f.sig = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_refused(sas_verify(MASTER, &f, "a", "c", err), E_SAS, "too long");
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *st, *se;
        int code;
    } ROWS[] = {
        {"", "2026-11-22T16:00:01Z", 0},
        {"", "2026-11-22T16:00:00Z", E_SAS},
        {"2026-11-22T16:00:00Z", "2026-11-23", 0},
        {"2026-11-22T16:00:01Z", "2026-11-23", E_SAS},
        {"2026-11-22", "2026-11-22T16:01Z", 0},
        {"2026-11-22", "2026-11-22T16:00:00.9999999Z", E_SAS},
        {"yesterday", "2026-11-23", E_SAS},
        {"", "tomorrow", E_SAS},
        {"", "2026-02-31", E_SAS},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct sas_fields f = {.st = ROWS[i].st, .se = ROWS[i].se};
        assert_int_equal(sas_check_time(&f, NOW, 0, NULL), ROWS[i].code);
    }
    struct sas_fields over = {.st = "2026-11-22T15:00:00Z", .se = "2026-11-22T15:59:00Z"};
    assert_int_equal(sas_check_time(&over, NOW, 60, NULL), E_SAS);
    assert_int_equal(sas_check_time(&over, NOW, 61, NULL), 0);
}

static void test_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *spr;
        int plain, tls;
    } ROWS[] = {
        {"", 0, 0},
        {"https", E_SAS_PROTOCOL, 0},
        {"https,http", 0, 0},
        {"http", E_SAS_PROTOCOL, E_SAS_PROTOCOL},
        {"http,https", E_SAS_PROTOCOL, E_SAS_PROTOCOL},
        {"HTTPS", E_SAS_PROTOCOL, E_SAS_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct sas_fields f = {.spr = ROWS[i].spr};
        assert_int_equal(sas_check_protocol(&f, false, NULL), ROWS[i].plain);
        assert_int_equal(sas_check_protocol(&f, true, NULL), ROWS[i].tls);
    }
}

static void test_address(void **state)
{
    (void)state;
    static const struct {
        const char *sip, *address;
        bool allowed;
    } ROWS[] = {
        {"", "anything", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1-10.0.0.9", "10.0.0.1", true},
        {"10.0.0.1-10.0.0.9", "10.0.0.9", true},
        {"10.0.0.1-10.0.0.9", "10.0.0.10", false},
        {"10.0.0.1-10.0.0.9", "10.0.0.0", false},
        {"10.0.0.9-10.0.0.1", "10.0.0.5", false},
        {"10.0.0.1-10.0.0.9", "::1", false},
        {"2001:db8::1-2001:db8::9", "2001:db8::5", true},
        {"2001:db8::1-2001:db8::9", "2001:db8::a", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"10.0.0.1-::1", "10.0.0.1", false},
        {"10.0.0.0/8", "10.0.0.1", false},
        {"10.0.0.1-", "10.0.0.1", false},
        {"-10.0.0.1", "10.0.0.1", false},
        {"nonsense", "10.0.0.1", false},
        {"10.0.0.1", "nonsense", false},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", "10.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct sas_fields f = {.sip = ROWS[i].sip};
        assert_int_equal(sas_check_address(&f, ROWS[i].address, NULL), ROWS[i].allowed ? 0 : E_SAS_ADDRESS);
    }
}

static void test_permission(void **state)
{
    (void)state;
    struct sas_fields f = {.sp = "rl"};
    assert_int_equal(sas_check_permission(&f, PERM_READ, NULL), 0);
    assert_int_equal(sas_check_permission(&f, PERM_CREATE | PERM_WRITE, NULL), E_SAS_PERMISSION);
    assert_int_equal(sas_check_permission(&f, 0, NULL), E_SAS_PERMISSION);
    f.sp = "rr";
    assert_int_equal(sas_check_permission(&f, PERM_READ, NULL), E_SAS);
    f.sp = "rz";
    assert_int_equal(sas_check_permission(&f, PERM_READ, NULL), E_SAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string_to_sign), cmocka_unit_test(test_mint),
        cmocka_unit_test(test_mint_refusals),  cmocka_unit_test(test_parse),
        cmocka_unit_test(test_is_field),       cmocka_unit_test(test_id),
        cmocka_unit_test(t08_keys_are_apart), cmocka_unit_test(t08_swapped_elements), cmocka_unit_test(t08_all_pairs),
        cmocka_unit_test(test_order_is_free),  cmocka_unit_test(t09_mutations),
        cmocka_unit_test(t09_tampering),      cmocka_unit_test(test_signature_form),
        cmocka_unit_test(test_time),           cmocka_unit_test(test_protocol),
        cmocka_unit_test(test_address),        cmocka_unit_test(test_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
