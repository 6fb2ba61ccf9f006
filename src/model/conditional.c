/* Conditional requests judged by RFC 9110's order of precedence with Azure's refusals. Pure; airlock-blob and
 * airlock-core run it, and it must never look at anything but its arguments. */
#include "model/conditional.h"

#include <string.h>

#include "base/clock.h"

#define HEADER_IF_MATCH "If-Match"
#define HEADER_IF_NONE_MATCH "If-None-Match"
#define HEADER_IF_MODIFIED_SINCE "If-Modified-Since"
#define HEADER_IF_UNMODIFIED_SINCE "If-Unmodified-Since"

static bool given(const char *header)
{
    return header && *header; /* some clients send every header they know, empty */
}

static bool is_any(const char *header)
{
    return strcmp(header, "*") == 0;
}

static int refuse(struct error *err)
{
    return error_set(err, E_CONDITION, "The blob is not in the state that the request's conditional header asks for");
}

/* One entity tag at *at, moved behind it. Azure writes tags without quotes in lists, so a single bare tag is taken too.
 */
static bool take_tag(const char **at, const char **ret_tag, size_t *ret_len, bool *ret_weak)
{
    const char *p = *at;

    *ret_weak = p[0] == 'W' && p[1] == '/' && p[2] == '"';
    if (*ret_weak)
        p += 2;
    bool quoted = *p == '"';
    if (quoted)
        p++;
    const char *end = p + strcspn(p, quoted ? "\"" : "\", \t");
    if (quoted ? *end != '"' : (end == p || *end))
        return false;
    *ret_tag = p;
    *ret_len = (size_t)(end - p);
    *at = quoted ? end + 1 : end;
    return true;
}

/* Does the list name etag? strong: weak tags never match (If-Match); otherwise weakness does not count. */
static int match_tags(const char *field, const char *list, const char *etag, bool strong, bool *ret, struct error *err)
{
    const char *p = list;
    size_t etag_len = strlen(etag);
    bool found = false;

    for (;;) {
        const char *tag;
        size_t len;
        bool weak;
        p += strspn(p, " \t,");
        if (!*p)
            break;
        if (!take_tag(&p, &tag, &len, &weak))
            return error_set_field(err, E_BAD_REQUEST, field, "%s is not a list of entity tags", field);
        found |= !(strong && weak) && len == etag_len && memcmp(tag, etag, len) == 0;
        p += strspn(p, " \t");
        if (*p && *p != ',')
            return error_set_field(err, E_BAD_REQUEST, field, "%s is not a list of entity tags", field);
    }
    *ret = found;
    return 0;
}

static int read_date(const char *field, const char *text, int64_t *ret_seconds, struct error *err)
{
    if (!clock_parse_http(text, ret_seconds))
        return error_set_field(err, E_BAD_REQUEST, field, "%s is not a date of the form Sun, 22 Nov 2026 14:33:01 GMT",
                               field);
    return 0;
}

static int check_if_match(const char *header, bool exists, const char *etag, struct error *err)
{
    bool found = is_any(header);

    if (!found) {
        int r = match_tags(HEADER_IF_MATCH, header, etag, true, &found, err);
        if (r < 0)
            return r;
    }
    return exists && found ? 0 : refuse(err);
}

static int check_unmodified(const char *header, bool exists, int64_t modified_s, struct error *err)
{
    int64_t since;
    int r = read_date(HEADER_IF_UNMODIFIED_SINCE, header, &since, err);
    if (r < 0)
        return r;
    return exists && modified_s > since ? refuse(err) : 0;
}

static int check_if_none_match(const char *header, bool exists, const char *etag, bool is_read, struct error *err)
{
    bool found;

    if (is_any(header)) {
        if (is_read)
            return error_set(err, E_CONDITION_UNSATISFIABLE, "If-None-Match: * can never be met by a read");
        return exists ? error_set(err, E_BLOB_EXISTS, "A blob of this name is there already") : 0;
    }
    int r = match_tags(HEADER_IF_NONE_MATCH, header, etag, false, &found, err);
    if (r < 0 || !exists || !found)
        return r;
    return is_read ? error_set(err, E_NOT_MODIFIED, "The client has this state of the blob") : refuse(err);
}

static int check_modified(const char *header, bool exists, int64_t modified_s, bool is_read, struct error *err)
{
    int64_t since;
    int r = read_date(HEADER_IF_MODIFIED_SINCE, header, &since, err);
    if (r < 0 || !exists || modified_s > since)
        return r;
    return is_read ? error_set(err, E_NOT_MODIFIED, "The blob was not modified since") : refuse(err);
}

/* Azure's writes take one header, or one of the two pairs in which the tag decides and the date is ignored. */
static int check_pairs(const struct conditional *c, struct error *err)
{
    bool positive = given(c->if_match) || given(c->if_unmodified_since);
    bool negative = given(c->if_none_match) || given(c->if_modified_since);

    if (positive && negative)
        return error_set(err, E_CONDITION_MULTIPLE, "These conditional headers cannot be combined on a write");
    return 0;
}

int conditional_check(const struct conditional *c, bool exists, const char *etag, int64_t modified_us, bool is_read,
                      struct error *err)
{
    int64_t modified_s = modified_us / 1000000;
    int r = is_read ? 0 : check_pairs(c, err);

    if (!exists)
        etag = "";
    if (r == 0 && given(c->if_match))
        r = check_if_match(c->if_match, exists, etag, err);
    else if (r == 0 && given(c->if_unmodified_since))
        r = check_unmodified(c->if_unmodified_since, exists, modified_s, err);
    if (r < 0)
        return r;
    if (given(c->if_none_match))
        return check_if_none_match(c->if_none_match, exists, etag, is_read, err);
    if (given(c->if_modified_since))
        return check_modified(c->if_modified_since, exists, modified_s, is_read, err);
    return 0;
}

int conditional_from_json(const json_t *object, struct conditional *ret, struct error *err)
{
    struct conditional c = {0};
    const struct {
        const char *name;
        const char **text;
    } fields[] = {
        {"ifMatch", &c.if_match},
        {"ifNoneMatch", &c.if_none_match},
        {"ifModifiedSince", &c.if_modified_since},
        {"ifUnmodifiedSince", &c.if_unmodified_since},
    };

    for (size_t i = 0; object && i < ARRAY_LEN(fields); i++) {
        int r = json_get_string(object, fields[i].name, NULL, CONDITIONAL_TEXT_MAX, fields[i].text, err);
        if (r < 0)
            return r;
    }
    *ret = c;
    return 0;
}

static void add_field(json_t **object, const char *name, const char *text)
{
    if (!given(text))
        return;
    if (!*object)
        *object = json_object();
    (void)json_object_set_new(*object, name, json_string(text));
}

json_t *conditional_to_json(const struct conditional *c)
{
    json_t *object = NULL;

    add_field(&object, "ifMatch", c->if_match);
    add_field(&object, "ifNoneMatch", c->if_none_match);
    add_field(&object, "ifModifiedSince", c->if_modified_since);
    add_field(&object, "ifUnmodifiedSince", c->if_unmodified_since);
    return object;
}
