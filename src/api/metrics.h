/* Core's numbers as Prometheus' text format 0.0.4. Pure; part of airlock-api. */
#ifndef AIRLOCK_API_METRICS_H
#define AIRLOCK_API_METRICS_H

#include "base/json.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* numbers: core's answer to admin.metrics. */
void metrics_render(const json_t *numbers, struct str *out);

#endif
