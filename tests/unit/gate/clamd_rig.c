/* Starts and ends clamd for the tests of airlock-gate. */
#include "clamd_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../check.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "gate/clamd.h"

#define START_MS 60000 /* a loaded machine is slow */

char *rig_eicar(void)
{
    return xasprintf("%s%s%s%s", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!", "$H+H*");
}

static void rig_write(const struct clamd_rig *rig, const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/%s", rig->dir, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, strlen(text), NULL), 0);
}

int rig_connect(const struct clamd_rig *rig)
{
    pid_t pid;

    return clamd_connect(rig->socket, &pid, NULL);
}

void rig_run(struct clamd_rig *rig)
{
    AUTO_FREE char *config = xasprintf("--config-file=%s/clamd.conf", rig->dir);
    AUTO_FREE char *log = xasprintf("%s/log", rig->dir);
    int64_t until = clock_mono_ms() + START_MS;

    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl("/usr/sbin/clamd", "clamd", config, (char *)NULL);
        _exit(127);
    }
    for (;;) {
        AUTO_FD int fd = rig_connect(rig);
        if (fd >= 0)
            return;
        assert_int_equal(waitpid(rig->pid, NULL, WNOHANG), 0); /* it must not have ended */
        assert_true(clock_mono_ms() < until);
        (void)usleep(20000);
    }
}

void rig_start_with(struct clamd_rig *rig, const char *settings, const char *name, const void *bytes, size_t len)
{
    AUTO_FREE char *hex = xmalloc(2 * len + 1);

    hex_encode(bytes, len, hex);
    *rig = (struct clamd_rig){.dir = "/tmp/airlock-clamd-XXXXXX"};
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->socket, sizeof rig->socket, "%s/clamd", rig->dir);
    AUTO_FREE char *database = xasprintf("%s/database", rig->dir);
    AUTO_FREE char *scratch = xasprintf("%s/scratch", rig->dir);
    assert_int_equal(mkdir(database, 0700), 0);
    assert_int_equal(mkdir(scratch, 0700), 0);
    AUTO_FREE char *config =
        xasprintf("LocalSocket %s\nDatabaseDirectory %s\nTemporaryDirectory %s\nForeground yes\n%s", rig->socket,
                  database, scratch, settings);
    AUTO_FREE char *signature = xasprintf("%s:0:*:%s\n", name, hex);
    rig_write(rig, "clamd.conf", config);
    rig_write(rig, "database/test.ndb", signature);
    rig_run(rig);
}

void rig_start(struct clamd_rig *rig, const char *settings)
{
    AUTO_FREE char *eicar = rig_eicar();

    rig_start_with(rig, settings, "Eicar-Test", eicar, strlen(eicar));
}

void rig_kill(struct clamd_rig *rig)
{
    if (rig->pid > 0) {
        (void)kill(rig->pid, SIGKILL);
        (void)waitpid(rig->pid, NULL, 0);
    }
    rig->pid = 0;
}

void rig_stop(struct clamd_rig *rig)
{
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    rig_kill(rig);
    assert_int_equal(file_remove_tree(tmp, rig->dir + strlen("/tmp/"), NULL), 0);
}
