/* Prints docs/EVENTS.md from the tables of events, so that the page cannot say anything else. A build tool; no part of
 * the running system. */
#include <stdio.h>

#include "base/str.h"
#include "model/cloud_event_schema.h"

/* clang-format off */
static const char HEAD[] =
    "# Events\n\n"
    "Generated from `src/model/cloud_event*.def` by `build/src/model/event-docs`; a test fails when this page is stale.\n\n"
    "airlock tells systems outside what happens to a request: webhooks (`events.webhook_url`, `events.webhooks`) and an AMQP\n"
    "broker. Each event is a [CloudEvents 1.0](https://github.com/cloudevents/spec) JSON document, written in the transaction\n"
    "of the change it tells: there is none for a change that was undone, and none is missing for one that was not.\n\n"
    "## What a receiver can rely on\n\n"
    "- **At least once.** What a receiver does not take with a status of 200 to 299 is sent again: after 0.5 to 1.5 s, then\n"
    "  twice as long each time, up to an hour, `events.max_attempts` times in all and for `events.max_days` at most. Then it is\n"
    "  dead: an alarm in the log, and `airlock admin events list --state dead`, `replay` and `drop` for an administrator.\n"
    "- **One id.** `id` is REQUEST.VERSION.KIND, the same at every try and at every receiver. Whoever remembers the ids they\n"
    "  have seen sees each event once.\n"
    "- **An order.** `sequence` counts the events of one request from 1, without gaps. An event that fails holds back none\n"
    "  that come later, so they may arrive in another order: sort by `sequence`.\n"
    "- **No names.** Who made a request, its title and its justification are in an event only where the setting\n"
    "  `events.personal_data` says so; a reviewer's words and links to data never are.\n"
    "- **No hurry for others.** A receiver that is slow or dead delays nobody else.\n\n"
    "## Live, for people\n\n"
    "`GET /api/workspaces/WORKSPACE/events` (with a token of the workspace) and `GET /api/events` (with a core token: one's own\n"
    "requests, and those of workspaces one manages or owns) answer with the same events as they happen, as\n"
    "[server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html): `event` is the kind, `data` the\n"
    "document below on one line. `airlock events` prints them, `airlock request wait` waits for one of them.\n\n"
    "- `id` is a place in the feed. Whoever comes back with the last one in `Last-Event-ID` (or `?lastEventId=`) misses nothing\n"
    "  and sees nothing twice; without it the feed begins with what happens next. The first block names the place alone.\n"
    "- Events are kept for `events.keep_days`. An event `reset` says that some after the given id are gone: read the requests anew.\n"
    "- Everybody is told of what they could look up at that moment; of a draft its requestor and TRE administrators alone. A\n"
    "  stream ends when its token does, when the account is disabled or signed out or the role is taken away, and after an hour.\n"
    "- A person has at most eight streams, then 429. A comment comes every 15 s; a client that takes nothing for 30 s is cut.\n\n"
    "## The envelope\n\n"
    "| attribute | what it is |\n"
    "|---|---|\n"
    "| `specversion` | `1.0` |\n"
    "| `id` | REQUEST.VERSION.KIND |\n"
    "| `source` | `/airlock/` and the TRE's id |\n"
    "| `type` | `airlock.KIND.v1` |\n"
    "| `subject` | the request's id |\n"
    "| `time` | when it happened, UTC |\n"
    "| `dataschema` | where the JSON Schema of `data` is: `GET /api/events/schemas/KIND.v1.json`, for anyone; `GET /api/events/schemas` lists them |\n"
    "| `datacontenttype` | `application/json` |\n"
    "| `sequence` | as in `data`, ten digits |\n"
    "| `data` | see below |\n\n"
    "With `events.webhook_mode = binary` a webhook's body is `data` alone, and the attributes are headers `ce-id`, `ce-type` and\n"
    "so on. On the broker the routing key is `airlock.KIND.WORKSPACE-ID`.\n\n"
    "## Signatures\n\n"
    "Webhooks are signed as [Standard Webhooks](https://www.standardwebhooks.com) says: `webhook-id` (the event's id),\n"
    "`webhook-timestamp` (seconds, of this try) and `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over\n"
    "`ID.TIMESTAMP.BODY` under the receiver's key. Refuse what has no good signature, and what is older than five minutes. A key\n"
    "file may hold up to three keys, the newest first; each makes a signature, with a space between, and one that fits is\n"
    "enough. To change a key put the new one above the old one, restart airlock, tell the receiver, take the old one out, and\n"
    "restart again.\n";
/* clang-format on */

static const char *presence_text(enum event_presence presence)
{
    switch (presence) {
    case EVENT_ALWAYS:
        return "always";
    case EVENT_SOMETIMES:
        return "sometimes";
    case EVENT_PERSONAL:
        break;
    }
    return "with `events.personal_data`";
}

static void print_fields(enum cloud_event kind)
{
    size_t count;
    const struct cloud_event_field *fields = cloud_event_fields(&count);

    puts("| field | form | there | what it is |\n|---|---|---|---|");
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind == kind)
            printf("| `%s` | %s | %s | %s |\n", fields[i].path, cloud_event_form_name(fields[i].form),
                   presence_text(fields[i].presence), fields[i].what);
}

static void print_example(enum cloud_event kind)
{
    AUTO_JSON json_t *data = cloud_event_example(kind);
    AUTO_FREE char *id = xasprintf("%s.%lld.%s", json_text(data, "request_id"), (long long)json_int(data, "version"),
                                   cloud_event_name(kind));
    AUTO_FREE char *type = xasprintf("airlock.%s.v1", cloud_event_name(kind));
    AUTO_FREE char *schema_name = cloud_event_schema_name(kind);
    AUTO_FREE char *schema = xasprintf("https://airlock.example.org/api/events/schemas/%s", schema_name);
    AUTO_JSON json_t *event = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id, "source", "/airlock/demo",
        "type", type, "subject", json_text(data, "request_id"), "time", "2025-11-25T11:34:01Z", "dataschema", schema,
        "sequence", "0000000007", "datacontenttype", "application/json", "data", data);
    AUTO_FREE char *text = json_dumps(event, JSON_INDENT(2));

    printf("\n```json\n%s\n```\n", text);
}

int main(void)
{
    fputs(HEAD, stdout);
    puts("\n## What every `data` has\n");
    print_fields(CLOUD_EVENT_ANY);
    for (int i = 0; i < CLOUD_EVENT_COUNT; i++) {
        enum cloud_event kind = (enum cloud_event)i;
        printf("\n## %s\n\n%s\n\n", cloud_event_name(kind), cloud_event_what(kind));
        print_fields(kind);
        print_example(kind);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
