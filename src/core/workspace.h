/* Workspaces, people and their roles. */
#ifndef AIRLOCK_CORE_WORKSPACE_H
#define AIRLOCK_CORE_WORKSPACE_H

#include "core/core.h"
#include "model/policy.h"
#include "model/validate.h"

struct workspace {
    char id[UUID_TEXT_SIZE];
    char client_id[VALIDATE_CLIENT_ID_MAX + 1]; /* the audience of its tokens */
    char digits[ACCOUNT_WORKSPACE_DIGITS + 1];
    char *display_name;
    char *description;
    bool enable_airlock;
    char *networks; /* JSON array of CIDR texts */
    struct policy policy;
    char *gates; /* JSON object: where its gates differ from the TRE's, by direction */
    int64_t version;
    int64_t created;
    int64_t updated;
};
void workspace_done(struct workspace *w);
#define AUTO_WORKSPACE CLEANUP(workspace_done)

/* E_NOT_FOUND ("Workspace does not exist") when there is none. */
int workspace_load(struct core *core, const char *id, struct workspace *ret, struct error *err) MUST_USE;
int workspace_load_by_client(struct core *core, const char *client_id, struct workspace *ret,
                             struct error *err) MUST_USE;
/* By the 8 hex digits in the names of its storage accounts. */
int workspace_load_by_digits(struct core *core, const char *digits, struct workspace *ret, struct error *err) MUST_USE;
/* Is the numeric address inside the workspace's networks? */
bool workspace_admits(const struct workspace *w, const char *address);

/* Role bits assigned to a subject; workspace "" is the TRE. */
int roles_load(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles,
               struct error *err) MUST_USE;
/* Assigned, or seen in a workspace's token within the last weeks, of somebody who is not asking. */
int member_roles(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles,
                 struct error *err) MUST_USE;
/* Of the caller, whose groups count, too: who may know that there is the workspace. */
int member_load(struct core *core, const struct call *call, const char *workspace, unsigned *ret_roles,
                struct error *err) MUST_USE;
/* The roles that the caller's token of the workspace has are remembered for that. */
int member_saw(struct core *core, const struct call *call, const char *workspace, struct error *err) MUST_USE;
/* The roles that groups in the caller's token gave, with the same memory: who is written to, and nothing else. */
int member_saw_groups(struct core *core, const struct call *call, const char *workspace, struct error *err) MUST_USE;
/* As which a person may be written to: assigned, seen, or given by groups that were seen. */
int member_mail_roles(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles,
                 struct error *err) MUST_USE;
/* Who has not come for weeks is forgotten. */
int members_prune(struct core *core, int64_t now, struct error *err) MUST_USE;
/* Another provider's person has come: their name and address are known from here on, so that they can be written to. */
int person_saw(struct core *core, const struct principal *who, struct error *err) MUST_USE;
int person_put(struct core *core, const char *subject, const char *name, const char *email, struct error *err) MUST_USE;

struct workspace_input;
/* id and client_id may be NULL: new ones are drawn. */
int workspace_insert(struct core *core, const struct call *call, const char *id, const char *client_id,
                     const struct workspace_input *input, char ret_id[static UUID_TEXT_SIZE],
                     struct error *err) MUST_USE;
int role_assign(struct core *core, const struct call *call, const char *workspace, const char *subject, enum role role,
                bool add, struct error *err) MUST_USE;

call_handler workspace_list, workspace_get, workspace_scope, workspace_users, workspace_roles, workspace_assignable,
    workspace_create, workspace_update, people_assign, people_remove;

#endif
