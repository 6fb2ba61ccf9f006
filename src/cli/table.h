/* Tables for people: columns of safe text, aligned by what they fill on a terminal. */
#ifndef AIRLOCK_CLI_TABLE_H
#define AIRLOCK_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define TABLE_COLUMNS_MAX 10

struct table;

/* headings: NULL-terminated. A heading that begins with '>' aligns its column right; with '~' marks the columns that
 * are cut when a terminal is too narrow. Never fails. */
struct table *table_new(const char *const *headings);
void table_free(struct table *table);
static inline void cleanup_table_(struct table **table)
{
    table_free(*table);
}
#define AUTO_TABLE CLEANUP(cleanup_table_)

/* Fills the next cell (left to right, row by row). The text is made safe here. */
void table_text(struct table *table, const char *text);
void table_size(struct table *table, uint64_t bytes);
void table_time(struct table *table, const json_t *seconds);

/* Renders everything; columns 0 means no limit. Rows end with a line feed, without trailing spaces. */
void table_render(const struct table *table, size_t columns, struct str *out);
/* The same as RFC 4180 has it. Spreadsheets run what begins with = + - @, a tab or a carriage return: such a cell gets an
 * apostrophe before it, which makes it text. */
void table_render_csv(const struct table *table, struct str *out);
/* Renders to standard output: as CSV, or as wide as the terminal if it is one. */
int table_print(const struct table *table, bool csv, struct error *err) MUST_USE;

/* A list of facts, one a line: "Name:   value". value is made safe; an empty one is left out. */
struct facts {
    struct str text;
};
#define FACTS_INIT ((struct facts){.text = STR_INIT(1024 * 1024)})
static inline void cleanup_facts_(struct facts *facts)
{
    str_done(&facts->text);
}
#define AUTO_FACTS CLEANUP(cleanup_facts_)
void facts_add(struct facts *facts, const char *name, const char *value);
void facts_add_time(struct facts *facts, const char *name, const json_t *seconds);

/* Writes text to standard output and notices a full disk or a closed pipe. */
int output_write(const char *text, struct error *err) MUST_USE;
/* The same for a JSON value, indented. */
int output_json(const json_t *value, struct error *err) MUST_USE;

#endif
