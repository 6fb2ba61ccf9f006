/* The settings: one value for each row of settings.def, checked, with the place it came from. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_SETTINGS_H
#define AIRLOCK_AIRLOCKD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "airlockd/problems.h"
#include "base/json.h"
#include "ipc/peer.h"

enum setting {
#define X(id, name, form, fallback, min, max, receivers, help) SETTING_##id,
#include "airlockd/settings.def"
#undef X
    SETTING_COUNT,
};

struct settings;

/* All defaults. */
struct settings *settings_new(void);
void settings_free(struct settings *settings);
static inline void cleanup_settings_(struct settings **settings)
{
    settings_free(*settings);
}
#define AUTO_SETTINGS CLEANUP(cleanup_settings_)

const char *setting_name(enum setting id);
bool setting_by_name(const char *name, enum setting *ret);

/* Checks text against the row and takes it. E_INVALID: "NAME must be …". where ("FILE:LINE") is kept either way. */
int settings_set(struct settings *settings, enum setting id, const char *text, const char *where,
                 struct error *err) MUST_USE;
/* Where it was last set, rightly or wrongly; "" when it never was. */
const char *settings_where(const struct settings *settings, enum setting id);

/* Fills what is made from other settings and checks what only shows when all are known. file names the whole. */
void settings_finish(struct settings *settings, const char *file, struct problems *problems);

const char *settings_text(const struct settings *settings, enum setting id);
bool settings_flag(const struct settings *settings, enum setting id);

/* Whether the listeners speak TLS. */
bool settings_tls(const struct settings *settings);

/* The start message's settings of one process: strings, numbers and booleans. The caller's. */
json_t *settings_for(const struct settings *settings, enum peer peer);

/* The reference page, in Markdown. */
void settings_print(struct str *out);

#endif
