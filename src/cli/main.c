/* `airlock`, the command line: a client of the public API and data plane, run by a person or a script. This file is its
 * table of contents: every command, its arguments, its options and what its help says. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/problem.h"
#include "cli/table.h"

#define OUTPUT_ERROR_MAX 4096

/* Options that several commands share, as rows without their braces. */
#define END NULL, NULL, NULL
#define WORKSPACE "workspace", "ID|NAME", "the workspace (default: AIRLOCK_WORKSPACE, else every one of yours)"
#define OVERWRITE "overwrite", NULL, "replace files that are there already"
#define CONNECTIONS "connections", "N", "parallel connections, 1 to 16 (default 4)"
#define YES "yes", NULL, "do not ask for confirmation"
#define REASON "reason", "TEXT", "why; kept in the request and shown to its people"

static const struct option_spec LOGIN_OPTIONS[] = {
    {"browser", NULL, "log in in a browser on this machine"},
    {"device", NULL, "log in with a code, in a browser on any device"},
    {"client-id", "ID", "log in as a program with this client id; with --browser or --device: the public client"},
    {"client-secret-file", "FILE|-", "its secret, in a file that only you can read, or on standard input"},
    {"scope", "SCOPE", "ask the identity provider for this scope instead of the one that the server names"},
    {END},
};
static const struct option_spec WORKSPACE_ONLY[] = {{WORKSPACE}, {END}};
static const struct option_spec NEW_OPTIONS[] = {
    {"workspace", "ID|NAME", "the workspace (default: AIRLOCK_WORKSPACE)"},
    {"type", "import|export", "import brings files into the workspace, export takes them out"},
    {"title", "TEXT", "a short title"},
    {"justification", "TEXT", "why the files should pass"},
    {END},
};
static const struct option_spec LIST_OPTIONS[] = {
    {WORKSPACE},
    {"mine", NULL, "only your own requests"},
    {"status", "STATUS", "only requests in this status"},
    {"type", "import|export", "only requests of this type"},
    {"all", NULL, "follow the list to its end"},
    {END},
};
static const struct option_spec UPLOAD_OPTIONS[] = {{WORKSPACE}, {OVERWRITE}, {CONNECTIONS}, {END}};
static const struct option_spec DOWNLOAD_OPTIONS[] = {
    {WORKSPACE}, {"to", "DIRECTORY", "where the files go (default: here)"}, {OVERWRITE}, {CONNECTIONS}, {END},
};
static const struct option_spec REVIEW_OPTIONS[] = {
    {WORKSPACE},
    {"approve", NULL, "release the files"},
    {"reject", NULL, "refuse them"},
    {REASON},
    {"manifest-digest", "DIGEST", "decide only if the request's manifest is this one"},
    {YES},
    {END},
};
static const struct option_spec REVOKE_OPTIONS[] = {{WORKSPACE}, {REASON}, {YES}, {END}};
static const struct option_spec CANCEL_OPTIONS[] = {{WORKSPACE}, {YES}, {END}};
static const struct option_spec LINK_OPTIONS[] = {
    {WORKSPACE},
    {"permissions", "LETTERS", "fewer permissions than the status allows, for example rl"},
    {"expires", "SECONDS", "a life other than the workspace's default"},
    {END},
};
static const struct option_spec WAIT_OPTIONS[] = {
    {WORKSPACE},
    {"for", "STATUS[,STATUS]", "wait for one of these; repeatable (default: until the system has done its part)"},
    {"status", "STATUS", "the same, as it was called before"},
    {"timeout", "SECONDS", "give up after this time (default 3600)"},
    {END},
};
static const struct option_spec EVENTS_OPTIONS[] = {
    {"workspace", "ID|NAME", "of this workspace (default: AIRLOCK_WORKSPACE, else all that concerns you)"},
    {"since", "ID", "go on after this event: the id of the last one that was printed"},
    {"timeout", "SECONDS", "end after this time"},
    {END},
};
static const struct option_spec CHECK_OPTIONS[] = {
    {WORKSPACE},
    {"timeout", "SECONDS", "give up waiting after this time (default 600)"},
    {END},
};
static const struct option_spec PROPERTY_OPTIONS[] = {
    {"name", "TEXT", "its display name"},
    {"description", "TEXT", "what it is for"},
    {"network", "CIDR", "a network of the workspace, such as 10.1.0.0/16; repeatable"},
    {"client-id", "ID", "its application at another identity provider: the audience of its tokens"},
    {"max-files", "N", "files that one request may hold"},
    {"approvals", "N", "people who must approve a request (1 to 5)"},
    {"max-bytes", "N", "bytes that one request may hold"},
    {"link-lifetime", "SECONDS", "how long a link lives"},
    {"notice-link", "SECONDS", "how long the link in the mail about an approved request lives; 0: none"},
    {"gates-import", "NAME=VALUE …", "what the security gates do with imports; VALUE default: as in the whole TRE"},
    {"gates-export", "NAME=VALUE …", "the same for exports"},
    {"airlock", "on|off", "whether requests can be made"},
    {END},
};
static const struct option_spec USER_OPTIONS[] = {
    {"email", "ADDRESS", "the mail address; only a service may have none"},
    {"service", NULL, "a program: it gets a client id and a secret, and no password"},
    {"tre-admin", NULL, "a TRE administrator"},
    {END},
};
static const struct option_spec USER_LIST_OPTIONS[] = {
    {"all", NULL, "follow the list to its end"},
    {END},
};
static const struct option_spec AUDIT_OPTIONS[] = {
    {"request", "ID", "only what concerns this request"},
    {"all", NULL, "follow the list to its end"},
    {END},
};
static const struct option_spec EVENT_LIST_OPTIONS[] = {
    {"state", "STATE", "only those: open, dead or skipped"},
    {"endpoint", "NAME", "only of this receiver"},
    {"all", NULL, "follow the list to its end"},
    {END},
};
static const struct option_spec EVENT_CHANGE_OPTIONS[] = {
    {"endpoint", "NAME", "the dead ones of this receiver"},
    {"all", NULL, "all dead ones"},
    {END},
};
static const struct option_spec RULES_OPTIONS[] = {
    {"status", "STATUS", "which status requests come to; required"},
    {"direction", "TYPE", "only import or export"},
    {WORKSPACE},
    {"request", "ID", "with the people of this request, its requestor with them"},
    {END},
};
static const struct option_spec ROTATE_OPTIONS[] = {
    {"now", NULL, "end every link and every transfer at once"},
    {END},
};

static const struct command COMMANDS[] = {
    {"login", "", "Log in to a server",
     "A person logs in in the browser, or with a code where there is none; a program logs in with a client id and\n"
     "secret. The login is kept for later commands and renewed silently, and each workspace's token is fetched when "
     "it\n"
     "is first needed. Where the identity provider wants a login for each workspace, you are asked to log in again.\n\n"
     "  airlock login --url https://airlock.example.org --browser\n"
     "  airlock login --url https://airlock.example.org --device\n"
     "  airlock login --url http://127.0.0.1:8400 --client-id ID --client-secret-file secret.txt\n"
     "  pass show airlock | airlock login --url https://airlock.example.org --client-id ID --client-secret-file -\n\n"
     "Without a file the secret is taken from AIRLOCK_CLIENT_SECRET, else asked for.",
     0, 0, LOGIN_OPTIONS, login_run},
    {"logout", "", "Forget a login and its tokens",
     "Removes what 'airlock login' kept for the server of --url, or of the last login, and asks the identity provider\n"
     "to end the login there.",
     0, 0, NULL, logout_run},
    {"whoami", "", "Show who you are to the server",
     "Shows your name, id and roles as they stand in your token. Roles differ from workspace to workspace:\n\n"
     "  airlock whoami --workspace Heart",
     0, 0, WORKSPACE_ONLY, whoami_run},
    {"notices", "[CHOICE]", "Show or choose which mails you get",
     "CHOICE is immediate, digest (one mail for all) or off. What you must know comes at once all the same: that a\n"
     "request waits for your review, or that yours was approved, rejected, blocked, revoked or failed.\n\n"
     "  airlock notices\n  airlock notices digest",
     0, 1, NULL, notices_run},
    {"workspace list", "", "List your workspaces",
     "  airlock workspace list\n  airlock workspace list --output json | jq -r '.workspaces[].id'", 0, 0, NULL,
     workspace_list_run},
    {"workspace show", "WORKSPACE", "Show one workspace",
     "WORKSPACE is an id or a display name.\n\n  airlock workspace show Heart", 1, 1, NULL, workspace_show_run},
    {"workspace users", "WORKSPACE", "List the people of a workspace and their roles",
     "  airlock workspace users Heart", 1, 1, NULL, workspace_users_run},
    {"request new", "", "Open a request",
     "The new request is a draft: upload into it, then submit it. Its id is what the other commands take.\n\n"
     "  airlock request new --workspace Heart --type export --title \"Figure 2\" --justification \"For the paper\"",
     0, 0, NEW_OPTIONS, request_new_run},
    {"request list", "", "List requests",
     "The newest change comes first.\n\n"
     "  airlock request list --workspace Heart --status in_review\n"
     "  airlock request list --mine --output json",
     0, 0, LIST_OPTIONS, request_list_run},
    {"request show", "REQUEST", "Show one request, its files and its reviews",
     "  airlock request show 0b5f6a3e-7c1d-4f52-9d0b-3a6f1f0e9c11", 1, 1, WORKSPACE_ONLY, request_show_run},
    {"request upload", "REQUEST FILE...", "Upload files into your draft",
     "Large files go in blocks over several connections. If it is cut off, run it again: blocks that arrived are not\n"
     "sent twice. The SHA-256 of each file is printed; the review shows the same one.\n\n"
     "  airlock request upload REQUEST table1.csv figure2.pdf",
     2, SIZE_MAX, UPLOAD_OPTIONS, request_upload_run},
    {"request submit", "REQUEST", "Submit your draft for review",
     "From here on nobody can change its files.\n\n  airlock request submit REQUEST", 1, 1, WORKSPACE_ONLY,
     request_submit_run},
    {"request cancel", "REQUEST", "Cancel a request",
     "A draft or a request in review is closed and its files are removed.\n\n  airlock request cancel REQUEST", 1, 1,
     CANCEL_OPTIONS, request_cancel_run},
    {"request review", "REQUEST", "Approve or reject a request",
     "Shows the files and their digests, asks, and sends the decision together with the digest of the manifest that "
     "was\n"
     "shown: if anything else is there by then, the decision is refused. Look at the files first:\n\n"
     "  airlock request download REQUEST --to review\n"
     "  airlock request review REQUEST --approve --reason \"No personal data\"\n"
     "  airlock request review REQUEST --reject --reason \"Row 4 names a patient\" --yes",
     1, 1, REVIEW_OPTIONS, request_review_run},
    {"request revoke", "REQUEST", "Take back an approval",
     "The released files are removed and their links end. Copies that were taken stay where they are.\n\n"
     "  airlock request revoke REQUEST --reason \"Wrong version\"",
     1, 1, REVOKE_OPTIONS, request_revoke_run},
    {"request download", "REQUEST", "Download a request's files",
     "Checks each file against the SHA-256 of the request's manifest. If it is cut off, run it again: it goes on from\n"
     "FILE.part. A name that would leave the directory is refused.\n\n"
     "  airlock request download REQUEST --to results",
     1, 1, DOWNLOAD_OPTIONS, request_download_run},
    {"request link", "REQUEST", "Print a link for AzCopy, Storage Explorer or curl",
     "The link opens the request's container to whoever holds it, so treat it as a secret.\n\n"
     "  airlock request link REQUEST --permissions rl --expires 600\n"
     "  azcopy copy data.csv \"$(airlock request link REQUEST)\" --from-to=LocalBlob",
     1, 1, LINK_OPTIONS, request_link_run},
    {"request wait", "REQUEST", "Wait until a request has moved on",
     "Without --for it waits while the system works (sealing, scanning, moving) and ends when it is a person's turn\n"
     "or the request is closed. The server tells of each step as it happens; a status that was left again counts. When\n"
     "the server restarts, it is waited for.\n\n"
     "Ends with code 0 when a status has come that was waited for, 65 when the request has ended in another, 75 when\n"
     "the time is over, 66 when there is no such request, 77 when it is not yours to see, or no more.\n\n"
     "  airlock request wait REQUEST\n"
     "  airlock request wait REQUEST --for approved,rejected --timeout 86400",
     1, 1, WAIT_OPTIONS, request_wait_run},
    {"request check", "REQUEST", "Have a draft's files looked at before you submit it",
     "Runs the security gates that need no seal, and shows what a reviewer would see. Nothing changes; ends with code "
     "65\n"
     "if the draft would be blocked.\n\n"
     "  airlock request check REQUEST",
     1, 1, CHECK_OPTIONS, request_check_run},
    {"request gates", "REQUEST", "Show what the security gates found",
     "Findings say where they are, and never what stands there.\n\n"
     "  airlock request gates REQUEST\n  airlock request gates REQUEST --output json | jq '.gateReport.gates'",
     1, 1, WORKSPACE_ONLY, request_gates_run},
    {"events", "", "Follow what happens to requests",
     "Prints one line of JSON for each event: its id, its kind, and the event as docs/EVENTS.md describes it. Without\n"
     "--since it begins with what happens next, and it goes on until it is stopped, through restarts of the server. A\n"
     "line of the kind reset says that events between were lost: look at the requests themselves.\n\n"
     "  airlock events --workspace Heart | jq -r 'select(.kind == \"status_changed\") | .event.data.status'\n"
     "  airlock events --since 1234 --timeout 60",
     0, 0, EVENTS_OPTIONS, events_run},
    {"admin workspace create", "", "Make a workspace",
     "  airlock admin workspace create --name Heart --network 10.1.0.0/16 --max-files 10", 0, 0, PROPERTY_OPTIONS,
     admin_workspace_create_run},
    {"admin workspace update", "WORKSPACE", "Change a workspace",
     "What is not named stays as it is; networks are replaced as a whole.\n\n"
     "  airlock admin workspace update Heart --max-files 20 --airlock off\n"
     "  airlock admin workspace update Heart --gates-export 'disclosure=block threshold=7 "
     "types_allowed=text/csv,image/*'",
     1, 1, PROPERTY_OPTIONS, admin_workspace_update_run},
    {"admin role assign", "WORKSPACE PERSON ROLE", "Give a person a role in a workspace",
     "PERSON is an id, mail address or name; ROLE is WorkspaceOwner, WorkspaceResearcher or AirlockManager. With the\n"
     "word tre in the workspace's place, ROLE is TREUser or TREAdmin.\n\n"
     "  airlock admin role assign Heart alice@example.org WorkspaceResearcher",
     3, 3, NULL, admin_role_assign_run},
    {"admin role remove", "WORKSPACE PERSON ROLE", "Take a role away",
     "  airlock admin role remove Heart alice@example.org WorkspaceResearcher", 3, 3, NULL, admin_role_remove_run},
    {"admin user add", "NAME", "Add an account to the built-in identity provider",
     "Prints a password for one sign-in, or with --service a client id and secret: this once, so keep them now. When\n"
     "the outcome is unknown, run it again: a name that is taken is refused, and 'reset' gives that account a new\n"
     "secret.\n\n"
     "  airlock admin user add eve --email eve@example.org\n"
     "  airlock admin user add nightly-export --service",
     1, 1, USER_OPTIONS, admin_user_add_run},
    {"admin user list", "", "List the accounts", "  airlock admin user list --all", 0, 0, USER_LIST_OPTIONS,
     admin_user_list_run},
    {"admin user disable", "USER", "Disable an account, and end its tokens at once",
     "USER is an id, mail address or name.\n\n  airlock admin user disable eve", 1, 1, NULL, admin_user_disable_run},
    {"admin user enable", "USER", "Let a disabled account sign in again", "  airlock admin user enable eve", 1, 1, NULL,
     admin_user_enable_run},
    {"admin user reset", "USER", "Replace an account's secrets",
     "Older passwords, client secrets, sign-ins and tokens stop at once. Prints the new ones, this once.\n\n"
     "  airlock admin user reset eve",
     1, 1, NULL, admin_user_reset_run},
    {"admin retry", "REQUEST", "Let a failed request go on where it failed", "  airlock admin retry REQUEST", 1, 1,
     NULL, admin_retry_run},
    {"admin audit", "", "Show the audit log",
     "  airlock admin audit --request REQUEST\n  airlock admin audit --all --output json", 0, 0, AUDIT_OPTIONS,
     admin_audit_run},
    {"admin rotate-keys", "", "Sign links with a new key",
     "Links that were handed out stay good until the longest life of a link has passed. A second change within that\n"
     "time ends those of the key before. With --now every link ends at once, and every transfer by one: people ask\n"
     "for new links and begin again.\n\n"
     "  airlock admin rotate-keys\n  airlock admin rotate-keys --now",
     0, 0, ROTATE_OPTIONS, admin_rotate_keys_run},
    {"admin jobs", "", "Show what the system still has to do", "  airlock admin jobs", 0, 0, NULL, admin_jobs_run},
    {"admin rules test", "", "Show who would be told of a status",
     "By the rules of notify.rules. Without --workspace or --request the people are not known. Nobody is told.\n\n"
     "  airlock admin rules test --status in_review --workspace Heart\n"
     "  airlock admin rules test --status approved --request REQUEST",
     0, 0, RULES_OPTIONS, admin_rules_test_run},
    {"admin events list", "", "Show events that receivers have not taken",
     "Open ones are tried again by themselves, dead ones were given up.\n\n"
     "  airlock admin events list --state dead\n  airlock admin events list --endpoint webhook --all",
     0, 0, EVENT_LIST_OPTIONS, admin_events_list_run},
    {"admin events replay", "[ID]", "Try dead events again",
     "One by its id from the list, or the dead ones of a receiver, or all of them.\n\n"
     "  airlock admin events replay 17\n  airlock admin events replay --endpoint webhook\n"
     "  airlock admin events replay --all",
     0, 1, EVENT_CHANGE_OPTIONS, admin_events_replay_run},
    {"admin events drop", "[ID]", "Drop dead events for good",
     "The receiver never hears of them. One that still waits can be dropped by its id.\n\n"
     "  airlock admin events drop 17\n  airlock admin events drop --endpoint webhook",
     0, 1, EVENT_CHANGE_OPTIONS, admin_events_drop_run},
};

static int run_help(const char *const *words, size_t count, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(HELP_MAX);
    size_t used = 0;
    const struct command *command = command_find(COMMANDS, ARRAY_LEN(COMMANDS), words, count, &used);

    if (count == 0)
        help_overview(&out, COMMANDS, ARRAY_LEN(COMMANDS));
    else if (command)
        help_command(&out, command);
    else if (strcmp(words[0], "exit-codes") == 0)
        help_exit_codes(&out);
    else if (strcmp(words[0], "environment") == 0)
        help_environment(&out);
    else if (!help_group(&out, COMMANDS, ARRAY_LEN(COMMANDS), words[0]))
        return error_set(err, E_USAGE, "There is no help on \"%.60s\"; try 'airlock help'", words[0]);
    return output_write(str_text(&out), err);
}

/* Only a list can be CSV. */
static bool prints_list(const struct command *command)
{
    static command_handler *const LISTS[] = {workspace_list_run, workspace_users_run,  request_list_run,
                                             request_upload_run, request_download_run, admin_user_list_run,
                                             admin_audit_run,    admin_jobs_run,
                                             admin_events_list_run, admin_rules_test_run};

    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
        if (command->run == LISTS[i])
            return true;
    return false;
}

static int read_globals(struct cli *cli, const struct command *command, const struct args *args, struct error *err)
{
    static const char *const OUTPUTS[] = {"table", "json", "csv", NULL};
    const char *environment = getenv("AIRLOCK_URL");
    const char *output = NULL;

    int r = args_choice(args, "output", OUTPUTS, &output, err);
    if (r)
        return r;
    cli->json = output && strcmp(output, "json") == 0;
    cli->csv = output && strcmp(output, "csv") == 0;
    if (cli->csv && !prints_list(command))
        return error_set_field(err, E_USAGE, "output",
                               "'airlock %s' prints no list: --output csv is not for it, json is", command->path);
    cli->url = args_get(args, "url");
    if (!cli->url && environment && *environment)
        cli->url = environment;
    return 0;
}

static int run_command(const struct command *command, const struct args *args, struct error *err)
{
    struct cli cli = {0};

    int r = args_check_count(command, args, err);
    if (!r)
        r = read_globals(&cli, command, args, err);
    if (r)
        return r;
    cli.web = web_new();
    r = command->run(&cli, args, err);
    web_free(cli.web);
    json_decref(cli.login);
    json_decref(cli.tokens);
    return r;
}

/* Words that are no command: help, a version, a group's name alone, or a mistake. */
static int run_other(const struct args *args, const char *const *words, size_t count, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(HELP_MAX);

    if (args_has(args, "version"))
        return output_write("airlock " AIRLOCK_VERSION "\n", err);
    if (count == 0 || args_has(args, "help"))
        return run_help(args->items, args->count, err);
    if (strcmp(words[0], "help") == 0)
        return run_help(words + 1, count - 1, err);
    if (args->count == 1 && help_group(&out, COMMANDS, ARRAY_LEN(COMMANDS), args->items[0]))
        return output_write(str_text(&out), err);
    return error_set(err, E_USAGE, "There is no command \"%.60s%s%.60s\"; try 'airlock help'", words[0],
                     count > 1 ? " " : "", count > 1 ? words[1] : "");
}

static int run_words(const char *const *words, size_t count, struct error *err)
{
    size_t used = 0;
    struct args args = {0};
    const struct command *command = command_find(COMMANDS, ARRAY_LEN(COMMANDS), words, count, &used);

    int r = args_parse(command, words + used, count - used, &args, err);
    if (r)
        return r;
    if (!command)
        r = run_other(&args, words, count, err);
    else if (args_has(&args, "help"))
        r = run_help(words, used, err);
    else
        r = run_command(command, &args, err);
    args_done(&args);
    return r;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    AUTO_STR struct str line = STR_INIT(OUTPUT_ERROR_MAX);

    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a death */
    int r = run_words((const char *const *)argv + 1, (size_t)(argc > 0 ? argc - 1 : 0), &err);
    if (r == 0)
        return 0;
    problem_render(&err, &line);
    (void)fputs(str_text(&line), stderr);
    return error_exit_code(r);
}
