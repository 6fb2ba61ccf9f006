/* The table of jobs, and their files page by page. Runs in airlock-mover. */
#include "mover/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct job_kind KINDS[] = {
    {"seal", seal_run},       /* draft account to in-progress account, final and hashed */
    {"move", move_run},       /* verify, then on to the account of the outcome */
    {"deliver", deliver_run}, /* an approved import as a read-only tree with its own file names */
    {"purge", purge_run},     /* a cancelled request's bytes */
    {"remove", remove_run},   /* a revoked request's bytes and delivery */
    {"sweep", sweep_run},     /* what a seal left over */
};

const struct job_kind *job_kind_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}

void result_done(struct result *result)
{
    json_decref(result->files);
    *result = (struct result){0};
}

void result_mismatch(struct result *result, const char *fmt, ...)
{
    va_list args;

    result->outcome = "mismatch";
    va_start(args, fmt);
    (void)vsnprintf(result->detail, sizeof result->detail, fmt, args); /* object ids and numbers: it fits */
    va_end(args);
}

void files_done(struct files *files)
{
    json_decref(TAKE_PTR(files->page));
}

static int files_turn(struct files *files, struct error *err)
{
    AUTO_JSON json_t *page = NULL;
    int64_t next = 0;
    int r = files->lease->files(files->lease->ctx, files->next, &page, err);

    if (r == 0)
        r = json_need_int(page, "next", 0, INT64_MAX, &next, err);
    if (r != 0)
        return r;
    if (!json_is_array(json_object_get(page, "files")) || (next != 0 && next <= files->next))
        return error_set(err, E_PROTOCOL, "The list of the job's files is malformed");
    json_decref(files->page);
    files->page = TAKE_PTR(page);
    files->index = 0;
    files->next = next;
    files->last = next == 0;
    return 0;
}

int files_next(struct files *files, const json_t **ret_file, struct error *err)
{
    while (!files->page || files->index == json_array_size(json_object_get(files->page, "files"))) {
        if (files->last)
            return 0;
        int r = files_turn(files, err);
        if (r != 0)
            return r;
    }
    *ret_file = json_array_get(json_object_get(files->page, "files"), files->index++);
    return 1;
}
