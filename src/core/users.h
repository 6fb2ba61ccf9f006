/* Accounts of the built-in provider as administrators see them, and TRE roles. airlock-idp owns accounts and secrets;
 * core authorises, records and relays (relay.h). */
#ifndef AIRLOCK_CORE_USERS_H
#define AIRLOCK_CORE_USERS_H

#include "core/core.h"

call_handler admin_user_list, admin_user_add, admin_user_disable, admin_user_enable, admin_user_reset;
call_handler admin_role_assign, admin_role_remove;
call_handler account_done; /* from airlock-idp */

/* Does what this subject was given at that time (a token, a link) still count? E_UNAUTHENTICATED for who is disabled,
 * and for what is older than the last disabling or reset. Only the built-in provider's people can be. */
int user_check(struct core *core, const char *subject, int64_t given_s, struct error *err) MUST_USE;
/* The provider's word about one account, from a publication or an order. disabled counts for who is new here. */
int user_put(struct core *core, const json_t *account, struct error *err) MUST_USE;

#endif
