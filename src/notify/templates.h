/* The templates of all mails: the built-in ones, and those of an operator's directory in their place or beside them.
 * Each is rendered with sample values before it is used. Part of airlock-notify, and of airlockd, which checks a
 * directory before anything starts. */
#ifndef AIRLOCK_NOTIFY_TEMPLATES_H
#define AIRLOCK_NOTIFY_TEMPLATES_H

#include "notify/template.h"

#define TEMPLATES_MAX 32      /* names, built-in ones with them */
#define TEMPLATES_NAME_MAX 40 /* bytes of a name: lower-case letters, digits, - and _ */

/* Made by embed.py; the last one has no name. */
struct template_builtin {
    const char *name, *kind, *text; /* kind: subject, txt, html */
};
extern const struct template_builtin TEMPLATE_BUILTINS[];

struct templates;

/* What a mail says. */
struct letter {
    struct str subject, text, html;
};
#define LETTER_INIT \
    ((struct letter){STR_INIT(TEMPLATE_OUT_MAX), STR_INIT(TEMPLATE_OUT_MAX), STR_INIT(TEMPLATE_OUT_MAX)})
void letter_done(struct letter *letter);
#define AUTO_LETTER CLEANUP(letter_done)

/* Reads the files NAME.subject, NAME.txt and NAME.html of dir ("": none); hidden files are passed over, any other is
 * refused. E_CONFIG says file and line, and what to do. */
int templates_load(const char *dir, struct templates **ret, struct error *err) MUST_USE;
void templates_free(struct templates *templates); /* NULL is fine */

bool templates_have(const struct templates *templates, const char *name);

/* Fills letter, which is the caller's and empty. data as in template.h. E_NOT_FOUND: no template has the name; E_LIMIT:
 * what came of it is too long. */
int templates_render(const struct templates *templates, const char *name, const json_t *data, struct letter *letter,
                     struct error *err) MUST_USE;

#endif
