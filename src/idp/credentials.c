/* Reading client ids and secrets. Runs on airlock-idp's workers; judges no secret. */
#include "idp/credentials.h"

#include <string.h>
#include <strings.h>

#include "base/crypto.h"

#define BASIC_MAX (3 * (ACCOUNT_TEXT_MAX + PASSWORD_MAX))

static bool basic_decode(const char *text, struct credentials *ret)
{
    char pair[BASIC_MAX + 1];
    size_t len;

    if (!base64_decode(text, strlen(text), (unsigned char *)pair, BASIC_MAX, &len) || memchr(pair, '\0', len))
        return false;
    pair[len] = '\0';
    const char *colon = strchr(pair, ':');
    bool ok = colon && http_decode_form(pair, (size_t)(colon - pair), ret->id, sizeof ret->id) &&
              http_decode_form(colon + 1, strlen(colon + 1), ret->secret, sizeof ret->secret);
    secret_wipe(pair, sizeof pair);
    return ok;
}

bool credentials_read(const struct request *request, struct credentials *ret)
{
    const char *id = request_param(request, "client_id");
    const char *secret = request_param(request, "client_secret");

    *ret = (struct credentials){.basic = *request->authorization != '\0'};
    if (!ret->basic)
        return str_copy(ret->id, sizeof ret->id, id) && str_copy(ret->secret, sizeof ret->secret, secret) && *id;
    return strncasecmp(request->authorization, "Basic ", 6) == 0 && basic_decode(request->authorization + 6, ret) &&
           *secret == '\0' && (*id == '\0' || strcmp(id, ret->id) == 0);
}

void answer_invalid_client(const struct credentials *credentials, struct answer *a)
{
    a->ask_basic = credentials->basic;
    answer_oauth_error(a, 401, "invalid_client", "The client id or the client secret is wrong");
}

void answer_unnamed_client(struct answer *a)
{
    answer_oauth_error(a, 400, "invalid_request", "The client must name itself once, in the header or in the form");
}

bool credentials_are_public(const struct idp *idp, const struct credentials *credentials, struct answer *a)
{
    bool is_public = *credentials->secret == '\0' && !credentials->basic && idp_client(idp, credentials->id);
    if (!is_public)
        answer_oauth_error(a, 401, "invalid_client", "This is for airlock's public clients, which have no secret");
    return is_public;
}

bool credentials_read_public(const struct idp *idp, const struct request *request, struct credentials *ret,
                             struct answer *a)
{
    if (!request_is_plain(request)) {
        answer_oauth_error(a, 400, "invalid_request", "A parameter stands twice");
        return false;
    }
    if (!credentials_read(request, ret)) {
        answer_unnamed_client(a);
        return false;
    }
    bool is_public = credentials_are_public(idp, ret, a);
    secret_wipe(ret->secret, sizeof ret->secret);
    return is_public;
}
