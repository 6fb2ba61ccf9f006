/* Clocks and their text forms, locale-free. Linked into every program. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/num.h"

static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int64_t clock_read_us(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

int64_t clock_now_s(void)
{
    return clock_now_us() / 1000000;
}

int64_t clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

static struct tm clock_split(int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        memset(&tm, 0, sizeof tm);
    return tm;
}

void clock_format_http(int64_t us, char out[static CLOCK_TEXT_MAX])
{
    struct tm tm = clock_split(us);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday % 7], tm.tm_mday,
                   MONTHS[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void clock_format_iso(int64_t us, char out[static CLOCK_TEXT_MAX])
{
    struct tm tm = clock_split(us);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Reads exactly len digits at text into *ret. */
static bool take_digits(const char *text, size_t len, int max, int *ret)
{
    uint64_t value;
    if (!num_parse_len(text, len, 0, (uint64_t)max, &value))
        return false;
    *ret = (int)value;
    return true;
}

static bool clock_join(struct tm *tm, int64_t *ret_seconds)
{
    struct tm given = *tm;
    time_t seconds = timegm(tm);
    if (given.tm_mday != tm->tm_mday || given.tm_mon != tm->tm_mon || given.tm_hour != tm->tm_hour)
        return false; /* 31 February and the like were moved by timegm */
    *ret_seconds = seconds;
    return true;
}

bool clock_parse_http(const char *text, int64_t *ret_seconds)
{
    struct tm tm = {0};
    int year;

    if (strlen(text) != 29 || text[3] != ',' || text[4] != ' ' || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || strcmp(text + 25, " GMT") != 0)
        return false;
    if (!take_digits(text + 5, 2, 31, &tm.tm_mday) || !take_digits(text + 12, 4, 9999, &year) ||
        !take_digits(text + 17, 2, 23, &tm.tm_hour) || !take_digits(text + 20, 2, 59, &tm.tm_min) ||
        !take_digits(text + 23, 2, 60, &tm.tm_sec))
        return false;
    tm.tm_year = year - 1900;
    for (int month = 0; month < 12; month++)
        if (strncmp(text + 8, MONTHS[month], 3) == 0) {
            tm.tm_mon = month;
            return clock_join(&tm, ret_seconds);
        }
    return false;
}

static bool parse_sas_clock(const char *text, struct tm *tm)
{
    size_t len = strlen(text);

    if (len < 7 || text[0] != 'T' || text[3] != ':' || text[len - 1] != 'Z')
        return false;
    if (!take_digits(text + 1, 2, 23, &tm->tm_hour) || !take_digits(text + 4, 2, 59, &tm->tm_min))
        return false;
    if (len == 7)
        return true;
    if (len < 10 || text[6] != ':' || !take_digits(text + 7, 2, 59, &tm->tm_sec))
        return false;
    if (len == 10)
        return true;
    int fraction; /* read to refuse nonsense; whole seconds are what counts */
    return text[9] == '.' && len >= 12 && len <= 18 && take_digits(text + 10, len - 11, 9999999, &fraction);
}

bool clock_parse_sas(const char *text, int64_t *ret_seconds)
{
    struct tm tm = {0};
    int year, month;

    if (strlen(text) < 10 || text[4] != '-' || text[7] != '-')
        return false;
    if (!take_digits(text, 4, 9999, &year) || !take_digits(text + 5, 2, 12, &month) || month == 0 ||
        !take_digits(text + 8, 2, 31, &tm.tm_mday))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    if (text[10] != '\0' && !parse_sas_clock(text + 10, &tm))
        return false;
    return clock_join(&tm, ret_seconds);
}

bool clock_parse_time_of_day(const char *text, int64_t *ret_seconds)
{
    int hour, minute;

    if (strlen(text) != 5 || text[2] != ':' || !take_digits(text, 2, 23, &hour) || !take_digits(text + 3, 2, 59, &minute))
        return false;
    *ret_seconds = hour * 3600 + minute * 60;
    return true;
}
