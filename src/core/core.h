/* What the parts of airlock-core share: the process's state, the question being answered, and the effects that must
 * wait for the commit. airlock-core is the only owner of state, keys and audit; it never holds a socket to a user or a
 * byte of a file. */
#ifndef AIRLOCK_CORE_CORE_H
#define AIRLOCK_CORE_CORE_H

#include "base/json.h"
#include "base/jwt.h"
#include "base/uuid.h"
#include "core/endpoints.h"
#include "db/db.h"
#include "ipc/child.h"
#include "model/external.h"
#include "model/policy.h"
#include "model/role.h"
#include "model/rule.h"
#include "model/sas.h"
#include "model/status.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US INT64_C(86400000000)
#define SUBJECT_MAX 256 /* OpenID Connect allows 255 characters */
#define PERSON_TEXT_MAX 320
#define ADDRESS_MAX 64
#define PATH_MAX_TEXT 512

/* Settings, checked by airlockd. Texts are borrowed from the child. */
struct core_config {
    const char *tre_id;
    const char *api_url;
    const char *blob_url[ZONE_COUNT];
    const char *issuer;
    const char *tenant;
    const char *idp_url;
    const char *core_client_id;
    const char *core_audiences; /* with spaces between; "": the core client id, alone or behind api:// */
    const char *claim_subject;  /* names of claims, the first that is there counts */
    const char *claim_name;
    const char *claim_email;
    const char *claim_roles;
    const char *claim_groups;
    const char *group_roles; /* see model/group_role.h */
    const char *api_scope;
    const char *api_resource;
    const char *cli_client_id;
    int64_t leeway_s;
    int64_t decision_token_age_s;
    int64_t keys_max_age_s;
    bool roles_from_claim;
    bool one_audience; /* the core token is every workspace's token, too */
    bool idp_enabled;
    bool scanning;
    int64_t job_attempts_max;
    int64_t job_lease_s;
    int64_t job_retry_ms;
    int64_t job_retry_max_ms;
    int64_t scan_retry_ms;
    int64_t scan_retry_max_ms;
    int64_t scan_give_up_s;
    json_t *gates[REQUEST_TYPE_COUNT]; /* rows of the gates' policy that the TRE changes; core's own */
    int64_t policy_default[POLICY_COUNT];
    const char *kept_metadata; /* names that a seal keeps */
    const char *gate_commands; /* names and programs; core knows the names only */
    struct external_gates externals;
    struct flow_steps steps;
    int64_t external_deadline_s;
    struct webhook_keys external_keys; /* sign calls; none without external gates */
    int64_t event_attempts_max;
    int64_t event_days_max;
    int64_t event_keep_days;
    bool personal_data;  /* events name people and quote them */
    bool webhook_binary; /* CloudEvents' binary mode */
    struct rules rules;  /* of notices */
    const char *portal_url;
    int64_t review_reminder_s; /* 0: never */
    int64_t digest_at_s;       /* since midnight, UTC */
    int64_t digest_every_s;
};

/* A person, from a token that core has checked itself. */
struct principal {
    bool known;
    bool is_core_token; /* core audience; otherwise the workspace's */
    char subject[SUBJECT_MAX];
    char name[PERSON_TEXT_MAX];
    char email[PERSON_TEXT_MAX];
    char audience[PERSON_TEXT_MAX];
    unsigned roles; /* TRE roles with a core token, workspace roles with a workspace's */
    int64_t issued; /* seconds */
};

/* What must not happen before the commit is durable. */
enum effect_kind { EFFECT_WAKE_WORKERS, EFFECT_WAKE_NOTIFY, EFFECT_NEWS, EFFECT_DRAIN, EFFECT_RELAY, EFFECT_RELAY_DONE };
struct effect {
    enum effect_kind kind;
    char request[UUID_TEXT_SIZE];
    char dir[PATH_MAX_TEXT]; /* names zone and account of a drain */
    int64_t generation; /* of a drain; the id of a relay */
};

struct effects {
    size_t count;
    size_t cap;
    struct effect *items;
};

/* core/time.h */
struct core_time {
    int64_t (*wall)(void); /* NULL: the machine's clock */
    int64_t seen;          /* the highest time so far, microseconds; 0: none */
    int64_t seen_mono_us;
    int64_t stored; /* the highest time in the database */
};

/* core/provider_keys.h */
struct provider_keys {
    struct jwk_set *set;   /* NULL: none were ever seen */
    char *document;        /* what the set was made from */
    char *token_endpoint;  /* as the provider's discovery says it; NULL where it is not known */
    int64_t fetched;       /* when they were last seen published, microseconds */
    int64_t asked_mono_ms; /* for another look; 0: never */
};

struct drains;
struct limits;
struct link_keys;
struct peers;
struct refusals;
struct relays;
struct tokens;

struct core {
    struct core_config config;
    struct child *child;
    struct db *db;
    struct link_keys *link_keys;
    struct core_time time;
    struct provider_keys keys;
    struct endpoints endpoints;
    int64_t events_pruned;    /* the last event that housekeeping has looked at */
    bool events_keep_more;    /* housekeeping has left some for its next turn */
    int64_t events_late_told; /* when the log last heard of late ones, microseconds */
    int64_t feed_read_mono_ms; /* when somebody last followed events; 0: never */
    struct tokens *tokens; /* verified with these keys */
    struct effects effects;
    struct drains *drains;
    struct limits *limits;
    struct peers *peers;
    struct refusals *refusals;
    struct relays *relays;
    bool ready_sent;
    bool stopping;
};

/* One question. Everything is borrowed for the time of the answer. */
struct call {
    enum message message;
    enum peer from;
    const json_t *in;
    int64_t now; /* microseconds */
    const char *address;
    struct principal who;           /* known once the token was checked */
    json_t *claims;                 /* of that token; dispatch releases them */
    bool late;                      /* answered later (core/relay.h) */
    char workspace[UUID_TEXT_SIZE]; /* for the audit, as far as known */
    char request[UUID_TEXT_SIZE];
    char link_id[SAS_LINK_ID_DIGITS + 1]; /* once a link's signature was checked */
};

/* Handlers fill *ret_ok (the caller's) or return an error; an error undoes all they wrote and all their effects. */
typedef int call_handler(struct core *core, struct call *call, json_t **ret_ok, struct error *err);

void effect_add(struct core *core, const struct effect *effect);

#endif
