/* Prints docs/generated/blob.md from operation.def, so that the page cannot say anything else. A build tool; no part of
 * the running system. */
#include <stdio.h>

#include "base/str.h"
#include "blob/operation.h"

/* permission: of the link, in words; core decides (core/access.c). */
static const struct {
    const char *name;
    const char *permission;
} OPERATIONS[OPERATION_COUNT] = {
    [OPERATION_PREFLIGHT] = {"Preflight Request", "none"},
    [OPERATION_ACCOUNT_INFO] = {"Get Account Information", "any"},
    [OPERATION_CONTAINER_PROPERTIES] = {"Get Container Properties, Get Container Metadata", "r or l"},
    [OPERATION_LIST_BLOBS] = {"List Blobs", "l"},
    [OPERATION_PUT_BLOB] = {"Put Blob", "c or w, over a blob w"},
    [OPERATION_PUT_BLOCK] = {"Put Block", "w"},
    [OPERATION_PUT_BLOCK_LIST] = {"Put Block List", "w"},
    [OPERATION_GET_BLOCK_LIST] = {"Get Block List", "r"},
    [OPERATION_GET_BLOB] = {"Get Blob", "r"},
    [OPERATION_HEAD_BLOB] = {"Get Blob Properties", "r"},
    [OPERATION_GET_METADATA] = {"Get Blob Metadata", "r"},
    [OPERATION_SET_METADATA] = {"Set Blob Metadata", "w"},
    [OPERATION_SET_PROPERTIES] = {"Set Blob Properties (HTTP headers)", "w"},
    [OPERATION_DELETE_BLOB] = {"Delete Blob", "d"},
    [OPERATION_PUT_BLOB_FROM_URL] = {"Put Blob From URL", "c or w, over a blob w; r in the source's"},
    [OPERATION_PUT_BLOCK_FROM_URL] = {"Put Block From URL", "w; r in the source's"},
    [OPERATION_COPY_BLOB] = {"Copy Blob, Copy Blob From URL", "c or w, over a blob w; r in the source's"},
    [OPERATION_ABORT_COPY] = {"Abort Copy Blob (there is never one)", "any"},
};

static void print_bits(unsigned bits, const char *const *names, size_t count)
{
    unsigned all = (1u << count) - 1;
    bool first = true;

    if ((bits & all) == all) {
        fputs("any", stdout);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(bits & 1u << i))
            continue;
        printf("%s%s", first ? "" : ", ", names[i]);
        first = false;
    }
}

static void print_text(const char *text)
{
    if (!text)
        fputs("any", stdout);
    else if (*text)
        printf("`%s`", text);
    else
        fputs("–", stdout);
}

static void print_route(const struct operation_route *route)
{
    static const char *const METHODS[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "others"};
    static const char *const LEVELS[] = {"account", "container", "blob"};
    static const char *const SOURCES[] = {"none", "given", "given, sync"};

    fputs("| ", stdout);
    print_bits(route->methods, METHODS, ARRAY_LEN(METHODS));
    fputs(" | ", stdout);
    print_bits(route->levels, LEVELS, ARRAY_LEN(LEVELS));
    fputs(" | ", stdout);
    print_text(route->restype);
    fputs(" | ", stdout);
    print_text(route->comp);
    fputs(" | ", stdout);
    print_bits(route->sources, SOURCES, ARRAY_LEN(SOURCES));
    fputs(" | ", stdout);
    print_text(route->blob_type);
    if (route->refusal == AZURE_OK)
        printf(" | **%s** | %s |\n", OPERATIONS[route->operation].name, OPERATIONS[route->operation].permission);
    else
        printf(" | %d %s | |\n", azure_facts(route->refusal)->http, azure_facts(route->refusal)->code);
}

static void print_refusals(const char *what, const struct operation_refusal *refusals, size_t count)
{
    printf("\n| %s | answer |\n|---|---|\n", what);
    for (size_t i = 0; i < count; i++)
        printf("| `%s` | %d %s |\n", refusals[i].name, azure_facts(refusals[i].code)->http,
               azure_facts(refusals[i].code)->code);
}

int main(void)
{
    size_t count;
    const struct operation_route *routes = operation_routes(&count);

    puts("# The data plane\n");
    puts("Generated from `src/blob/operation.def`. The first row that fits a request decides. Source: the header");
    puts("`x-ms-copy-source`; type: `x-ms-blob-type`; –: absent. Permission: the letters a link needs. What a link");
    puts("may do is bounded by its request's status too: writing in a draft alone, reading in a draft, in review and");
    puts("when approved.");
    puts("\n| verb | path | `restype` | `comp` | source | type | operation or refusal | permission |");
    puts("|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++)
        print_route(&routes[i]);
    puts("\nRefused on every operation, where the value is not empty:");
    const struct operation_refusal *refusals = operation_refused_headers(&count);
    print_refusals("header", refusals, count);
    refusals = operation_refused_params(&count);
    print_refusals("parameter", refusals, count);
    return 0;
}
