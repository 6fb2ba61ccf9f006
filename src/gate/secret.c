/* Secrets by their form: keys and tokens that begin in a known way, private keys, passwords in assignments, in
 * addresses and in signed links. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/identifier.h"

#include <string.h>

#include "base/macros.h"

#define NAME_MAX_BYTES 40 /* of what a value is assigned to */
#define SIGNATURE_MIN 20
#define PASSWORD_MIN 3
#define JWT_PART_MIN 10

enum charset { UPPER, WORD, KEY, BASE64, DOTS, PATH };

static const struct known {
    const char *text;
    size_t least, most;
    enum charset of;
} KNOWN[] = {
#define X(text, least, most, of, what) {text, least, most, of},
#include "gate/secret.def"
#undef X
};

static const struct {
    const char *name;
    size_t least;
} NAMES[] = {
#define X(name, least) {name, least},
#include "gate/secret_name.def"
#undef X
};

static bool charset_has(enum charset of, char c)
{
    switch (of) {
    case UPPER:
        return letter(c) & (LETTER_UPPER | LETTER_DIGIT);
    case WORD:
        return letter(c) & LETTER_WORD;
    case KEY:
        return letter(c) & LETTER_WORD || c == '-' || c == '_';
    case BASE64:
        return letter(c) & LETTER_WORD || c == '+' || c == '/' || c == '=';
    case DOTS:
        return letter(c) & (LETTER_WORD | LETTER_DOT) || c == '-' || c == '_';
    default:
        return letter(c) & LETTER_WORD || c == '/';
    }
}

static size_t run_of(enum charset of, const char *p, const char *end)
{
    const char *start = p;

    while (p < end && charset_has(of, *p))
        p++;
    return (size_t)(p - start);
}

static bool begins(const char *p, const char *end, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(end - p) >= len && memcmp(p, text, len) == 0;
}

/* xxxx, ****, and one letter again and again are what people write in the place of one. */
static bool is_filler(const char *p, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (p[i] != p[0])
            return false;
    return true;
}

static bool known_at(const struct span *whole, const char *p)
{
    for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
        const struct known *known = &KNOWN[i];
        if (!begins(p, whole->end, known->text))
            continue;
        const char *rest = p + strlen(known->text);
        size_t run = run_of(known->of, rest, whole->end);
        if (run >= known->least && (known->most == 0 || run <= known->most) && !is_filler(rest, run))
            return true;
    }
    return false;
}

/* header.payload.signature, the first two of which are objects in JSON. */
static bool jwt_at(const struct span *whole, const char *p)
{
    for (int part = 0; part < 3; part++) {
        size_t run = run_of(KEY, p, whole->end);
        if (run < JWT_PART_MIN || (part < 2 && !begins(p, whole->end, "eyJ")))
            return false;
        p += run;
        if (part < 2 && (p == whole->end || *p++ != '.'))
            return false;
    }
    return true;
}

/* "-----BEGIN … PRIVATE KEY" */
static bool private_key_at(const struct span *whole, const char *p)
{
    static const char BEGIN[] = "-----BEGIN ";

    if (!begins(p, whole->end, BEGIN))
        return false;
    p += sizeof BEGIN - 1;
    size_t len = (size_t)(whole->end - p) < 40 ? (size_t)(whole->end - p) : 40;
    return letters_contain(p, len, "private key");
}

/* Without what means that the secret is elsewhere: ${NAME}, <name>, a call, a look-up. */
static bool value_is_meant(const char *p, size_t len)
{
    static const char *const EMPTY[] = {"none",     "null",   "nil",      "true",    "false",       "undefined",
                                        "required", "text",   "password", "string",  "redacted",    "hidden",
                                        "optional", "secret", "changeme", "example", "placeholder", "username"};

    if (strchr("<$%{[(&~", p[0]) || is_filler(p, len))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(EMPTY); i++)
        if (letters_equal(p, len, EMPTY[i]))
            return false;
    for (size_t i = 0; i < len; i++)
        if (p[i] == '(' || p[i] == '[' || p[i] == '<')
            return false;
    return !letters_contain(p, len, "environ") && !letters_contain(p, len, "process.env") &&
           !letters_contain(p, len, "your");
}

/* Letters, _ and dots only: in programs a name, not a value. */
static bool is_name(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!(letter(p[i]) & (LETTER_ALPHA | LETTER_DOT)) && p[i] != '_')
            return false;
    return true;
}

/* "SecretAuthInfo": what programs call a kind of secret. */
static bool names_a_secret(const char *p, size_t len)
{
    static const char *const WORDS[] = {"secret", "token", "password", "passwd", "key", "auth", "cred"};

    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (letters_contain(p, len, WORDS[i]))
            return true;
    return false;
}

/* The value behind = or :, to its closing quote or to what ends a word. Without quotes it must look less like a word of
 * a sentence: with a digit or a sign in it. */
static bool value_at(const struct span *whole, const char *p, size_t least)
{
    while (p < whole->end && (*p == ' ' || *p == '\t' || *p == '=' || *p == '>'))
        p++;
    if (begins(p, whole->end, "Bearer ") || begins(p, whole->end, "Basic "))
        p = (const char *)memchr(p, ' ', (size_t)(whole->end - p)) + 1;
    if (p == whole->end)
        return false;
    char quote = *p == '"' || *p == '\'' || *p == '`' ? *p++ : '\0';
    const char *stop = p;
    while (stop < whole->end && (quote ? *stop != quote : !strchr(" \t\r\n\"',;&|)}<", *stop)))
        stop++;
    size_t len = (size_t)(stop - p);
    if (len < least || len > 4096 || (quote && stop == whole->end))
        return false;
    if (memchr(p, ' ', len) || (is_name(p, len) && (!quote || names_a_secret(p, len))))
        return false;
    return value_is_meant(p, len);
}

/* The name that ends before the = or : at sign, without signs and in lower case. Its length. */
static size_t name_before(const struct span *whole, const char *sign, char name[NAME_MAX_BYTES + 1])
{
    const char *end = sign;
    char reversed[NAME_MAX_BYTES] = {0};
    size_t len = 0;

    while (end > whole->start && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '\'' || end[-1] == ':'))
        end--;
    while (end > whole->start && len < NAME_MAX_BYTES) {
        char c = end[-1];
        if (letter(c) & LETTER_WORD)
            reversed[len++] = letter_lower(c);
        else if (c != '_' && c != '-' && c != '.')
            break;
        end--;
    }
    for (size_t i = 0; i < len; i++)
        name[i] = reversed[len - 1 - i];
    name[len] = '\0';
    return len;
}

static bool assignment_at(const struct span *whole, const char *sign)
{
    char name[NAME_MAX_BYTES + 1];
    size_t len = name_before(whole, sign, name);

    if (sign + 1 < whole->end && *sign == '=' && sign[1] == '=')
        return false; /* it compares */
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        size_t tail = strlen(NAMES[i].name);
        if (len >= tail && strcmp(name + len - tail, NAMES[i].name) == 0 && value_at(whole, sign + 1, NAMES[i].least))
            return true;
    }
    return false;
}

/* "sig=…" of a shared access signature, percent-encoded. */
static bool signature_at(const struct span *whole, const char *equals)
{
    if (equals - whole->start < 4 || !letters_equal(equals - 3, 3, "sig") || !strchr("?&;\"' ", equals[-4]))
        return false;
    const char *p = equals + 1;
    while (p < whole->end && (charset_has(BASE64, *p) || *p == '%'))
        p++;
    return p - equals - 1 >= SIGNATURE_MIN && !is_filler(equals + 1, (size_t)(p - equals - 1));
}

/* "://name:password@" */
static bool address_at(const struct span *whole, const char *colon)
{
    if (!begins(colon, whole->end, "://"))
        return false;
    const char *p = colon + 3, *password = NULL;
    for (; p < whole->end && !strchr(" \t/\"'<>@?", *p); p++)
        if (*p == ':' && !password)
            password = p + 1;
    if (p == whole->end || *p != '@' || !password || p - password < PASSWORD_MIN)
        return false;
    return value_is_meant(password, (size_t)(p - password));
}

/* Where something may begin, or be assigned: what the table's secrets, a JWT, a private key and a birth begin with. */
static const bool STARTS[256] = {['='] = true, [':'] = true, ['-'] = true, ['b'] = true, ['B'] = true, ['d'] = true,
                                 ['D'] = true, ['e'] = true, ['A'] = true, ['S'] = true, ['g'] = true, ['h'] = true,
                                 ['n'] = true, ['p'] = true, ['r'] = true, ['s'] = true, ['x'] = true, ['y'] = true};

/* The same, by the second letter. */
static bool may_begin(char a, char b)
{
    switch (a) {
    case 'A':
        return b == 'K' || b == 'S' || b == 'I' || b == 'G';
    case 'S':
        return b == 'G';
    case 'd':
        return b == 'o';
    case 'e':
    case 'p':
        return b == 'y';
    case 'g':
        return b == 'h' || b == 'i' || b == 'l';
    case 'h':
        return b == 'o' || b == 'f';
    case 'n':
        return b == 'p';
    case 'y':
        return b == 'a';
    case 'r':
    case 's':
        return b == 'k';
    case 'x':
        return b == 'o' || b == 'a';
    default:
        return false;
    }
}

static bool is_birth_letter(char a, char b)
{
    a = letter_lower(a);
    b = letter_lower(b);
    return (a == 'b' && (b == 'i' || b == 'o')) || (a == 'd' && (b == 'o' || b == '.'));
}

static bool sign_at(const struct span *whole, const char *p)
{
    if (*p == '=')
        return assignment_at(whole, p) || signature_at(whole, p);
    return assignment_at(whole, p) || address_at(whole, p);
}

uint32_t secrets_find(const struct span *whole, uint32_t *births)
{
    uint32_t secrets = 0;

    for (const char *p = whole->start; p + 1 < whole->end; p++) {
        if (!STARTS[(uint8_t)*p])
            continue;
        if (*p == '=' || *p == ':') {
            secrets += sign_at(whole, p);
            continue;
        }
        if (p > whole->start && (letter(p[-1]) & LETTER_WORD || p[-1] == '_'))
            continue;
        if (is_birth_letter(p[0], p[1]))
            *births += birth_at(whole, p);
        if (*p == '-')
            secrets += private_key_at(whole, p);
        else if (may_begin(p[0], p[1]))
            secrets += known_at(whole, p) || jwt_at(whole, p);
    }
    return secrets;
}
