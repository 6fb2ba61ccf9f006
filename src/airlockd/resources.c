/* Sockets, directories and seeds, and the start messages made from them. Runs in airlockd. */
#include "airlockd/resources.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "airlockd/endpoint.h"
#include "base/file.h"
#include "base/log.h"

int resources_open(struct resources *ret, const struct settings *settings, struct error *err)
{
    struct resources resources = {.settings = settings, .layout = LAYOUT_INIT};
    int r = 0;

    for (size_t i = 0; i < PROCESS_COUNT; i++)
        resources.listeners[i] = -1;
    r = resources_read_certificate(&resources, err);
    if (r == 0)
        r = layout_open(settings, &resources.layout, err);
    for (size_t i = 0; i < PROCESS_COUNT && r == 0; i++)
        for (size_t g = 0; g < PROCESS_GRANTS_MAX && r == 0; g++) {
            const struct grant *grant = &PROCESSES[i].grants[g];
            if (grant->kind != GRANT_LISTEN || !process_is_due(&PROCESSES[i], settings))
                continue;
            resources.listeners[i] = endpoint_listen(settings_text(settings, grant->listen), err);
            r = resources.listeners[i] < 0 ? resources.listeners[i] : 0;
        }
    if (r != 0) {
        resources_done(&resources);
        return r;
    }
    *ret = resources;
    return 0;
}

void resources_done(struct resources *resources)
{
    layout_done(&resources->layout);
    certificate_done(&resources->certificate);
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        if (resources->listeners[i] >= 0)
            (void)close(resources->listeners[i]);
        json_decref(resources->seeds[i]);
    }
}

int resources_read_certificate(struct resources *resources, struct error *err)
{
    struct certificate certificate;
    int r = certificate_read(resources->settings, &certificate, err);
    if (r != 0)
        return r;
    if (certificate.outdated)
        log_warning("the certificate in %s is not valid today: clients will refuse it",
                    settings_text(resources->settings, SETTING_TLS_CERTIFICATE_FILE));
    certificate_done(&resources->certificate);
    resources->certificate = certificate;
    return 0;
}

/* A sealed piece of memory to read from. */
static int sealed_open(const char *name, const char *text, size_t len, struct error *err)
{
    AUTO_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_set_errno(err, E_INTERNAL, "Cannot make memory for the %s", name);
    int r = file_pwrite_all(fd, text, len, 0, err); /* the offset stays at the start, for the reader */
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        r = error_set_errno(err, E_INTERNAL, "Cannot seal the %s", name);
    return r ? r : TAKE_FD(fd);
}

static int seed_open(const json_t *seed, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(SEED_MAX);

    json_append_value(&text, seed);
    int fd = text.overflow ? error_set(err, E_INTERNAL, "The seed is too large")
                           : sealed_open("seed", text.p, text.len, err);
    secret_wipe(text.p, text.len);
    return fd;
}

static int certificate_open(const struct certificate *c, enum grant_kind kind, struct error *err)
{
    if (kind == GRANT_CERTIFICATE)
        return sealed_open("certificate", c->chain, c->chain_len, err);
    return sealed_open("key", c->key, c->key_len, err);
}

int resources_open_certificate(const struct resources *resources, int ret_fds[static 2], struct error *err)
{
    AUTO_FD int certificate = certificate_open(&resources->certificate, GRANT_CERTIFICATE, err);
    int key = certificate < 0 ? certificate : certificate_open(&resources->certificate, GRANT_KEY, err);
    if (key < 0)
        return key;
    ret_fds[0] = TAKE_FD(certificate);
    ret_fds[1] = key;
    return 0;
}

/* Whether there is anything behind the row in this installation. */
static bool grant_is_due(const struct resources *resources, size_t process, const struct grant *grant)
{
    switch (grant->kind) {
    case GRANT_NONE:
        return false;
    case GRANT_SEED:
        return resources->seeds[process];
    case GRANT_CERTIFICATE:
    case GRANT_KEY:
        return resources->certificate.chain;
    case GRANT_LISTEN:
    case GRANT_DIR:
        break;
    }
    return true;
}

/* A descriptor of its own for each start, so that a child's position in it dies with the child. */
static int grant_open(const struct resources *resources, size_t process, const struct grant *grant, struct error *err)
{
    if (grant->kind == GRANT_DIR)
        return file_open_beneath(resources->layout.storage, grant->dir, O_RDONLY | O_DIRECTORY, 0, err);
    if (grant->kind == GRANT_SEED)
        return seed_open(resources->seeds[process], err);
    if (grant->kind == GRANT_CERTIFICATE || grant->kind == GRANT_KEY)
        return certificate_open(&resources->certificate, grant->kind, err);
    int fd = fcntl(resources->listeners[process], F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? fd : error_set_errno(err, E_IO, "Cannot duplicate a listening socket");
}

int resources_start_message(const struct resources *resources, size_t process, json_t **ret_message,
                            int ret_fds[static PROCESS_GRANTS_MAX], size_t *ret_fd_count, struct error *err)
{
    const struct process *row = &PROCESSES[process];
    AUTO_JSON json_t *names = json_array();
    size_t count = 0;

    for (size_t g = 0; g < PROCESS_GRANTS_MAX; g++) {
        const struct grant *grant = &row->grants[g];
        if (!grant_is_due(resources, process, grant))
            continue;
        int fd = grant_open(resources, process, grant, err);
        if (fd < 0) {
            while (count > 0)
                (void)close(ret_fds[--count]);
            return fd;
        }
        ret_fds[count++] = fd;
        json_array_append_new(names, json_string(grant->name));
    }
    *ret_message = json_pack("{s:s, s:s, s:o, s:O}", "op", message_op(MESSAGE_START), "process", peer_name(row->peer),
                             "settings", settings_for(resources->settings, row->peer), "fds", names);
    *ret_fd_count = count;
    return 0;
}
