/* What airlock-jwks and airlock-notify share. Never connects by itself. */
#include "outward/outward.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define CA_MAX (4 * 1024 * 1024)
#define FILES_MAX 512 /* airlock-notify: each post under way has a socket, and a name that is looked up two more */

int outward_read_authorities(const char *setting, const char *file, char **ret_pem, size_t *ret_len, struct error *err)
{
    const char *path = *file ? file : SYSTEM_CA_FILE;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && *file == '\0')
        return 0;
    if (fd < 0)
        return error_set_errno(err, E_CONFIG, "%s: cannot open %s", setting, path);
    return file_read_fd(fd, path, CA_MAX, ret_pem, ret_len, err);
}

void outward_confine(const struct child *child)
{
    static const char *const READ[] = {"/etc", "/usr/lib", "/run/systemd/resolve", "/run/resolvconf"};
    struct sandbox_rule rules[ARRAY_LEN(READ)];
    size_t count = 0;
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_LEN(READ); i++)
        if (access(READ[i], F_OK) == 0)
            rules[count++] = (struct sandbox_rule){.path = READ[i], .access = SANDBOX_READ};
    const struct sandbox spec = {.rules = rules, .rule_count = count, .max_files = FILES_MAX, .tcp_connect = true};
    if (child_confine(child, &spec, &err) != 0)
        die(&err, "cannot confine the process");
}

void outward_wait(CURLM *multi, const int *fds, bool *readable, size_t count, int timeout_ms)
{
    struct curl_waitfd waits[OUTWARD_FDS_MAX];
    unsigned used = 0;
    int running;

    for (size_t i = 0; i < count && i < OUTWARD_FDS_MAX; i++) {
        readable[i] = false;
        if (fds[i] >= 0)
            waits[used++] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    }
    (void)curl_multi_poll(multi, waits, used, timeout_ms, NULL);
    (void)curl_multi_perform(multi, &running);
    for (size_t i = 0, at = 0; i < count && at < used; i++)
        if (fds[i] >= 0)
            readable[i] = waits[at++].revents != 0;
}
