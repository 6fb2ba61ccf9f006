/* Plays an organisation's own check. By the name of the file: an honest one, or attempt N of T44. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/gate/attempts.h"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

int main(void)
{
    const char *name = variable("AIRLOCK_FILE_NAME");
    char bytes[256];

    if (strcmp(name, "honest") == 0) {
        ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        (void)printf("{\"verdict\":\"warn\",\"findings\":[{\"code\":\"read-%zd-bytes\",\"row\":7}]}", got);
        return 0;
    }
    if (strcmp(name, "dies") == 0)
        return 1;
    if (strcmp(name, "babbles") == 0)
        return puts("certainly clean") < 0;
    const struct attempt_stage stage = {
        .file = STDIN_FILENO, .pipe = STDOUT_FILENO, .victim = (pid_t)atoi(variable("VICTIM"))};
    bool did_it = attempt_make((size_t)atoi(name), &stage);
    (void)printf("{\"verdict\":\"pass\",\"findings\":[{\"code\":\"%s\"}]}", did_it ? "did it" : "refused");
    return 0;
}
