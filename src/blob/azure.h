/* Azure's error codes: the table, how airlock's own errors map onto it, and the XML body. Pure; runs in airlock-blob.
 * Functions here and in the parsers of this folder answer AZURE_OK or the code to refuse with.
 * Source: Azure "Status and error codes"; SDKs read the code from x-ms-error-code and from the body. */
#ifndef AIRLOCK_BLOB_AZURE_H
#define AIRLOCK_BLOB_AZURE_H

#include "base/error.h"
#include "base/str.h"

enum azure_code {
    AZURE_OK = 0,
#define X(name, code, http, message) AZURE_##name,
#include "blob/azure.def"
#undef X
    AZURE_COUNT
};

struct azure_facts {
    const char *code;
    int http;
    const char *message;
};

const struct azure_facts *azure_facts(enum azure_code code); /* code must not be AZURE_OK */
/* Every E_ code of base/error.def has an answer. */
enum azure_code azure_from_error(int error_code);
/* The answer to what the HTTP layer itself refused with that status. */
enum azure_code azure_from_status(int status);

/* Appends the body of an error. detail: one more sentence for a person, or "". */
void azure_render(enum azure_code code, const char *request_id, const char *detail, struct str *out);

#endif
