/* airlock-core: the only owner of state, keys and audit. It answers frames from the other processes and opens no
 * socket, no file of a user's, and nothing on the network. */
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "core/audit.h"
#include "core/dispatch.h"
#include "core/drain.h"
#include "core/events.h"
#include "core/keys.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/overlap.h"
#include "core/peers.h"
#include "core/provider_keys.h"
#include "core/relay.h"
#include "core/seed.h"
#include "core/time.h"
#include "core/tokens.h"
#include "core/webhook.h"
#include "model/flow.h"
#include "model/gate_policy.h"
#include "model/policy.h"

#define FILES_MAX 256

static void read_config(struct core *core)
{
    const struct child *c = core->child;
    core->config = (struct core_config){
        .tre_id = child_setting(c, "tre.id"),
        .api_url = child_setting(c, "api.public_url"),
        .blob_url = {[ZONE_EXTERNAL] = child_setting(c, "blob.external.public_url"),
                     [ZONE_CORE] = child_setting(c, "blob.core.public_url"),
                     [ZONE_WORKSPACE] = child_setting(c, "blob.workspace.public_url")},
        .issuer = child_setting(c, "auth.issuer"),
        .tenant = *child_setting(c, "auth.tenant") ? child_setting(c, "auth.tenant") : child_setting(c, "idp.tenant"),
        .idp_url = child_setting(c, "idp.public_url"),
        .core_client_id = child_setting(c, "auth.core_client_id"),
        .core_audiences = child_setting(c, "auth.core_audiences"),
        .claim_subject = child_setting(c, "auth.claim_subject"),
        .claim_name = child_setting(c, "auth.claim_name"),
        .claim_email = child_setting(c, "auth.claim_email"),
        .claim_roles = child_setting(c, "auth.claim_roles"),
        .claim_groups = child_setting(c, "auth.claim_groups"),
        .group_roles = child_setting(c, "auth.group_roles"),
        .api_scope = child_setting(c, "auth.api_scope"),
        .api_resource = child_setting(c, "auth.api_resource"),
        .cli_client_id = child_setting(c, "auth.cli_client_id"),
        .one_audience = strcmp(child_setting(c, "auth.audiences"), "one") == 0,
        .leeway_s = child_setting_int(c, "auth.leeway"),
        .decision_token_age_s = child_setting_int(c, "auth.decision_token_age"),
        .keys_max_age_s = child_setting_int(c, "auth.keys_max_age"),
        .roles_from_claim = strcmp(child_setting(c, "auth.roles_from"), "claim") == 0,
        .idp_enabled = child_setting_bool(c, "idp.enabled"),
        .scanning = *child_setting(c, "scan.clamd_socket") != '\0',
        .job_attempts_max = child_setting_int(c, "jobs.max_attempts"),
        .job_lease_s = child_setting_int(c, "jobs.lease_seconds"),
        .job_retry_ms = child_setting_int(c, "jobs.retry_ms"),
        .job_retry_max_ms = child_setting_int(c, "jobs.retry_max_ms"),
        .gate_commands = child_setting(c, "gates.commands"),
        .scan_retry_ms = child_setting_int(c, "scan.retry_ms"),
        .scan_retry_max_ms = child_setting_int(c, "scan.retry_max_ms"),
        .scan_give_up_s = child_setting_int(c, "scan.give_up"),
        .external_deadline_s = child_setting_int(c, "gates.external_deadline"),
        .event_attempts_max = child_setting_int(c, "events.max_attempts"),
        .event_days_max = child_setting_int(c, "events.max_days"),
        .event_keep_days = child_setting_int(c, "events.keep_days"),
        .personal_data = child_setting_bool(c, "events.personal_data"),
        .webhook_binary = strcmp(child_setting(c, "events.webhook_mode"), "binary") == 0,
        .portal_url = child_setting(c, "mail.portal_url"),
        .review_reminder_s = child_setting_int(c, "mail.review_reminder"),
        .digest_every_s = child_setting_int(c, "mail.digest_every"),
        .kept_metadata = child_setting(c, "policy.kept_metadata"),
        .policy_default = {[POLICY_MAX_FILES] = child_setting_int(c, "policy.max_files"),
                           [POLICY_MAX_BYTES] = child_setting_int(c, "policy.max_bytes"),
                           [POLICY_MAX_BYTES_PER_USER] = child_setting_int(c, "policy.max_bytes_per_user"),
                           [POLICY_MAX_BYTES_PER_WORKSPACE] = child_setting_int(c, "policy.max_bytes_per_workspace"),
                           [POLICY_APPROVALS] = child_setting_int(c, "policy.approvals"),
                           [POLICY_LINK_LIFETIME] = child_setting_int(c, "policy.link_lifetime"),
                           [POLICY_NOTICE_LINK] = child_setting_int(c, "policy.notice_link")},
    };
}

static struct limits *read_limits(const struct child *c)
{
    return limits_new(&(struct limits_config){
        .subject_rate = child_setting_int(c, "limits.subject_rate"),
        .subject_burst = child_setting_int(c, "limits.subject_burst"),
        .workspace_rate = child_setting_int(c, "limits.workspace_rate"),
        .workspace_burst = child_setting_int(c, "limits.workspace_burst"),
        .decisions_per_minute = child_setting_int(c, "limits.decisions_per_minute"),
        .links_per_minute = child_setting_int(c, "limits.links_per_minute"),
    });
}

static int load_master_key(struct core *core, struct error *err)
{
    unsigned char master[SAS_KEY_SIZE];
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    const char *path = child_setting(core->child, "secrets.sas_key_file");
    int r = file_read_secret(path, 4096, &text, &len, err);

    if (r != 0)
        return r;
    text[strcspn(text, "\r\n")] = '\0';
    if (hex_decode(text, master, sizeof master))
        core->link_keys = link_keys_new(master);
    else
        r = error_set(err, E_CONFIG, "%s must hold 64 hex digits (32 random bytes)", path);
    secret_wipe(master, sizeof master);
    secret_wipe(text, len);
    return r;
}

/* External gates and steps, and the keys that sign the calls to them. */
static int read_externals(struct core *core, struct error *err)
{
    int r = external_gates_parse(child_setting(core->child, "gates.external"), &core->config.externals, err);

    if (r == 0)
        r = flow_steps_parse(child_setting(core->child, "flow.steps"), &core->config.steps, err);
    if (r != 0 || core->config.externals.count == 0)
        return r;
    return webhook_keys_read(child_setting(core->child, "gates.external_secret_file"), &core->config.external_keys, err);
}

/* Below the database's directory core may do as it likes; everywhere else nothing. */
static int confine(const struct core *core, struct error *err)
{
    const char *path = strchr(child_setting(core->child, "db.url"), ':');
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return error_set(err, E_CONFIG, "db.url must be sqlite: and an absolute path");
    AUTO_FREE char *dir = xstrndup(path + 1, (size_t)(slash - path - 1));
    const struct sandbox_rule rules[] = {{.path = dir, .access = SANDBOX_READ | SANDBOX_WRITE}};
    const struct sandbox spec = {.rules = rules, .rule_count = ARRAY_LEN(rules), .max_files = FILES_MAX};
    return child_confine(core->child, &spec, err);
}

static int read_gates(struct core *core, struct error *err)
{
    int r = gate_policy_parse(child_setting(core->child, "gates.import"), &core->config.gates[REQUEST_IMPORT], err);
    return r ? r : gate_policy_parse(child_setting(core->child, "gates.export"), &core->config.gates[REQUEST_EXPORT], err);
}

static int read_rules(struct core *core, struct error *err)
{
    if (!clock_parse_time_of_day(child_setting(core->child, "mail.digest_at"), &core->config.digest_at_s))
        return error_set(err, E_CONFIG, "mail.digest_at must be a time as 07:00");
    int r = rules_self_check(err);
    return r ? r : rules_parse(child_setting(core->child, "notify.rules"), &core->config.rules, err);
}

static int start(struct core *core, struct error *err)
{
    int r = flow_self_check(err);
    if (r == 0)
        r = read_gates(core, err);
    if (r == 0)
        r = read_externals(core, err);
    if (r == 0)
        r = read_rules(core, err);
    if (r == 0)
        r = endpoints_read(core->child, &core->endpoints, err);
    if (r == 0)
        r = dispatch_self_check(err);
    if (r == 0)
        r = load_master_key(core, err);
    if (r == 0)
        r = confine(core, err);
    if (r == 0)
        r = db_open(child_setting(core->child, "db.url"), &core->db, err);
    if (r == 0)
        r = core_time_start(core, err);
    if (r == 0)
        r = link_keys_start(core, err);
    if (r == 0)
        r = provider_keys_start(core, err);
    if (r == 0)
        r = events_start(core, err);
    if (r == 0)
        r = seed_apply(core, err);
    if (r == 0)
        r = overlap_warn(core, NULL, err);
    return r < 0 ? r : drains_recover(core, err);
}

int main(void)
{
    (void)umask(077); /* the database is for nobody else */
    struct core core = {
        .child = child_begin(), .drains = drains_new(), .refusals = refusals_new(), .relays = relays_new(), .tokens = tokens_new()};
    struct error err = {0};

    read_config(&core);
    core.limits = read_limits(core.child);
    if (!core.config.scanning)
        log_info("malware scanning is off by policy: requests go to review unscanned, and say so");
    if (start(&core, &err) != 0)
        die(&err, "cannot start");
    if (loop_run(&core, &err) != 0)
        die(&err, "stopped");
    db_close(core.db);
    peers_free(core.peers);
    drains_free(core.drains);
    limits_free(core.limits);
    refusals_free(core.refusals);
    relays_free(core.relays);
    tokens_free(core.tokens);
    provider_keys_done(&core);
    free(core.effects.items);
    link_keys_free(core.link_keys);
    webhook_keys_wipe(&core.config.external_keys);
    endpoints_wipe(&core.endpoints);
    for (int type = 0; type < REQUEST_TYPE_COUNT; type++)
        json_decref(core.config.gates[type]);
    child_free(core.child);
    return 0;
}
