/* Logging: one JSON object a line on stderr. Only programs log; libraries return errors. Never pass a token, a SAS
 * signature or a password. Thread-safe: a line is one write(2). */
#ifndef AIRLOCK_BASE_LOG_H
#define AIRLOCK_BASE_LOG_H

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALARM };

/* process names this program in every line; lines below level are dropped. */
void log_init(const char *process, enum log_level level);
/* "debug", "info", "warning" or "error": the levels that may be the least. */
bool log_level_by_name(const char *name, enum log_level *ret);
void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
/* Something an operator must look at: an integrity mismatch, a job that gave up. */
#define log_alarm(...) log_at(LOG_ALARM, __VA_ARGS__)

/* Logs err with what was tried and ends the process with the error's exit code. */
void die(const struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;

#endif
