/* The forms that a setting's text may have. Pure, but for SECRET and WEBHOOK_SECRET, which look at the file,
 * TEMPLATES, which reads those of its directory, and LISTEN, which looks for the interface. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_FORM_H
#define AIRLOCK_AIRLOCKD_FORM_H

#include "base/error.h"

enum form {
    FORM_TEXT,
    FORM_NUMBER,
    FORM_BOOL,
    FORM_TRE_ID,
    FORM_UUID,
    FORM_LISTEN,
    FORM_URL,
    FORM_ORIGINS,
    FORM_URL_PATH,
    FORM_BLOB_URL,
    FORM_PATH,
    FORM_PATHS,
    FORM_SECRET,
    FORM_DATABASE,
    FORM_NETWORKS,
    FORM_ROLES_FROM,
    FORM_AUDIENCES,
    FORM_GROUP_ROLES,
    FORM_LEVEL,
    FORM_METADATA_NAMES,
    FORM_STORAGE_IO,
    FORM_GATE_POLICY,
    FORM_COMMANDS,
    FORM_EXTERNAL_GATES,
    FORM_FLOW_STEPS,
    FORM_WEBHOOK_SECRET,
    FORM_WEBHOOK_URL,
    FORM_WEBHOOKS,
    FORM_WEBHOOK_MODE,
    FORM_EVENT_KINDS,
    FORM_BROKER_URL,
    FORM_SMTP_URL,
    FORM_MAILBOX,
    FORM_TEMPLATES,
    FORM_TIME_OF_DAY,
    FORM_NOTICE_RULES,
    FORM_COUNT,
};

#define DATABASE_SQLITE "sqlite:"

/* What the reference page calls it. */
const char *form_name(enum form form);
/* E_INVALID with a sentence that goes on after the setting's name ("must be …"). Numbers: only that it is one. */
int form_check(enum form form, const char *text, struct error *err) MUST_USE;

#endif
