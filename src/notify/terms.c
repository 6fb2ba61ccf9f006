/* Terms of calls. Runs in airlock-notify, before its confinement. */
#include "notify/terms.h"

#include "base/str.h"
#include "outward/outward.h"

int terms_init(struct terms *terms, const char *networks_setting, const char *networks, const char *ca_setting,
               const char *ca_file, struct error *err)
{
    *terms = (struct terms){.networks_setting = networks_setting};
    int r = reach_parse(networks_setting, networks, &terms->reach, err);
    return r ? r : outward_read_authorities(ca_setting, ca_file, &terms->ca, &terms->ca_len, err);
}

void terms_done(struct terms *terms)
{
    free(terms->ca);
    *terms = (struct terms){0};
}
