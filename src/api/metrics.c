/* The metrics, one row each. Pure; part of airlock-api. */
#include "api/metrics.h"

static const struct {
    const char *name, *field, *help;
} METRICS[] = {
    {"airlock_events_oldest_undelivered_seconds", "oldestUndeliveredSeconds",
     "Age of the oldest event that the receiver has not taken yet; 0: it has all."},
    {"airlock_events_open", "open", "Events that the receiver has not taken yet."},
    {"airlock_events_dead", "dead", "Events that were given up and wait for an administrator."},
};

/* A label's value: names of endpoints need no escape, but a metric must not break for what is no name. */
static void append_label(struct str *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\\' || *text == '"')
            str_printf(out, "\\%c", *text);
        else if (*text == '\n')
            str_append(out, "\\n");
        else
            str_append_char(out, *text);
}

void metrics_render(const json_t *numbers, struct str *out)
{
    size_t k;
    const json_t *each;

    for (size_t i = 0; i < ARRAY_LEN(METRICS); i++) {
        str_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", METRICS[i].name, METRICS[i].help, METRICS[i].name);
        json_array_foreach(json_object_get(numbers, "endpoints"), k, each)
        {
            str_printf(out, "%s{endpoint=\"", METRICS[i].name);
            append_label(out, json_text(each, "endpoint"));
            str_printf(out, "\"} %.15g\n", json_number_value(json_object_get(each, METRICS[i].field)));
        }
    }
}
