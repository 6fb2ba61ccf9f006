/* What people do to a request: submit, cancel, review, revoke, retry. */
#ifndef AIRLOCK_CORE_ACTIONS_H
#define AIRLOCK_CORE_ACTIONS_H

#include "core/core.h"

call_handler request_submit, request_cancel, request_review, request_revoke, request_review_resource, admin_retry;

#endif
