/* Time: wall-clock microseconds for records, monotonic milliseconds for deadlines, and three text forms. */
#ifndef AIRLOCK_BASE_CLOCK_H
#define AIRLOCK_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT_MAX 40

int64_t clock_now_us(void);   /* wall clock, microseconds since 1970 */
int64_t clock_now_s(void);
int64_t clock_mono_ms(void);  /* monotonic, for deadlines only */
int64_t clock_mono_us(void);

/* RFC 9110 IMF-fixdate ("Sun, 22 Nov 2026 14:33:01 GMT"), whole seconds. */
void clock_format_http(int64_t us, char out[static CLOCK_TEXT_MAX]);
bool clock_parse_http(const char *text, int64_t *ret_seconds);
/* ISO 8601 UTC: seconds ("2026-11-22T14:33:01Z"). */
void clock_format_iso(int64_t us, char out[static CLOCK_TEXT_MAX]);
/* Azure's SAS times: YYYY-MM-DD, YYYY-MM-DDTHH:MMZ, YYYY-MM-DDTHH:MM:SSZ, and the last with 1 to 7 fraction digits. */
bool clock_parse_sas(const char *text, int64_t *ret_seconds);
/* "HH:MM", as seconds since midnight. */
bool clock_parse_time_of_day(const char *text, int64_t *ret_seconds);

#endif
