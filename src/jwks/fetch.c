/* The exchange with the provider. Runs in airlock-jwks; the only code of the tree that makes connections to it. */
#include "jwks/fetch.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "jwks/document.h"
#include "outward/outward.h"

#define CACHE_CONTROL_MAX 256

struct fetcher {
    CURLM *multi;
    CURL *easy;
    bool busy;
    char *ca; /* PEM; NULL where the machine has none */
    size_t ca_len;
    struct str body;
    char cache_control[CACHE_CONTROL_MAX];
    char problem[CURL_ERROR_SIZE];
    char url[DOCUMENT_URL_MAX + 1];
};

int fetcher_new(const char *ca_file, struct fetcher **ret, struct error *err)
{
    struct fetcher *fetcher = xcalloc(1, sizeof *fetcher);

    /* A machine without authorities of its own has none here either: a provider on loopback may do without TLS. */
    int r = outward_read_authorities("auth.ca_file", ca_file, &fetcher->ca, &fetcher->ca_len, err);
    if (r != 0) {
        fetcher_free(fetcher);
        return r;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(fetcher->multi = curl_multi_init())) {
        fetcher_free(fetcher);
        return error_set(err, E_UNAVAILABLE, "The HTTP library cannot start");
    }
    *ret = fetcher;
    return 0;
}

static void fetch_end(struct fetcher *fetcher)
{
    if (!fetcher->easy)
        return;
    (void)curl_multi_remove_handle(fetcher->multi, fetcher->easy);
    curl_easy_cleanup(TAKE_PTR(fetcher->easy));
    fetcher->busy = false;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    fetch_end(fetcher);
    (void)curl_multi_cleanup(fetcher->multi);
    str_done(&fetcher->body);
    free(fetcher->ca);
    free(fetcher);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fetcher *fetcher = context;

    str_append_len(&fetcher->body, bytes, size * count);
    return fetcher->body.overflow ? 0 : size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    static const char NAME[] = "Cache-Control:";
    struct fetcher *fetcher = context;
    size_t len = size * count;

    if (len <= sizeof NAME - 1 || strncasecmp(line, NAME, sizeof NAME - 1) != 0)
        return len;
    AUTO_FREE char *value = xstrndup(line + sizeof NAME - 1, len - (sizeof NAME - 1));
    (void)str_copy(fetcher->cache_control, sizeof fetcher->cache_control, value); /* too long counts as absent */
    return len;
}

/* libcurl's setters cannot fail for known options and valid values, but for lack of memory. */
static void set_options(struct fetcher *fetcher)
{
    CURL *easy = fetcher->easy;
    struct curl_blob authorities = {fetcher->ca, fetcher->ca_len, CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(easy, CURLOPT_URL, fetcher->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)FETCH_TIMEOUT_S);
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)DOCUMENT_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* no file is read any more */
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (fetcher->ca)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authorities);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "airlock-jwks");
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetcher);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetcher);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetcher->problem);
}

int fetcher_begin(struct fetcher *fetcher, const char *url, struct error *err)
{
    fetch_end(fetcher);
    str_done(&fetcher->body);
    fetcher->body = STR_INIT(DOCUMENT_MAX);
    fetcher->cache_control[0] = fetcher->problem[0] = '\0';
    if (!str_copy(fetcher->url, sizeof fetcher->url, url))
        return error_set(err, E_LIMIT, "The provider's address is longer than %d bytes", DOCUMENT_URL_MAX);
    fetcher->easy = curl_easy_init();
    if (!fetcher->easy)
        return error_set(err, E_UNAVAILABLE, "The HTTP library has no memory");
    set_options(fetcher);
    if (curl_multi_add_handle(fetcher->multi, fetcher->easy) != CURLM_OK)
        return error_set(err, E_UNAVAILABLE, "The HTTP library refuses %.200s", url);
    fetcher->busy = true;
    return 0;
}

bool fetcher_is_busy(const struct fetcher *fetcher)
{
    return fetcher->busy;
}

void fetcher_wait(struct fetcher *fetcher, const int *fds, bool *readable, size_t count, int timeout_ms)
{
    outward_wait(fetcher->multi, fds, readable, count, timeout_ms);
}

static int judge(const struct fetcher *fetcher, CURLcode result, json_t **ret_document, struct error *err)
{
    long status = 0;

    if (fetcher->body.overflow || result == CURLE_FILESIZE_EXCEEDED)
        return error_set(err, E_LIMIT, "%.200s answers with more than %d bytes", fetcher->url, DOCUMENT_MAX);
    if (result != CURLE_OK)
        return error_set(err, E_UNAVAILABLE, "%.200s cannot be read: %s", fetcher->url,
                         *fetcher->problem ? fetcher->problem : curl_easy_strerror(result));
    (void)curl_easy_getinfo(fetcher->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return error_set(err, E_PROTOCOL, "%.200s answers with HTTP status %ld", fetcher->url, status);
    if (json_parse_object(str_text(&fetcher->body), fetcher->body.len, ret_document, NULL) != 0)
        return error_set(err, E_PROTOCOL, "%.200s does not answer with a JSON object", fetcher->url);
    return 0;
}

bool fetcher_finish(struct fetcher *fetcher, int *ret_result, json_t **ret_document, int64_t *ret_fresh_s,
                    struct error *err)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(fetcher->multi, &left))) {
        if (message->msg != CURLMSG_DONE || message->easy_handle != fetcher->easy)
            continue;
        *ret_result = judge(fetcher, message->data.result, ret_document, err);
        *ret_fresh_s = document_max_age(fetcher->cache_control);
        fetch_end(fetcher);
        return true;
    }
    return false;
}
