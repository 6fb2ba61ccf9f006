/* The statuses of a request and what each one means: where the bytes are, who is told, who may have a link.
 * Pure; any process. The facts are in status.def. */
#ifndef AIRLOCK_MODEL_STATUS_H
#define AIRLOCK_MODEL_STATUS_H

#include <stdbool.h>

#include "model/account.h"

enum request_type { REQUEST_IMPORT, REQUEST_EXPORT, REQUEST_TYPE_COUNT };

enum status {
#define X(name, wire, import, export, end, notify, link, permissions) STATUS_##name,
#include "model/status.def"
#undef X
    STATUS_COUNT,
    STATUS_NONE,        /* before the request exists */
    STATUS_FAILED_FROM, /* as the target of a retry: the status the request failed from */
};

enum status_end { END_OPEN, END_RESTS, END_CLOSED };

enum notify_bits {
    NOTIFY_NOBODY = 0,
    NOTIFY_REQUESTOR = 1 << 0,
    NOTIFY_MANAGERS = 1 << 1, /* Airlock Managers of the workspace */
    NOTIFY_OWNERS = 1 << 2,   /* Workspace Owners of the workspace */
};

enum link_bits {
    LINK_NOBODY = 0,
    LINK_REQUESTOR = 1 << 0,
    LINK_MANAGERS = 1 << 1,
    LINK_OWNERS = 1 << 2,
    LINK_RESEARCHERS_OF_IMPORT = 1 << 3, /* every researcher of the workspace, for an import */
};

struct status_facts {
    const char *name; /* on the wire */
    enum account account[REQUEST_TYPE_COUNT];
    enum status_end end;
    unsigned notify;              /* enum notify_bits */
    unsigned link;                /* enum link_bits */
    const char *link_permissions; /* letters, "" when there are no links */
};

/* status must be below STATUS_COUNT. */
const struct status_facts *status_facts(enum status status);

const char *status_name(enum status status); /* "none" for STATUS_NONE, "failed_from" for STATUS_FAILED_FROM */
bool status_by_name(const char *name, enum status *ret);
/* rejected, blocked_by_scan, cancelled, failed, revoked: the request's round is over. */
bool status_is_terminal(enum status status);
/* Where the bytes are: one of the ten accounts, or ACCOUNT_MOVING, _STAYS, _NONE. */
enum account status_account(enum status status, enum request_type type);

const char *request_type_name(enum request_type type); /* "import", "export" */
bool request_type_by_name(const char *name, enum request_type *ret);

#endif
