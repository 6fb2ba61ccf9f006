/* The running tree: one member for each row of the process table, its life, its control socket and its channels. What
 * happens is decided by supervise.c; this knows how. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_TREE_H
#define AIRLOCK_AIRLOCKD_TREE_H

#include "airlockd/backoff.h"
#include "airlockd/resources.h"

enum member_state { MEMBER_DOWN, MEMBER_STARTING, MEMBER_READY };

struct member {
    enum member_state state;
    pid_t pid;               /* 0 when down */
    struct channel *control; /* NULL when down, or when the child closed its end */
    int64_t started_ms;
    int64_t restart_ms; /* when down: not before this */
    struct backoff backoff;
};

struct tree {
    struct resources *resources; /* borrowed */
    const char *programs;              /* directory; borrowed */
    struct member members[PROCESS_COUNT];
    bool stopping;      /* nobody is started any more */
    int config_refused; /* a child ended because of its configuration: no sense in trying again */
};

/* Starts every member that is down and due, and links it with those that live. */
void tree_start_due(struct tree *tree, int64_t now_ms);
/* When the next member is due; -1 when none waits. */
int64_t tree_next_due(const struct tree *tree);

/* Takes what a member said on its control socket: it is ready, or (core) another one hangs. */
void tree_readable(struct tree *tree, size_t member);
void tree_writable(struct tree *tree, size_t member);
/* Collects the members that ended and says when each is due again. */
void tree_reap(struct tree *tree, int64_t now_ms);
/* Kills members that have not become ready within limit_ms of their start. */
void tree_kill_late(struct tree *tree, int64_t now_ms, int64_t limit_ms);

bool tree_all_ready(const struct tree *tree);
bool tree_any_alive(const struct tree *tree, enum stop_stage last_stage); /* among the stages up to this one */
/* The certificate was read anew: every process that listens gets it. */
void tree_tell_certificate(struct tree *tree);
void tree_tell_stop(struct tree *tree, enum stop_stage stage);
void tree_kill_all(struct tree *tree);
/* "core, api": the members that are not ready; the caller's. */
char *tree_not_ready(const struct tree *tree);

#endif
