/* Calls of external gates. Runs in airlock-notify. */
#include "notify/calls.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define ASK_MS 1000 /* between two questions that nobody's word brought about */

enum call_state { CALL_FREE, CALL_POSTED, CALL_ENDED };

struct call_slot {
    enum call_state state;
    int64_t id, token;
    bool delivered;
    char detail[300];
};

struct calls {
    struct ipc_client *core;
    struct caller *caller;
    const struct terms *terms;
    struct call_slot slots[CALLS_MAX];
    int64_t ask_ms; /* not before */
};

struct calls *calls_new(struct ipc_client *core, struct caller *caller, const struct terms *terms)
{
    struct calls *calls = xcalloc(1, sizeof *calls);

    *calls = (struct calls){.core = core, .caller = caller, .terms = terms};
    return calls;
}

void calls_wake(struct calls *calls)
{
    calls->ask_ms = 0;
}

/* Kept until the loop tells core: this may run while another question waits. */
static void on_done(void *ctx, const struct caller_answer *answer)
{
    struct call_slot *slot = ctx;

    slot->state = CALL_ENDED;
    slot->delivered = answer->taken;
    (void)snprintf(slot->detail, sizeof slot->detail, "%s", answer->detail); /* a long one is cut */
}

static json_t *result_fields(const struct call_slot *slot, const char *detail)
{
    return json_pack("{s:I, s:I, s:s, s:s}", "call", (json_int_t)slot->id, "token", (json_int_t)slot->token, "outcome",
                     slot->delivered ? "delivered" : "failed", "detail", detail);
}

/* What core does not take is called again when its lease lapses. */
static void tell_ended(struct calls *calls)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct call_slot *slot = &calls->slots[i];
        struct error err = {0};
        if (slot->state != CALL_ENDED)
            continue;
        json_t *fields = result_fields(slot, slot->detail);
        if (!fields) /* a text of the other side that is no UTF-8 */
            fields = result_fields(slot, "it failed");
        slot->state = CALL_FREE;
        if (ipc_call(calls->core, MESSAGE_CALL_RESULT, fields, NULL, &err) != 0)
            log_warning("core did not take what became of a call: %s", err.detail);
    }
}

static struct call_slot *free_slot(struct calls *calls)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (calls->slots[i].state == CALL_FREE)
            return &calls->slots[i];
    return NULL;
}

static void begin(struct calls *calls, struct call_slot *slot, const json_t *call)
{
    *slot = (struct call_slot){.state = CALL_POSTED, .id = json_int(call, "id"), .token = json_int(call, "token")};
    caller_begin(calls->caller, &(struct caller_post){.terms = calls->terms,
                                                      .url = json_text(call, "url"),
                                                      .body = json_text(call, "body"),
                                                      .headers = json_object_get(call, "headers"),
                                                      .done = on_done,
                                                      .ctx = slot});
}

/* As many calls as there is room for. */
static void ask_due(struct calls *calls)
{
    for (struct call_slot *slot; clock_mono_ms() >= calls->ask_ms && (slot = free_slot(calls));) {
        AUTO_JSON json_t *ok = NULL;
        calls->ask_ms = clock_mono_ms() + ASK_MS;
        if (ipc_call(calls->core, MESSAGE_CALL_LEASE, json_object(), &ok, NULL) != 0)
            return; /* core is away: it comes back with a new channel */
        const json_t *call = json_object_get(ok, "call");
        if (!json_is_object(call))
            return;
        begin(calls, slot, call);
        calls->ask_ms = 0; /* there may be more */
    }
}

void calls_turn(struct calls *calls)
{
    tell_ended(calls);
    ask_due(calls);
}
