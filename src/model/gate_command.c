/* Names of programs in a setting and in a policy. Pure. */
#include "model/gate_command.h"

#include <string.h>

/* Is a word of text the name, with end behind it? */
static bool words_begin(const char *text, const char *name, char end)
{
    size_t len = strlen(name);

    for (; *text; text += strcspn(text, " ")) {
        text += strspn(text, " ");
        if (len > 0 && strncmp(text, name, len) == 0 && (text[len] == end || (end == ' ' && text[len] == '\0')))
            return true;
    }
    return false;
}

bool gate_commands_have(const char *setting, const char *names, char ret_missing[static EXTERNAL_NAME_MAX + 1])
{
    while (external_name_next(&names, ret_missing))
        if (!words_begin(setting, ret_missing, '='))
            return false;
    return true;
}

bool gate_names_hold(const char *names, const char *name)
{
    return words_begin(names, name, ' ');
}
