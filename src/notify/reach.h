/* Whom airlock-notify may connect to. Pure; part of airlock-notify. The address is judged that a socket is about to
 * connect to, not a name: whatever a name resolves to later makes no difference. */
#ifndef AIRLOCK_NOTIFY_REACH_H
#define AIRLOCK_NOTIFY_REACH_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/network.h"

#define REACH_NETWORKS_MAX 32

struct reach {
    struct network networks[REACH_NETWORKS_MAX]; /* private ones that the operator allows */
    size_t count;
};

/* Networks with spaces between; E_CONFIG names the setting. */
int reach_parse(const char *setting, const char *text, struct reach *ret, struct error *err) MUST_USE;
/* Does the URL name this machine by itself: 127.0.0.1, [::1] or localhost? The settings let no other http pass. */
bool reach_url_is_local(const char *url);
/* Public addresses and those of the networks; loopback only for a URL that is local, and then nothing else. */
bool reach_allows(const struct reach *reach, bool local, const struct sockaddr *address);

#endif
