/* Errors: every fallible function returns 0 or a negative code from error.def and explains itself in an explicit
 * struct error, always the last argument (NULL when the caller does not care). Libraries never log; they fill this. */
#ifndef AIRLOCK_BASE_ERROR_H
#define AIRLOCK_BASE_ERROR_H

#include "base/macros.h"

enum error_row_ {
#define X(name, wire, http, exit, title) ERROR_ROW_##name,
#include "base/error.def"
#undef X
    ERROR_ROW_COUNT
};

enum error_code {
    E_NONE = 0,
#define X(name, wire, http, exit, title) E_##name = -1 - (int)ERROR_ROW_##name,
#include "base/error.def"
#undef X
};

struct error {
    int code;               /* 0 or an E_ code */
    char field[96];         /* the offending input field or setting, or "" */
    char detail[512];       /* one sentence for a person: what is wrong and what to do */
    unsigned retry_after_s; /* of E_RATE: after so many seconds it would go through; 0: not known */
};

/* Fills err (if any) and returns code, so that `return error_set(err, E_INVALID, "…")` is one line. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same, naming the input field. */
int error_set_field(struct error *err, int code, const char *field, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same, with ": strerror(errno)" appended. ENOSPC and EDQUOT become E_NO_SPACE, whatever code says. */
int error_set_errno(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The analyzer reads one file at a time: this tells it that what comes back is never success. */
#ifdef __clang_analyzer__
#define error_set(err, code, ...) ((void)error_set(err, code, __VA_ARGS__), (code))
#define error_set_field(err, code, ...) ((void)error_set_field(err, code, __VA_ARGS__), (code))
#define error_set_errno(err, code, ...) ((void)error_set_errno(err, code, __VA_ARGS__), (code))
#endif

/* Facts of a code. error_code_by_name answers E_INTERNAL for a name that is not in the table. */
const char *error_name(int code);
const char *error_title(int code);
int error_http_status(int code);
int error_exit_code(int code);
int error_code_by_name(const char *wire_name);

#endif
