/* One end of a stream socket between two processes of the tree: frames of JSON, with descriptors riding along.
 * A frame is a 4-byte little-endian length, one byte that counts its descriptors, and that many bytes of one JSON
 * object. Not thread-safe. */
#ifndef AIRLOCK_IPC_CHANNEL_H
#define AIRLOCK_IPC_CHANNEL_H

#include "base/error.h"
#include "base/json.h"

#define FRAME_MAX (16 * 1024 * 1024)
#define FRAME_FDS_MAX 8

struct channel;

struct frame {
    json_t *message;        /* the receiver's */
    size_t fd_count;
    int fds[FRAME_FDS_MAX]; /* the receiver's: TAKE_FD what is used; frame_done closes the rest */
};
void frame_done(struct frame *frame);

struct channel *channel_new(int fd); /* takes the descriptor over and makes it non-blocking */
void channel_free(struct channel *c);
int channel_fd(const struct channel *c);

/* Queues a frame and writes as much as goes without waiting. Descriptors are duplicated: the caller keeps its own. */
int channel_send(struct channel *c, const json_t *message, const int *fds, size_t fd_count, struct error *err) MUST_USE;
bool channel_has_output(const struct channel *c);        /* poll for POLLOUT and call channel_flush */
int channel_flush(struct channel *c, struct error *err) MUST_USE;
int channel_flush_wait(struct channel *c, int timeout_ms, struct error *err) MUST_USE; /* until all is written */

/* 1: a frame; 0: nothing complete yet; E_UNAVAILABLE: the other end is gone; E_PROTOCOL: it talks nonsense. */
int channel_receive(struct channel *c, struct frame *ret_frame, struct error *err) MUST_USE;

/* The three shapes of a message, built for sending. message is stolen where it says so. */
json_t *message_answer(int64_t id, json_t *ok_stolen);
json_t *message_refusal(int64_t id, const struct error *err);

#endif
