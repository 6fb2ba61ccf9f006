/* Sockets, directories and seeds, and the start messages made from them. Runs in airlockd. */
#include "airlockd/resources.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "airlockd/endpoint.h"
#include "base/file.h"

int resources_open(struct resources *ret, const struct settings *settings, struct error *err)
{
    struct resources resources = {.settings = settings, .layout = LAYOUT_INIT};
    int r = 0;

    for (size_t i = 0; i < PROCESS_COUNT; i++)
        resources.listeners[i] = -1;
    r = layout_open(settings, &resources.layout, err);
    for (size_t i = 0; i < PROCESS_COUNT && r == 0; i++)
        for (size_t g = 0; g < PROCESS_GRANTS_MAX && r == 0; g++) {
            const struct grant *grant = &PROCESSES[i].grants[g];
            if (grant->kind != GRANT_LISTEN)
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
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        if (resources->listeners[i] >= 0)
            (void)close(resources->listeners[i]);
        json_decref(resources->seeds[i]);
    }
}

/* A sealed piece of memory to read from. */
static int seed_open(const json_t *seed, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(SEED_MAX);
    AUTO_FD int fd = memfd_create("seed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    json_append_value(&text, seed);
    if (fd < 0 || text.overflow)
        return error_set_errno(err, E_INTERNAL, "Cannot make the seed");
    int r = file_pwrite_all(fd, text.p, text.len, 0, err); /* the offset stays at the start, for the reader */
    secret_wipe(text.p, text.len);
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        r = error_set_errno(err, E_INTERNAL, "Cannot seal the seed");
    return r ? r : TAKE_FD(fd);
}

/* A descriptor of its own for each start, so that a child's position in it dies with the child. */
static int grant_open(const struct resources *resources, size_t process, const struct grant *grant, struct error *err)
{
    if (grant->kind == GRANT_DIR)
        return file_open_beneath(resources->layout.storage, grant->dir, O_RDONLY | O_DIRECTORY, 0, err);
    if (grant->kind == GRANT_SEED)
        return seed_open(resources->seeds[process], err);
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
        if (grant->kind == GRANT_NONE || (grant->kind == GRANT_SEED && !resources->seeds[process]))
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
