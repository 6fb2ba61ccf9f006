/* A store over a temporary directory, for tests of src/store and src/mover. The tests run as airlock-mover does: in its
 * sandbox and without its capabilities, so what they show holds there. */
#ifndef AIRLOCK_TESTS_UNIT_STORE_FIXTURE_H
#define AIRLOCK_TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

/* Once, first thing in main: makes the directory and confines the process. A parent process stays behind to remove it.
 */
void fixture_enter(void);
/* Is there another file system at "mount"? (Only root can mount one.) */
bool fixture_has_mount(void);

/* Set-up and tear-down of each test: a new store over the emptied directory. */
int fixture_begin(void **state);
int fixture_end(void **state);
/* Set-up with an engine beneath the store. FIXTURE_EACH_ENGINE: a test's two rows, once with each kind. */
int fixture_begin_auto(void **state);
int fixture_begin_threads(void **state);
#define FIXTURE_EACH_ENGINE(fn)                                                                                        \
    {#fn " auto", fn, fixture_begin_auto, fixture_end, NULL},                                                          \
        {#fn " threads", fn, fixture_begin_threads, fixture_end, NULL}
struct store *fixture_store(void **state);

/* Puts an object as airlock-blob does: made, written, synced. _open leaves it open for writing. */
void fixture_put(struct store *store, const char *dir, const char *object, const void *bytes, size_t len);
int fixture_put_open(struct store *store, const char *dir, const char *object, const void *bytes, size_t len);
/* Fails the test unless the object has exactly these bytes. */
void fixture_expect(struct store *store, const char *dir, const char *object, const void *bytes, size_t len);
size_t fixture_count(struct store *store, const char *dir); /* objects in dir */
unsigned fixture_dice(unsigned sides);                      /* 0 to sides - 1, anew in each run */

#endif
