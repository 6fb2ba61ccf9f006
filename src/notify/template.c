/* The parser and the renderer of templates. Runs in airlock-notify and airlockd; an operator wrote the templates,
 * anybody the values. */
#include "notify/template.h"

#include <string.h>

#include "notify/plain.h"

#define NAME_MAX_SHOWN 40
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz_"
#define LIST_NAME "items"
#define STATUS_LABEL "Status:"

enum scope { SCOPE_MAIL = 1, SCOPE_ITEM = 2, SCOPE_BOTH = SCOPE_MAIL | SCOPE_ITEM, SCOPE_LIST = 4 };

static const struct value {
    unsigned scope;
    const char *name, *sample;
} VALUES[] = {
#define X(scope, name, what, sample) {SCOPE_##scope, name, sample},
#include "notify/value.def"
#undef X
};

enum kind { KIND_TEXT, KIND_VALUE, KIND_SECTION, KIND_INVERTED };

struct node {
    enum kind kind;
    size_t at, len;            /* TEXT: of the source */
    const struct value *value; /* the others */
    size_t end;                /* of a section: the node behind its last one */
    unsigned line;
};

struct template
{
    enum template_form form;
    char *source;
    struct node *nodes;
    size_t count;
};

struct parser {
    const char *file;
    struct template *template;
    size_t at, text_at; /* here, and where the text began that is no node yet */
    unsigned line;
    size_t open[TEMPLATE_DEPTH_MAX]; /* nodes of the sections that are not closed */
    size_t depth;
    struct error *err;
};

void template_free(struct template *template)
{
    if (!template)
        return;
    free(template->source);
    free(template->nodes);
    free(template);
}

/* --- Parsing --- */

static int add_node(struct parser *p, const struct node *node)
{
    struct template *t = p->template;

    if (t->count == TEMPLATE_NODES_MAX)
        return error_set(p->err, E_CONFIG, "%s:%u: there are more than %d tags and texts: make the template shorter",
                         p->file, p->line, TEMPLATE_NODES_MAX);
    if ((t->count & (t->count - 1)) == 0) /* a power of two, or none: grow */
        t->nodes = xrealloc(t->nodes, (t->count ? 2 * t->count : 1) * sizeof *t->nodes);
    t->nodes[t->count] = *node;
    t->nodes[t->count++].line = p->line;
    return 0;
}

/* The text that stands before end. */
static int add_text(struct parser *p, size_t end)
{
    if (end <= p->text_at)
        return 0;
    return add_node(p, &(struct node){.kind = KIND_TEXT, .at = p->text_at, .len = end - p->text_at});
}

static bool is_in_list(const struct parser *p)
{
    for (size_t i = 0; i < p->depth; i++) {
        const struct node *open = &p->template->nodes[p->open[i]];
        if (open->kind == KIND_SECTION && open->value->scope == SCOPE_LIST)
            return true;
    }
    return false;
}

/* The value that a tag names, where it stands. NULL fills err. */
static const struct value *find_value(const struct parser *p, const char *name, size_t len)
{
    bool in_list = is_in_list(p);

    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        const struct value *value = &VALUES[i];
        if (strlen(value->name) != len || memcmp(value->name, name, len) != 0)
            continue;
        if (in_list ? (value->scope & SCOPE_ITEM) : (value->scope & (SCOPE_MAIL | SCOPE_LIST)))
            return value;
        (void)error_set(p->err, E_CONFIG, "%s:%u: %s can only be used %s {{#" LIST_NAME "}}", p->file, p->line,
                        value->name, in_list ? "outside of" : "inside of");
        return NULL;
    }
    (void)error_set(p->err, E_CONFIG, "%s:%u: there is no value \"%.*s\": docs/generated/mail.md lists them", p->file,
                    p->line, (int)(len < NAME_MAX_SHOWN ? len : NAME_MAX_SHOWN), name);
    return NULL;
}

static int close_section(struct parser *p, const char *name, size_t len)
{
    struct node *open = p->depth ? &p->template->nodes[p->open[p->depth - 1]] : NULL;

    if (!open || strlen(open->value->name) != len || memcmp(open->value->name, name, len) != 0)
        return error_set(p->err, E_CONFIG, "%s:%u: {{/%.*s}} closes nothing: %s%s", p->file, p->line,
                         (int)(len < NAME_MAX_SHOWN ? len : NAME_MAX_SHOWN), name,
                         open ? "what is open here is " : "no section is open here", open ? open->value->name : "");
    open->end = p->template->count;
    p->depth--;
    return 0;
}

static int add_tag(struct parser *p, char mark, const char *name, size_t len)
{
    if (mark == '/')
        return close_section(p, name, len);
    const struct value *value = find_value(p, name, len);
    enum kind kind = mark == '#' ? KIND_SECTION : mark == '^' ? KIND_INVERTED : KIND_VALUE;
    if (!value)
        return E_CONFIG;
    if (kind == KIND_VALUE && value->scope == SCOPE_LIST)
        return error_set(p->err, E_CONFIG, "%s:%u: %s is a list: use {{#%s}}…{{/%s}}", p->file, p->line, value->name,
                         value->name, value->name);
    if (kind != KIND_VALUE && p->depth == TEMPLATE_DEPTH_MAX)
        return error_set(p->err, E_CONFIG, "%s:%u: more than %d sections are open", p->file, p->line,
                         TEMPLATE_DEPTH_MAX);
    int r = add_node(p, &(struct node){.kind = kind, .value = value});
    if (r == 0 && kind != KIND_VALUE)
        p->open[p->depth++] = p->template->count - 1;
    return r;
}

/* Is the tag from begin to end alone on its line? Then *ret_first is where the line begins, *ret_next where the next.
 */
static bool is_alone(const char *source, size_t begin, size_t end, size_t *ret_first, size_t *ret_next)
{
    size_t first = begin, next = end + strspn(source + end, " \t");

    while (first > 0 && strchr(" \t", source[first - 1]))
        first--;
    if ((first > 0 && source[first - 1] != '\n') || (source[next] != '\n' && source[next] != '\0'))
        return false;
    *ret_first = first;
    *ret_next = next + (source[next] == '\n');
    return true;
}

/* The tag that begins at p->at with "{{". */
static int parse_tag(struct parser *p)
{
    const char *source = p->template->source, *tag = source + p->at + 2;
    char mark = *tag && strchr("#^/", *tag) ? *tag : '\0';
    const char *name = tag + (mark != '\0');
    size_t len = strspn(name, NAME_CHARACTERS), begin = p->at, end = (size_t)(name + len + 2 - source), next;

    if (len == 0 || !str_starts(name + len, "}}"))
        return error_set(
            p->err, E_CONFIG,
            "%s:%u: what begins with {{ must be {{name}}, {{#name}}, {{^name}} or {{/name}}, without spaces", p->file,
            p->line);
    next = end;
    bool alone = mark && is_alone(source, begin, end, &begin, &next);
    int r = add_text(p, begin);
    if (r == 0)
        r = add_tag(p, mark, name, len);
    p->line += alone && source[next - 1] == '\n' && next > end;
    p->at = p->text_at = next;
    return r;
}

static int parse_all(struct parser *p, size_t len)
{
    const char *source = p->template->source;
    int r = 0;

    while (r == 0 && p->at < len) {
        if (str_starts(source + p->at, "{{")) {
            r = parse_tag(p);
            continue;
        }
        p->line += source[p->at++] == '\n';
    }
    if (r == 0)
        r = add_text(p, len);
    if (r != 0 || p->depth == 0)
        return r;
    const struct node *open = &p->template->nodes[p->open[p->depth - 1]];
    return error_set(p->err, E_CONFIG, "%s:%u: the section %s is never closed: add {{/%s}}", p->file, open->line,
                     open->value->name, open->value->name);
}

/* Lines end with a line feed, whatever system the file is from. */
static char *without_returns(const char *text, size_t *len)
{
    char *copy = xstrndup(text, *len);
    size_t kept = 0;

    for (size_t i = 0; i < *len; i++)
        if (text[i] != '\r')
            copy[kept++] = text[i];
    copy[kept] = '\0';
    *len = kept;
    return copy;
}

int template_parse(const char *file, const char *text, size_t len, enum template_form form, struct template **ret,
                   struct error *err)
{
    struct parser p = {.file = file, .line = 1, .err = err};

    if (len > TEMPLATE_MAX)
        return error_set(err, E_CONFIG, "%s:1: it has more than %d bytes: make it shorter", file, TEMPLATE_MAX);
    if (memchr(text, '\0', len) || !plain_is_utf8(text, len))
        return error_set(err, E_CONFIG, "%s:1: it is not UTF-8 text: save it as UTF-8", file);
    p.template = xcalloc(1, sizeof *p.template);
    p.template->form = form;
    p.template->source = without_returns(text, &len);
    int r = parse_all(&p, len);
    if (r != 0)
        template_free(p.template);
    else
        *ret = p.template;
    return r;
}

/* --- Rendering --- */

/* Our own, as str_append_xml leaves the apostrophe, which may end an attribute. */
static void append_html(struct str *out, const char *text)
{
    static const struct {
        char c;
        const char *escaped;
    } ESCAPES[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (; *text; text++) {
        const char *escaped = NULL;
        for (size_t i = 0; i < ARRAY_LEN(ESCAPES); i++)
            if (ESCAPES[i].c == *text)
                escaped = ESCAPES[i].escaped;
        if (escaped)
            str_append(out, escaped);
        else
            str_append_char(out, *text);
    }
}

/* A value that stands at the beginning of a line shall not look like the line that programs read. */
static void append_text(struct str *out, const char *text)
{
    bool first = out->len == 0 || out->p[out->len - 1] == '\n';

    if (first && str_starts(text, STATUS_LABEL))
        str_append_char(out, ' ');
    str_append(out, text);
}

static void append_value(const struct template *t, const json_t *value, struct str *out)
{
    AUTO_STR struct str line = STR_INIT(TEMPLATE_OUT_MAX);

    if (!json_is_string(value))
        return;
    plain_append(&line, json_string_value(value), json_string_length(value));
    out->overflow |= line.overflow;
    if (t->form == TEMPLATE_HTML)
        append_html(out, str_text(&line));
    else
        append_text(out, str_text(&line));
}

static bool is_empty(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) == 0 : json_string_length(value) == 0;
}

/* The nodes from first to before end. Recursion is bounded by TEMPLATE_DEPTH_MAX, the output by out. */
static void render(const struct template *t, size_t first, size_t end, const json_t *data, struct str *out) /* NOLINT */
{
    for (size_t i = first; i < end && !out->overflow; i++) {
        const struct node *node = &t->nodes[i];
        const json_t *value = node->value ? json_object_get(data, node->value->name) : NULL;
        size_t item_at;
        const json_t *item;
        if (node->kind == KIND_TEXT) {
            str_append_len(out, t->source + node->at, node->len);
            continue;
        }
        if (node->kind == KIND_VALUE) {
            append_value(t, value, out);
            continue;
        }
        if (node->kind == KIND_SECTION && json_is_array(value)) {
            json_array_foreach(value, item_at, item)
            {
                render(t, i + 1, node->end, item, out);
            }
        } else if (is_empty(value) == (node->kind == KIND_INVERTED)) {
            render(t, i + 1, node->end, data, out);
        }
        i = node->end - 1;
    }
}

void template_render(const struct template *template, const json_t *data, struct str *out)
{
    render(template, 0, template->count, data, out);
}

bool template_has_list(const struct template *template)
{
    for (size_t i = 0; i < template->count; i++)
        if (template->nodes[i].kind == KIND_SECTION && template->nodes[i].value->scope == SCOPE_LIST)
            return true;
    return false;
}

json_t *template_samples(void)
{
    json_t *data = json_object(), *item = json_object();

    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
        if (VALUES[i].scope & SCOPE_MAIL)
            json_object_set_new(data, VALUES[i].name, json_string(VALUES[i].sample));
        if (VALUES[i].scope & SCOPE_ITEM)
            json_object_set_new(item, VALUES[i].name, json_string(VALUES[i].sample));
    }
    json_object_set_new(data, LIST_NAME, json_pack("[O, o]", item, item));
    return data;
}
