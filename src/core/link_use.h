/* The record of uses of links that are neither uploads nor downloads, which have rows of their own: blocks, lists,
 * looks at properties. One audit row ("use", with `kind`, the link's id and the address) stands for all uses of a link
 * of one kind from one address in one minute: enough to say who used what from where, without a row for each of 50,000
 * blocks. */
#ifndef AIRLOCK_CORE_LINK_USE_H
#define AIRLOCK_CORE_LINK_USE_H

#include "core/link.h"

/* kind: "block", "list", "look". The link was checked (call->link_id). */
int link_use_record(struct core *core, const struct call *call, const struct access *a, const char *kind,
                    struct error *err) MUST_USE;

#endif
