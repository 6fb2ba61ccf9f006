/* Templates of mail: text with {{name}}, {{#name}}…{{/name}} for what is not empty (for each, where name is a list),
 * and
 * {{^name}}…{{/name}} for what is. Nothing else: no logic, no files, no code. A section's tag alone on its line takes
 * the line with it. Names are those of value.def. Pure; part of airlock-notify, and of airlockd, which checks an
 * operator's. */
#ifndef AIRLOCK_NOTIFY_TEMPLATE_H
#define AIRLOCK_NOTIFY_TEMPLATE_H

#include "base/json.h"

#define TEMPLATE_MAX (64 * 1024) /* bytes of one */
#define TEMPLATE_NODES_MAX 2000  /* texts, values and sections of one */
#define TEMPLATE_DEPTH_MAX 8     /* sections in sections */
#define TEMPLATE_OUT_MAX (256 * 1024)

enum template_form { TEMPLATE_TEXT, TEMPLATE_HTML };

struct template;

/* file is what errors begin with: "FILE:LINE: …". E_CONFIG. */
int template_parse(const char *file, const char *text, size_t len, enum template_form form, struct template **ret,
                   struct error *err) MUST_USE;
void template_free(struct template *template); /* NULL is fine */

/* Appends to out, whose overflow latch tells of too much. data: texts by name, and items, an array of such objects; one
 * that is missing is empty. Values become one line of printable text each, and are escaped where the form is HTML. */
void template_render(const struct template *template, const json_t *data, struct str *out);
/* Does it have a section for each of a list? */
bool template_has_list(const struct template *template);

/* The sample of every value; the caller's. */
json_t *template_samples(void);

#endif
