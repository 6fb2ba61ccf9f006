/* A real clamd of the test's own: its socket, settings and signatures lie in a directory that goes with it. */
#ifndef AIRLOCK_TESTS_CLAMD_RIG_H
#define AIRLOCK_TESTS_CLAMD_RIG_H

#include <sys/types.h>

#include "base/str.h"

/* What airlock wants of clamd.conf. */
#define RIG_STRICT \
    "AlertExceedsMax yes\nAlertEncrypted yes\nAlertBrokenMedia yes\nMaxRecursion 17\nMaxScanTime 120000\n"

struct clamd_rig {
    char dir[64];
    char socket[80];
    pid_t pid;
};

/* The EICAR test text, 68 bytes, assembled at run time: the caller's. */
char *rig_eicar(void);

/* settings: lines of clamd.conf. Returns when it answers. */
void rig_start(struct clamd_rig *rig, const char *settings);
/* The same, with one signature of this name and these bytes instead of EICAR's. */
void rig_start_with(struct clamd_rig *rig, const char *settings, const char *name, const void *bytes, size_t len);
void rig_run(struct clamd_rig *rig); /* again, after rig_kill */
void rig_kill(struct clamd_rig *rig);
void rig_stop(struct clamd_rig *rig); /* ends it if it runs, and removes the directory */
int rig_connect(const struct clamd_rig *rig);

#endif
