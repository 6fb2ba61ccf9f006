/* Requests to the blob endpoint, with patience. Must never print a URL: it carries the link's signature. */
#include "cli/blob.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "cli/link.h"
#include "cli/problem.h"

#define TRIES 7
#define BACKOFF_FIRST_MS 400
#define BACKOFF_MAX_MS 15000
#define RETRY_AFTER_MAX_S 60
#define LINK_YOUNG_MS 20000 /* a younger link that is refused has not run out: asking for another changes nothing */
#define API_VERSION "x-ms-version: 2021-12-02"

static int container_relink(struct container *container, struct error *err)
{
    AUTO_FREE char *url = NULL;
    struct link link = {0};

    int r = link_fetch(container->cli, container->workspace, container->request, NULL, 0, &url, err);
    if (!r)
        r = link_parse(url, &link, err);
    if (r)
        return r;
    link_done(&container->link);
    container->link = link;
    container->linked_ms = clock_mono_ms();
    return 0;
}

int container_open(struct container *container, struct cli *cli, const char *workspace, const char *request,
                   struct error *err)
{
    *container =
        (struct container){.cli = cli, .workspace = workspace, .request = request, .lock = PTHREAD_MUTEX_INITIALIZER};
    return container_relink(container, err);
}

void container_done(struct container *container)
{
    link_done(&container->link);
}

static char *container_url(struct container *container, const char *blob, const char *query, int64_t *ret_linked_ms)
{
    struct str url = STR_INIT(URL_MAX + 4 * BLOB_NAME_MAX);

    pthread_mutex_lock(&container->lock);
    link_append_url(&url, &container->link, blob, query);
    *ret_linked_ms = container->linked_ms;
    pthread_mutex_unlock(&container->lock);
    return url.overflow || !url.p ? (str_done(&url), NULL) : url.p;
}

/* Replaces the link that came at linked_ms, unless another thread did already. false: that would not help. */
static bool container_renew(struct container *container, int64_t linked_ms)
{
    bool renewed = true;

    pthread_mutex_lock(&container->lock);
    if (container->linked_ms == linked_ms)
        renewed = clock_mono_ms() - linked_ms >= LINK_YOUNG_MS && container_relink(container, NULL) == 0;
    pthread_mutex_unlock(&container->lock);
    return renewed;
}

/* Sleeps before try number next: what the server asked for, else twice as long each time, with jitter. */
static void back_off(const struct web_answer *answer, int try)
{
    uint32_t jitter;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS << try;

    random_fill(&jitter, sizeof jitter);
    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    ms = ms / 2 + jitter % (ms / 2 + 1);
    if (answer->retry_after[0])
        ms = web_retry_after(answer, 1, RETRY_AFTER_MAX_S) * 1000;
    struct timespec wait = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
    (void)nanosleep(&wait, NULL); /* a signal cuts it short: fine */
}

static int send_once(struct container *container, struct web *web, const char *blob, const char *query,
                     struct web_request *request, struct web_answer *answer, int64_t *ret_linked_ms, struct error *err)
{
    AUTO_FREE char *url = container_url(container, blob, query, ret_linked_ms);

    if (!url)
        return error_set(err, E_LIMIT, "The name \"%.200s\" is too long for a URL", blob);
    request->url = url;
    int r = web_send(web, request, answer, err);
    request->url = NULL;
    return r;
}

int blob_send(struct container *container, struct web *web, const char *blob, const char *query,
              struct web_request *request, struct web_answer *answer, struct error *err)
{
    size_t headers = 0;
    bool renewed = false;

    while (request->headers[headers])
        headers++;
    request->headers[headers] = API_VERSION;
    for (int try = 0;; try++) {
        int64_t linked_ms = 0;
        int r = send_once(container, web, blob, query, request, answer, &linked_ms, err);
        bool ran_out = !r && answer->status == 403 && strcmp(answer->error_code, "AuthenticationFailed") == 0;
        if (ran_out && !renewed && container_renew(container, linked_ms)) {
            renewed = true;
            continue;
        }
        bool passing = r == E_UNAVAILABLE || (!r && web_status_is_passing(answer->status));
        if (!passing || try + 1 >= TRIES) {
            request->headers[headers] = NULL;
            return r;
        }
        back_off(answer, try);
    }
}

static int list_page(struct container *container, struct web *web, struct blob_list *list, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_STR struct str query = STR_INIT(URL_MAX);
    struct web_request request = {.method = "GET"};

    str_append(&query, "restype=container&comp=list");
    if (list->next_marker) {
        str_append(&query, "&marker=");
        str_append_url(&query, list->next_marker);
    }
    int r = blob_send(container, web, "", str_text(&query), &request, &answer, err);
    if (r)
        return r;
    if (answer.status != 200)
        return problem_from_answer(err, &answer);
    return blob_xml_list(str_text(&answer.body), answer.body.len, list, err);
}

int blob_list(struct container *container, struct web *web, struct blob_list *ret, struct error *err)
{
    struct blob_list list = {0};
    int r;

    do {
        r = list_page(container, web, &list, err);
    } while (!r && list.next_marker);
    if (r) {
        blob_list_done(&list);
        return r;
    }
    *ret = list;
    return 0;
}

int blob_blocks(struct container *container, struct web *web, const char *blob, struct block_list *ret,
                struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    struct web_request request = {.method = "GET"};
    struct block_list blocks = {0};

    int r = blob_send(container, web, blob, "comp=blocklist&blocklisttype=all", &request, &answer, err);
    if (r)
        return r;
    if (answer.status != 200 && answer.status != 404)
        return problem_from_answer(err, &answer);
    if (answer.status == 200)
        r = blob_xml_blocks(str_text(&answer.body), answer.body.len, &blocks, err);
    if (r) {
        block_list_done(&blocks);
        return r;
    }
    *ret = blocks;
    return 0;
}
