/* Posts to the outside. Runs in airlock-notify; everything that comes back is somebody else's word. */
#include "notify/caller.h"

#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "outward/outward.h"

#define PAUSE_MAX_S 60 /* that an answer may ask for */

struct post {
    CURL *easy; /* NULL: free */
    const struct terms *terms;
    caller_done_fn *done;
    void *ctx;
    char *url;
    char *body;
    struct curl_slist *headers;
    bool local;   /* the URL names this machine itself */
    bool refused; /* the name led to an address that is not allowed */
    size_t received;
    char problem[CURL_ERROR_SIZE];
};

struct caller {
    CURLM *multi;
    struct curl_slist *resolve;
    int64_t timeout_ms;
    struct post posts[CALLER_POSTS_MAX];
};

int caller_new(const struct caller_config *config, struct caller **ret, struct error *err)
{
    struct caller *caller = xcalloc(1, sizeof *caller);

    caller->timeout_ms = config->timeout_ms ? config->timeout_ms : CALLER_TIMEOUT_S * 1000;
    for (size_t i = 0; config->resolve && config->resolve[i]; i++)
        caller->resolve = curl_slist_append(caller->resolve, config->resolve[i]);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(caller->multi = curl_multi_init())) {
        caller_free(caller);
        return error_set(err, E_UNAVAILABLE, "The HTTP library cannot start");
    }
    *ret = caller;
    return 0;
}

static void post_end(struct caller *caller, struct post *post)
{
    if (post->easy) {
        (void)curl_multi_remove_handle(caller->multi, post->easy);
        curl_easy_cleanup(post->easy);
    }
    curl_slist_free_all(post->headers);
    free(post->url);
    free(post->body);
    *post = (struct post){0};
}

void caller_free(struct caller *caller)
{
    if (!caller)
        return;
    for (size_t i = 0; i < CALLER_POSTS_MAX; i++)
        post_end(caller, &caller->posts[i]);
    (void)curl_multi_cleanup(caller->multi);
    curl_slist_free_all(caller->resolve);
    free(caller);
}

static struct post *free_post(struct caller *caller)
{
    for (size_t i = 0; i < CALLER_POSTS_MAX; i++)
        if (!caller->posts[i].easy)
            return &caller->posts[i];
    return NULL;
}

/* The last look at the address, after every resolution: what this refuses is never connected to. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct post *post = context;

    if (purpose != CURLSOCKTYPE_IPCXN || !reach_allows(&post->terms->reach, post->local, &address->addr)) {
        post->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The answer says nothing that we need; it is counted, and thrown away. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct post *post = context;

    (void)bytes;
    post->received += size * count;
    return post->received > CALLER_ANSWER_MAX ? 0 : size * count;
}

static void set_limits(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is not waited for: it has a thread */
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)CALLER_ANSWER_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "airlock-notify");
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* no file is read any more */
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

/* libcurl's setters cannot fail for known options and valid values, but for lack of memory. */
static void set_post(const struct caller *caller, struct post *post)
{
    CURL *easy = post->easy;
    struct curl_blob authorities = {post->terms->ca, post->terms->ca_len, CURL_BLOB_NOCOPY};

    set_limits(easy);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)caller->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_URL, post->url);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(post->body));
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
    if (post->terms->ca)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authorities);
    if (caller->resolve)
        (void)curl_easy_setopt(easy, CURLOPT_RESOLVE, caller->resolve);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->problem);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
}

static struct curl_slist *read_headers(const json_t *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    size_t i;
    const json_t *pair;

    json_array_foreach(headers, i, pair)
    {
        AUTO_FREE char *line = xasprintf("%s: %s", json_string_value(json_array_get(pair, 0)),
                                         json_string_value(json_array_get(pair, 1)));
        list = curl_slist_append(list, line);
    }
    return list;
}

void caller_begin(struct caller *caller, const struct caller_post *from)
{
    struct post *post = free_post(caller);

    if (!post) {
        from->done(from->ctx, &(struct caller_answer){.detail = "too much is under way"});
        return;
    }
    *post = (struct post){.easy = curl_easy_init(),
                          .terms = from->terms,
                          .done = from->done,
                          .ctx = from->ctx,
                          .url = xstrdup(from->url),
                          .body = xstrdup(from->body),
                          .headers = read_headers(from->headers)};
    post->local = reach_url_is_local(post->url);
    if (post->easy)
        set_post(caller, post);
    if (post->easy && curl_multi_add_handle(caller->multi, post->easy) == CURLM_OK)
        return;
    post_end(caller, post);
    from->done(from->ctx, &(struct caller_answer){.detail = "the HTTP library has no memory"});
}

/* "": it was taken. Otherwise why not. */
static void judge(const struct post *post, CURLcode result, long status, char *text, size_t size)
{
    *text = '\0';
    if (post->refused && result != CURLE_OK)
        (void)snprintf(text, size, "its address is private, and %s does not allow it", post->terms->networks_setting);
    else if (post->received > CALLER_ANSWER_MAX || result == CURLE_FILESIZE_EXCEEDED)
        (void)snprintf(text, size, "it answers with more than %d bytes", CALLER_ANSWER_MAX);
    else if (result != CURLE_OK)
        (void)snprintf(text, size, "%s", *post->problem ? post->problem : curl_easy_strerror(result));
    else if (status < 200 || status > 299)
        (void)snprintf(text, size, "it answers with HTTP status %ld%s", status,
                       status >= 300 && status < 400 ? "; redirects are not followed" : "");
}

static void post_tell(const struct post *post, CURLcode result)
{
    char text[CURL_ERROR_SIZE + 100];
    long status = 0;
    curl_off_t pause = 0;

    (void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 429 || status == 503)
        (void)curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &pause);
    judge(post, result, status, text, sizeof text);
    post->done(post->ctx, &(struct caller_answer){.taken = *text == '\0',
                                                  .reached = status != 0,
                                                  .pause_s = pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S,
                                                  .detail = text});
}

static void take_ended(struct caller *caller)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(caller->multi, &left))) {
        struct post *post = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&post) != CURLE_OK)
            continue;
        post_tell(post, message->data.result);
        post_end(caller, post);
    }
}

void caller_wait(struct caller *caller, const int *fds, bool *readable, size_t count, int timeout_ms)
{
    outward_wait(caller->multi, fds, readable, count, timeout_ms);
    take_ended(caller);
}
