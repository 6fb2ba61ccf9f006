/* airlock-mover's "never has": no file outside the storage root, no network, no capability but three. */
#include "mover/confine.h"

#include <signal.h>

#include "base/crypto.h"
#include "base/log.h"

#define MOVER_FILES_MAX 4096 /* a delivered tree may be some hundred directories deep, each open while it is walked */

int mover_confine(int root_fd, bool reduced_ok, struct error *err)
{
    const struct sandbox_rule rules[] = {
        {.dirfd = root_fd, .access = MOVER_ACCESS},
    };
    const struct sandbox sandbox = {
        .rules = rules,
        .rule_count = ARRAY_LEN(rules),
        .keep_caps = MOVER_CAPS,
        .max_files = MOVER_FILES_MAX,
        .reduced_ok = reduced_ok,
    };
    unsigned char digest[SHA256_SIZE];
    bool reduced = false;

    sha256("", 0, digest);        /* OpenSSL reads its configuration at the first use */
    (void)signal(SIGIO, SIG_IGN); /* what the kernel sends when somebody wants a file whose lease is being tried */
    (void)signal(SIGPIPE, SIG_IGN);
    int r = sandbox_enter(&sandbox, &reduced, err);
    if (r == 0 && reduced)
        log_warning("The kernel has no Landlock: airlock-mover runs with a reduced sandbox");
    return r;
}
