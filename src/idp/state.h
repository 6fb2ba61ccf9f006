/* The key files of this process, and how it writes a small file. */
#ifndef AIRLOCK_IDP_STATE_H
#define AIRLOCK_IDP_STATE_H

#include "base/error.h"
#include "base/jwk.h"

/* Writes a file that only its owner can read, durably, at an absolute path. */
int state_write(const char *path, const void *bytes, size_t len, struct error *err) MUST_USE;

/* The key that signs tokens: read from its PEM file, or made and written there when there is none. */
int state_load_key(const char *path, struct jwt_key **ret, struct error *err) MUST_USE;

#endif
