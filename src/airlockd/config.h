/* Reading the configuration file and the overrides of the command line, a problem for each mistake. airlockd only. */
#ifndef AIRLOCK_AIRLOCKD_CONFIG_H
#define AIRLOCK_AIRLOCKD_CONFIG_H

#include "airlockd/settings.h"

#define CONFIG_LINE_MAX 4096

/* Reads file, then applies sets ("NAME=VALUE" each, in order), then settings_finish. Everything wrong lands in
 * problems; the settings may be used only if there are none. The caller's. */
struct settings *config_read(const char *file, const char *const *sets, size_t set_count, struct problems *problems);

#endif
