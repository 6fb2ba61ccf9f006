/* The error table and the functions that fill a struct error. Linked into every program; no I/O. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* For the analyzer they are macros; here they are made. */
#undef error_set
#undef error_set_field
#undef error_set_errno

struct error_row {
    const char *name;
    const char *title;
    int http_status;
    int exit_code;
};

static const struct error_row ROWS[] = {
#define X(name, wire, http, exit, title) {wire, title, http, exit},
#include "base/error.def"
#undef X
};

static const struct error_row *error_row(int code)
{
    if (code >= 0 || code < -(int)ARRAY_LEN(ROWS))
        return &ROWS[ERROR_ROW_INTERNAL];
    return &ROWS[-1 - code];
}

static void error_fill(struct error *err, int code, const char *field, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));

static void error_fill(struct error *err, int code, const char *field, const char *fmt, va_list args)
{
    if (!err)
        return;
    err->code = code;
    err->retry_after_s = 0;
    (void)snprintf(err->field, sizeof err->field, "%s", field); /* cut on purpose: it is for a person */
    (void)vsnprintf(err->detail, sizeof err->detail, fmt, args);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_fill(err, code, "", fmt, args);
    va_end(args);
    return code;
}

int error_set_field(struct error *err, int code, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_fill(err, code, field, fmt, args);
    va_end(args);
    return code;
}

int error_set_errno(struct error *err, int code, const char *fmt, ...)
{
    int saved = errno;
    va_list args;

    if (saved == ENOSPC || saved == EDQUOT)
        code = E_NO_SPACE;
    if (!err)
        return code;
    va_start(args, fmt);
    error_fill(err, code, "", fmt, args);
    va_end(args);
    size_t used = strlen(err->detail);
    (void)snprintf(err->detail + used, sizeof err->detail - used, ": %s", strerror(saved));
    return code;
}

const char *error_name(int code)
{
    return code == 0 ? "ok" : error_row(code)->name;
}

const char *error_title(int code)
{
    return error_row(code)->title;
}

int error_http_status(int code)
{
    return code == 0 ? 200 : error_row(code)->http_status;
}

int error_exit_code(int code)
{
    return code == 0 ? 0 : error_row(code)->exit_code;
}

int error_code_by_name(const char *wire_name)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (strcmp(ROWS[i].name, wire_name) == 0)
            return -1 - (int)i;
    return E_INTERNAL;
}
