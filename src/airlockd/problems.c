/* The list of problems. Runs in airlockd. */
#include "airlockd/problems.h"

#include <stdarg.h>
#include <stdio.h>

void problems_add(struct problems *problems, const char *where, const char *fmt, ...)
{
    char message[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args); /* a longer sentence is cut on purpose */
    va_end(args);
    str_printf(&problems->text, "%s: %s\n", where, message);
    problems->count++;
}

void problems_done(struct problems *problems)
{
    str_done(&problems->text);
}
