/* The table of statuses. Pure; any process. */
#include "model/status.h"

#include <string.h>

static const struct status_facts STATUSES[] = {
#define X(name, wire, import, export, end, notify, link, permissions) \
    {wire, {ACCOUNT_##import, ACCOUNT_##export}, END_##end, notify, link, permissions},
#include "model/status.def"
#undef X
};

static const char *const TYPES[REQUEST_TYPE_COUNT] = {"import", "export"};

const struct status_facts *status_facts(enum status status)
{
    return &STATUSES[status];
}

const char *status_name(enum status status)
{
    if (status < STATUS_COUNT)
        return STATUSES[status].name;
    return status == STATUS_FAILED_FROM ? "failed_from" : "none";
}

bool status_by_name(const char *name, enum status *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++)
        if (strcmp(STATUSES[i].name, name) == 0) {
            *ret = (enum status)i;
            return true;
        }
    return false;
}

bool status_is_terminal(enum status status)
{
    return status < STATUS_COUNT && STATUSES[status].end == END_CLOSED;
}

enum account status_account(enum status status, enum request_type type)
{
    return STATUSES[status].account[type];
}

const char *request_type_name(enum request_type type)
{
    return TYPES[type];
}

bool request_type_by_name(const char *name, enum request_type *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++)
        if (strcmp(TYPES[i], name) == 0) {
            *ret = (enum request_type)i;
            return true;
        }
    return false;
}
