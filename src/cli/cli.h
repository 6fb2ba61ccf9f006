/* What every command of `airlock` is handed: the chosen server, the login, one HTTP client, and how to print.
 * The program runs as the person who typed the command; it holds that person's tokens and nothing of the server. */
#ifndef AIRLOCK_CLI_CLI_H
#define AIRLOCK_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/args.h"
#include "cli/web.h"

struct cli {
    const char *url; /* --url or AIRLOCK_URL; NULL: the server of the last login. Borrowed */
    bool json;       /* --output json */
    bool csv;        /* --output csv: only of commands that print a list */
    struct web *web; /* of the main thread */
    json_t *login;   /* what `airlock login` kept; NULL until tokens_open */
    json_t *tokens;  /* cached tokens and scopes; NULL until tokens_open */
};

typedef int command_handler(struct cli *cli, const struct args *args, struct error *err);

struct command {
    const char *path;      /* "request upload" */
    const char *arguments; /* "REQUEST FILE...", or "" */
    const char *summary;   /* one line for the overview */
    const char *help;      /* paragraphs and examples for --help */
    size_t args_min;
    size_t args_max;
    const struct option_spec *options; /* ends with a row without name; NULL: none */
    command_handler *run;
};

/* The commands, one handler a row of the table in main.c. */
command_handler login_run, logout_run, whoami_run;
command_handler workspace_list_run, workspace_show_run, workspace_users_run;
command_handler request_new_run, request_list_run, request_show_run, request_submit_run, request_cancel_run;
command_handler request_review_run, request_revoke_run, request_wait_run, request_link_run;
command_handler request_upload_run, request_download_run;
command_handler request_gates_run, request_check_run;
command_handler events_run;
command_handler admin_workspace_create_run, admin_workspace_update_run, admin_role_assign_run, admin_role_remove_run;
command_handler admin_user_add_run, admin_user_list_run, admin_user_disable_run, admin_user_enable_run;
command_handler admin_user_reset_run;
command_handler admin_retry_run, admin_audit_run, admin_jobs_run, admin_rotate_keys_run;
command_handler notices_run, admin_rules_test_run;
command_handler admin_events_list_run, admin_events_replay_run, admin_events_drop_run;

#endif
