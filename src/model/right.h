/* Who may ask for what: the one table of rights made into facts, words and a check. Core judges every message of a
 * person by it before a handler runs; the pages and the OpenAPI description are rendered from it. Pure; any process.
 * The facts are in right.def. */
#ifndef AIRLOCK_MODEL_RIGHT_H
#define AIRLOCK_MODEL_RIGHT_H

#include "base/error.h"
#include "base/str.h"
#include "model/flow.h"

enum right {
    RIGHT_OF_NOBODY, /* no person can ask for it: messages between processes, and what is always refused */
#define RIGHT(name, token, workspace_roles, tre_roles, rule) RIGHT_##name,
#include "model/right.def"
#undef RIGHT
    RIGHT_COUNT
};

enum right_token { TOKEN_NONE, TOKEN_CORE, TOKEN_WORKSPACE };
enum right_rule { RULE_ALONE, RULE_EVENT, RULE_MEMBER, RULE_ACCOUNT, RULE_LINK, RULE_LINK_END };

struct right_facts {
    const char *name; /* as in right.def */
    enum right_token token;
    unsigned workspace_roles; /* enum role bits, one of which is enough with a workspace's token */
    unsigned tre_roles;       /* the same with a core token; 0: none is taken */
    enum right_rule rule;
    enum event event; /* of RULE_EVENT */
};

/* right must be below RIGHT_COUNT. */
const struct right_facts *right_facts(enum right right);
const char *right_name(enum right right);
const char *right_token_name(enum right_token token); /* "none", "core", "workspace" */

/* Who that is, in words: "WorkspaceOwner, TREAdmin", "requestor, as WorkspaceOwner, WorkspaceResearcher". */
void right_append_who(struct str *s, enum right right);

/* The table against itself and against event.def, at every start of core: E_INTERNAL with what is wrong. */
int right_self_check(struct error *err) MUST_USE;
/* The same for one row (tests seed mistakes). */
int right_check(const struct right_facts *facts, struct error *err) MUST_USE;

#endif
