/* Receivers of events and mails: settings that belong together, and rules that must find their way. Part of airlockd,
 * which sends nothing. */
#include "airlockd/receivers.h"

#include <string.h>

#include "airlockd/form.h"
#include "model/rule.h"
#include "model/webhook.h"
#include "notify/templates.h"

static void check_webhook_keys(const struct settings *settings, struct problems *problems)
{
    struct webhooks webhooks;

    if (*settings_text(settings, SETTING_EVENTS_WEBHOOK_SECRETS) == '\0' ||
        webhooks_parse(settings_text(settings, SETTING_EVENTS_WEBHOOKS), &webhooks, NULL) != 0)
        return; /* told when they were set, or below */
    for (size_t i = 0; i < webhooks.count; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s.key", settings_text(settings, SETTING_EVENTS_WEBHOOK_SECRETS),
                                         webhooks.items[i].name);
        struct error why = {0};
        if (form_check(FORM_WEBHOOK_SECRET, path, &why) != 0)
            problems_add(problems, settings_where(settings, SETTING_EVENTS_WEBHOOKS),
                         "events.webhooks names %s, whose key %s: %s", webhooks.items[i].name, path, why.detail);
    }
}

/* Every way that a rule names must be there. */
static void check_rules(const struct settings *settings, struct problems *problems)
{
    const char *where = settings_where(settings, SETTING_NOTIFY_RULES);
    struct templates *templates = NULL;
    struct webhooks webhooks;
    struct rules rules;

    if (rules_parse(settings_text(settings, SETTING_NOTIFY_RULES), &rules, NULL) != 0 ||
        webhooks_parse(settings_text(settings, SETTING_EVENTS_WEBHOOKS), &webhooks, NULL) != 0 ||
        templates_load(settings_text(settings, SETTING_MAIL_TEMPLATES), &templates, NULL) != 0)
        return; /* told when they were set */
    for (size_t i = 0; i < rules.count; i++) {
        const struct rule *rule = &rules.items[i];
        bool is_mail = strcmp(rule->channel, RULE_MAIL) == 0;
        if (!is_mail && !webhooks_find(&webhooks, rule->channel))
            problems_add(problems, where,
                         "notify.rules tells somebody through %s, which events.webhooks does not have: add "
                         "%s=WORKSPACE,URL there, or say mail",
                         rule->channel, rule->channel);
        if (is_mail && !templates_have(templates, rule->template))
            problems_add(problems, where,
                         "notify.rules names the template %s, which is not built in, and mail.templates has no "
                         "%s.subject, %s.txt and %s.html",
                         rule->template, rule->template, rule->template, rule->template);
    }
    templates_free(templates);
}

/* Whoever is told must be able to know that it was us who told. */
void receivers_check(const struct settings *settings, struct problems *problems)
{
    static const struct {
        enum setting set, needed;
        const char *why;
    } PAIRS[] = {{SETTING_EVENTS_WEBHOOK_URL, SETTING_EVENTS_WEBHOOK_SECRET_FILE, "it signs the events"},
                 {SETTING_EVENTS_WEBHOOKS, SETTING_EVENTS_WEBHOOK_SECRETS, "it signs the events"},
                 {SETTING_EVENTS_BROKER_URL, SETTING_EVENTS_BROKER_PASSWORD_FILE, "the broker asks for it"},
                 {SETTING_MAIL_SMTP_URL, SETTING_MAIL_FROM, "who sends the mail?"},
                 {SETTING_MAIL_USERNAME, SETTING_MAIL_PASSWORD_FILE, "the mail server asks for it"},
                 {SETTING_MAIL_PASSWORD_FILE, SETTING_MAIL_USERNAME, "whose password is it?"}};

    for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++)
        if (*settings_text(settings, PAIRS[i].set) && *settings_text(settings, PAIRS[i].needed) == '\0' &&
            *settings_where(settings, PAIRS[i].needed) == '\0') /* one that is wrong was told of */
            problems_add(problems, settings_where(settings, PAIRS[i].set),
                         "%s is set, so %s must be set as well: %s", setting_name(PAIRS[i].set),
                         setting_name(PAIRS[i].needed), PAIRS[i].why);
    check_webhook_keys(settings, problems);
    check_rules(settings, problems);
}
