/* Reads and writes of files that go on while their thread does something else: the engine of a process. io_uring where
 * the kernel lets us have it, a few threads with pread(2) and pwrite(2) elsewhere. What is submitted from one thread
 * may end on another; the engine knows nothing of transfers, buffers or files. Any thread. */
#ifndef AIRLOCK_STORE_AIO_H
#define AIRLOCK_STORE_AIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"

#define AIO_ALIGN 4096u              /* of offset, length and memory, for descriptors with O_DIRECT */
#define AIO_PIECE (512u * 1024u)     /* a good size of one operation: smaller ones cost up to half of the speed */

struct aio;

/* Also the texts of the setting storage.io, in this order. */
enum aio_kind { AIO_AUTO, AIO_URING, AIO_THREADS };

enum aio_verb { AIO_READ, AIO_WRITE };

/* One operation. It, its bytes and its descriptor belong to the engine from aio_submit until done is called. */
struct aio_op {
    TAILQ_ENTRY(aio_op) link;
    enum aio_verb verb;
    int fd;
    void *bytes;
    size_t len; /* at least 1 */
    uint64_t offset;
    size_t moved;       /* the engine's, as the next */
    bool is_undirected; /* was tried again without O_DIRECT */
    /* On a thread of the engine, without locks held; must not block for long, and may free op. result: the bytes moved
     * (all of them, or as far as the file goes when reading), or a negative errno. */
    void (*done)(struct aio_op *op, int64_t result);
};

/* false: no such kind. */
bool aio_kind_by_name(const char *name, enum aio_kind *ret);
/* Makes sure that this kind works here (AUTO: takes the best that does). Before the process confines itself; threads
 * are started by the first operation. AIO_URING where the kernel refuses it: E_CONFIG. */
int aio_new(enum aio_kind kind, struct aio **ret, struct error *err) MUST_USE;
void aio_free(struct aio *aio); /* nothing may be under way; NULL is allowed */
const char *aio_name(const struct aio *aio);

/* Begins op. A descriptor whose O_DIRECT turns out to be refused by its file system loses it, and the operation goes
 * through the page cache. Without a thread to be had, op is done before this returns. */
void aio_submit(struct aio *aio, struct aio_op *op);

#endif
