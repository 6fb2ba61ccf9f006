/* The process tree as a table: which programs there are, what each is given, who talks to whom, who stops when; and how
 * one of them is started. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_PROCESS_H
#define AIRLOCK_AIRLOCKD_PROCESS_H

#include "airlockd/settings.h"
#include "ipc/channel.h"

#define PROCESS_COUNT 10
#define PROCESS_GRANTS_MAX 4

enum grant_kind {
    GRANT_NONE,
    GRANT_LISTEN,      /* the listening socket of the address in a setting */
    GRANT_DIR,         /* a directory below the storage root */
    GRANT_CERTIFICATE, /* of the listeners, and */
    GRANT_KEY,         /* its key, with TLS */
    GRANT_SEED,        /* the first people of a new TRE, if airlockd was given any */
};

/* A descriptor that a process is given with its start message. */
struct grant {
    const char *name; /* as ipc/messages.md has it */
    enum grant_kind kind;
    enum setting listen; /* GRANT_LISTEN */
    const char *dir;     /* GRANT_DIR */
};

enum stop_stage { STOP_LISTENERS, STOP_WORKERS, STOP_CORE, STOP_STAGES };

/* The configuration decides whether there is the process at all. */
enum process_when { WHEN_ALWAYS, WHEN_BUILT_IN_PROVIDER, WHEN_OTHER_PROVIDER, WHEN_OUTWARD };

struct process {
    enum peer peer;
    const char *program; /* beside airlockd */
    unsigned channels;   /* PEER_ bits: whom it talks to besides airlockd */
    enum stop_stage stop_stage;
    uint64_t caps; /* 1 << CAP_…: what it may keep when airlockd runs as root */
    enum process_when when;
    struct grant grants[PROCESS_GRANTS_MAX];
};

bool process_is_due(const struct process *process, const struct settings *settings);

/* All capabilities of the table: what airlockd itself keeps, besides the right to take them from a child. */
uint64_t process_all_caps(void);

/* In the order in which they are started. */
extern const struct process PROCESSES[PROCESS_COUNT];

/* Where the programs are: the directory by whose path airlockd was started, or that of its executable. The caller's.
 * E_CONFIG naming the first program that is in neither. */
int process_find_programs(char **ret_dir, struct error *err) MUST_USE;

/* Starts the program with descriptors 0 (/dev/null), 1 and 2 (standard error) and 3 (control, which stays the
 * caller's), an own process group, SIGPIPE ignored, the capabilities of its row, and nothing else of airlockd's. */
int process_spawn(const struct process *process, const char *dir, int control, pid_t *ret_pid,
                  struct error *err) MUST_USE;

#endif
