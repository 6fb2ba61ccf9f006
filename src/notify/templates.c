/* Templates by name. Runs in airlock-notify and airlockd; reads the operator's directory once, before anything is sent.
 */
#include "notify/templates.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-_"
#define BUILTIN_DIR "built-in template"

enum part { PART_SUBJECT, PART_TEXT, PART_HTML, PART_COUNT };

static const struct {
    const char *kind;
    enum template_form form;
} PARTS[PART_COUNT] = {[PART_SUBJECT] = {"subject", TEMPLATE_TEXT},
                       [PART_TEXT] = {"txt", TEMPLATE_TEXT},
                       [PART_HTML] = {"html", TEMPLATE_HTML}};

struct entry {
    char name[TEMPLATES_NAME_MAX + 1];
    struct template *parts[PART_COUNT];
};

struct templates {
    struct entry entries[TEMPLATES_MAX];
    size_t count;
};

void letter_done(struct letter *letter)
{
    str_done(&letter->subject);
    str_done(&letter->text);
    str_done(&letter->html);
}

void templates_free(struct templates *templates)
{
    for (size_t i = 0; templates && i < templates->count; i++)
        for (int part = 0; part < PART_COUNT; part++)
            template_free(templates->entries[i].parts[part]);
    free(templates);
}

static const struct entry *find(const struct templates *templates, const char *name)
{
    for (size_t i = 0; i < templates->count; i++)
        if (strcmp(templates->entries[i].name, name) == 0)
            return &templates->entries[i];
    return NULL;
}

bool templates_have(const struct templates *templates, const char *name)
{
    return find(templates, name) != NULL;
}

/* The entry with the name, made when it is new; NULL: there are too many. */
static struct entry *make(struct templates *templates, const char *name)
{
    const struct entry *there = find(templates, name);

    if (there)
        return &templates->entries[there - templates->entries];
    if (templates->count == TEMPLATES_MAX)
        return NULL;
    struct entry *entry = &templates->entries[templates->count++];
    (void)str_copy(entry->name, sizeof entry->name, name); /* it was measured */
    return entry;
}

static int put(struct templates *templates, const char *file, const char *name, enum part part, const char *text,
               size_t len, struct error *err)
{
    struct template *parsed = NULL;
    struct entry *entry = make(templates, name);

    if (!entry)
        return error_set(err, E_CONFIG, "%s:1: there are more than %d templates: remove some", file, TEMPLATES_MAX);
    int r = template_parse(file, text, len, PARTS[part].form, &parsed, err);
    if (r != 0)
        return r;
    template_free(entry->parts[part]); /* the built-in one */
    entry->parts[part] = parsed;
    return 0;
}

/* PART_COUNT: the file is no template. ret_name: of TEMPLATES_NAME_MAX + 1 bytes. */
static enum part part_of(const char *file, char *ret_name)
{
    const char *dot = strrchr(file, '.');
    size_t len = dot ? (size_t)(dot - file) : 0;

    if (len == 0 || len > TEMPLATES_NAME_MAX || strspn(file, NAME_CHARACTERS) != len)
        return PART_COUNT;
    memcpy(ret_name, file, len);
    ret_name[len] = '\0';
    for (int part = 0; part < PART_COUNT; part++)
        if (strcmp(dot + 1, PARTS[part].kind) == 0)
            return (enum part)part;
    return PART_COUNT;
}

static int read_file(struct templates *templates, int dirfd, const char *dir, const char *file, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
    AUTO_FREE char *text = NULL;
    char name[TEMPLATES_NAME_MAX + 1];
    struct error why = {0};
    size_t len = 0;
    enum part part = part_of(file, name);

    if (part == PART_COUNT)
        return error_set(
            err, E_CONFIG,
            "%s:1: it is no template: files are NAME.subject, NAME.txt and NAME.html, with a name of lower-case "
            "letters, digits, - and _; remove it from the directory",
            path);
    if (file_read(dirfd, file, TEMPLATE_MAX, &text, &len, &why) != 0)
        return error_set(err, E_CONFIG, "%s:1: it cannot be read: %s", path, why.detail);
    return put(templates, path, name, part, text, len, err);
}

static void free_list(struct dirent **list, int count)
{
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int read_dir(struct templates *templates, const char *dir, struct error *err)
{
    AUTO_FD int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **list = NULL;
    int r = 0;

    int count = dirfd < 0 ? -1 : scandirat(dirfd, ".", &list, is_visible, alphasort);
    if (count < 0)
        return error_set_errno(err, E_CONFIG, "%s: the directory cannot be read", dir);
    for (int i = 0; i < count && r == 0; i++)
        r = read_file(templates, dirfd, dir, list[i]->d_name, err);
    free_list(list, count);
    return r;
}

/* --- What every template must do, seen with samples --- */

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = text; (at = strstr(at, line)); at += len)
        if ((at == text || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

static int check_entry(const struct templates *templates, const struct entry *entry, const char *dir,
                       const json_t *samples, struct error *err)
{
    AUTO_LETTER struct letter letter = LETTER_INIT;
    const char *where = *dir ? dir : BUILTIN_DIR;

    for (int part = 0; part < PART_COUNT; part++)
        if (!entry->parts[part])
            return error_set(err, E_CONFIG, "%s/%s.%s:1: the file is missing: a template has .subject, .txt and .html",
                             where, entry->name, PARTS[part].kind);
    int r = templates_render(templates, entry->name, samples, &letter, err);
    if (r != 0)
        return error_set(err, E_CONFIG, "%s/%s.subject:1: what comes of the template is too long: make it shorter",
                         where, entry->name);
    if (letter.subject.len == 0 || strchr(str_text(&letter.subject), '\n'))
        return error_set(err, E_CONFIG, "%s/%s.subject:1: a subject is one line, and not empty", where, entry->name);
    AUTO_FREE char *line = xasprintf("Status: %s", json_text(samples, "status"));
    if (!template_has_list(entry->parts[PART_TEXT]) && !has_line(str_text(&letter.text), line))
        return error_set(err, E_CONFIG, "%s/%s.txt:1: add the line \"Status: {{status}}\", which programs look for",
                         where, entry->name);
    return 0;
}

static int check_all(const struct templates *templates, const char *dir, struct error *err)
{
    AUTO_JSON json_t *samples = template_samples();
    int r = 0;

    for (size_t i = 0; i < templates->count && r == 0; i++)
        r = check_entry(templates, &templates->entries[i], dir, samples, err);
    return r;
}

int templates_load(const char *dir, struct templates **ret, struct error *err)
{
    struct templates *templates = xcalloc(1, sizeof *templates);
    char name[TEMPLATES_NAME_MAX + 1];
    int r = 0;

    for (const struct template_builtin *b = TEMPLATE_BUILTINS; b->name && r == 0; b++) {
        AUTO_FREE char *file = xasprintf("%s.%s", b->name, b->kind);
        r = put(templates, file, b->name, part_of(file, name), b->text, strlen(b->text), err);
    }
    if (r == 0 && *dir)
        r = read_dir(templates, dir, err);
    if (r == 0)
        r = check_all(templates, dir, err);
    if (r != 0)
        templates_free(templates);
    else
        *ret = templates;
    return r;
}

int templates_render(const struct templates *templates, const char *name, const json_t *data, struct letter *letter,
                     struct error *err)
{
    const struct entry *entry = find(templates, name);
    struct str *const outs[PART_COUNT] = {
        [PART_SUBJECT] = &letter->subject, [PART_TEXT] = &letter->text, [PART_HTML] = &letter->html};

    if (!entry)
        return error_set(err, E_NOT_FOUND, "no template is called %.*s", TEMPLATES_NAME_MAX, name);
    for (int part = 0; part < PART_COUNT; part++) {
        template_render(entry->parts[part], data, outs[part]);
        if (part == PART_SUBJECT && letter->subject.len > 0 && letter->subject.p[letter->subject.len - 1] == '\n')
            letter->subject.p[--letter->subject.len] = '\0'; /* the end of the file, not of the subject */
        if (outs[part]->overflow)
            return error_set(err, E_LIMIT, "the template %s makes more of this than a mail may have", name);
    }
    return 0;
}
