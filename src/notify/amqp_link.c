/* AMQP 0-9-1 by librabbitmq. Runs in the broker's thread of airlock-notify. */
#include "notify/amqp_link.h"

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "base/str.h"

#define CHANNEL 1
#define HEARTBEAT_S 20
#define FRAME_BYTES_MAX 131072
#define UNSENT_MAX_MS 20000 /* a broker that reads nothing more is left: the library itself would wait for ever */
#define PERSISTENT 2
#define TEXT_MAX 200

struct amqp_link {
    const struct amqp_link_config *config;
    amqp_connection_state_t connection;
    uint64_t tag; /* of the last message */
};

static const struct timeval TIMEOUT = {.tv_sec = LINK_TIMEOUT_S};

static int fail_library(int status, const char *what, struct error *err)
{
    return error_set(err, E_UNAVAILABLE, "%s: %s", what, amqp_error_string2(status));
}

static int fail_server(amqp_bytes_t text, const char *what, struct error *err)
{
    int len = (int)(text.len < TEXT_MAX ? text.len : TEXT_MAX);
    return error_set(err, E_UNAVAILABLE, "%s: it says %.*s", what, len, (const char *)text.bytes);
}

/* A method that ends the channel or the connection; 0: it does not. */
static int check_method(const amqp_method_t *method, const char *what, struct error *err)
{
    if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
        return fail_server(((const amqp_connection_close_t *)method->decoded)->reply_text, what, err);
    if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
        return fail_server(((const amqp_channel_close_t *)method->decoded)->reply_text, what, err);
    return 0;
}

static int check_reply(amqp_rpc_reply_t reply, const char *what, bool *spoke, struct error *err)
{
    int r = 0;

    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return 0;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
        return fail_library(reply.library_error, what, err);
    *spoke = true;
    r = check_method(&reply.reply, what, err);
    return r ? r : error_set(err, E_UNAVAILABLE, "%s: it refuses", what);
}

/* The library would read them from a file, which this process may not open any more. */
static int trust_authorities(const struct amqp_link_config *config, amqp_socket_t *socket, struct error *err)
{
    SSL_CTX *context = amqp_ssl_socket_get_context(socket);
    BIO *pem = config->ca ? BIO_new_mem_buf(config->ca, (int)config->ca_len) : NULL; /* bounded when it was read */
    size_t count = 0;

    for (X509 *authority; pem && (authority = PEM_read_bio_X509(pem, NULL, NULL, NULL)); X509_free(authority))
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1;
    BIO_free(pem);
    return count > 0 ? 0
                     : error_set(err, E_UNAVAILABLE, "No certificate of an authority is known: set events.broker_ca_file");
}

static int socket_new(struct amqp_link *link, amqp_socket_t **ret, struct error *err)
{
    bool tls = link->config->url.tls;
    amqp_socket_t *socket = tls ? amqp_ssl_socket_new(link->connection) : amqp_tcp_socket_new(link->connection);

    if (!socket)
        return error_set(err, E_UNAVAILABLE, "The broker's library has no memory");
    *ret = socket; /* the connection's */
    if (!tls)
        return 0;
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    int status = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    return status == AMQP_STATUS_OK ? trust_authorities(link->config, socket, err)
                                    : fail_library(status, "The broker's library knows no TLS 1.2", err);
}

static int connect_to(struct amqp_link *link, struct error *err)
{
    const struct broker_url *url = &link->config->url;
    unsigned unsent_ms = UNSENT_MAX_MS;
    amqp_socket_t *socket = NULL;
    int r = socket_new(link, &socket, err);

    if (r != 0)
        return r;
    int status = amqp_socket_open_noblock(socket, url->host, url->port, &TIMEOUT);
    if (status != AMQP_STATUS_OK)
        return fail_library(status, "The broker cannot be reached", err);
    if (setsockopt(amqp_get_sockfd(link->connection), IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "The broker's socket takes no timeout");
    return 0;
}

/* What an operator sees of it in the broker's list of connections. */
static amqp_table_entry_t client_name(void)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes("connection_name"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes("airlock-notify")}}};
}

static int log_in(struct amqp_link *link, bool *spoke, struct error *err)
{
    const struct amqp_link_config *config = link->config;
    amqp_table_entry_t name = client_name();
    amqp_table_t properties = {.num_entries = 1, .entries = &name};
    amqp_connection_state_t connection = link->connection;

    (void)amqp_set_handshake_timeout(connection, &TIMEOUT);
    (void)amqp_set_rpc_timeout(connection, &TIMEOUT);
    int r = check_reply(amqp_login_with_properties(connection, config->url.vhost, 0, FRAME_BYTES_MAX, HEARTBEAT_S,
                                                   &properties, AMQP_SASL_METHOD_PLAIN, config->url.user,
                                                   config->password),
                        "The broker does not let us in", spoke, err);
    if (r != 0)
        return r;
    *spoke = true;
    (void)amqp_channel_open(connection, CHANNEL);
    r = check_reply(amqp_get_rpc_reply(connection), "The broker opens no channel", spoke, err);
    if (r != 0)
        return r;
    (void)amqp_exchange_declare(connection, CHANNEL, amqp_cstring_bytes(config->exchange), amqp_cstring_bytes("topic"), 0,
                                1, 0, 0, amqp_empty_table);
    r = check_reply(amqp_get_rpc_reply(connection), "The broker has no such topic exchange", spoke, err);
    if (r != 0)
        return r;
    (void)amqp_confirm_select(connection, CHANNEL);
    return check_reply(amqp_get_rpc_reply(connection), "The broker confirms nothing", spoke, err);
}

int amqp_link_open(const struct amqp_link_config *config, struct amqp_link **ret, bool *ret_spoke, struct error *err)
{
    struct amqp_link *link = xcalloc(1, sizeof *link);

    *ret_spoke = false;
    link->config = config;
    link->connection = amqp_new_connection();
    int r = link->connection ? connect_to(link, err)
                             : error_set(err, E_UNAVAILABLE, "The broker's library has no memory");
    if (r == 0)
        r = log_in(link, ret_spoke, err);
    if (r != 0)
        amqp_link_close(link);
    else
        *ret = link;
    return r;
}

/* Without a good-bye, for which the library might wait: what was not confirmed is sent again. */
void amqp_link_close(struct amqp_link *link)
{
    if (!link)
        return;
    if (link->connection)
        (void)amqp_destroy_connection(link->connection);
    free(link);
}

int amqp_link_fd(const struct amqp_link *link)
{
    return amqp_get_sockfd(link->connection);
}

int amqp_link_publish(struct amqp_link *link, const struct amqp_message *message, uint64_t *ret_tag, struct error *err)
{
    const amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .content_type = amqp_cstring_bytes(message->content_type),
        .delivery_mode = PERSISTENT,
        .message_id = amqp_cstring_bytes(message->id),
        .timestamp = (uint64_t)time(NULL),
        .app_id = amqp_cstring_bytes("airlock"),
    };
    int status = amqp_basic_publish(link->connection, CHANNEL, amqp_cstring_bytes(link->config->exchange),
                                    amqp_cstring_bytes(message->routing_key), 0, 0, &properties,
                                    amqp_cstring_bytes(message->body));

    if (status != AMQP_STATUS_OK)
        return fail_library(status, "The broker is gone", err);
    *ret_tag = ++link->tag;
    return 0;
}

/* 1: it is a confirm. 0: it is none of our business. */
static int read_method(const amqp_method_t *method, struct amqp_confirm *ret, struct error *err)
{
    if (method->id == AMQP_BASIC_ACK_METHOD) {
        const amqp_basic_ack_t *ack = method->decoded;
        *ret = (struct amqp_confirm){.tag = ack->delivery_tag, .multiple = ack->multiple, .taken = true};
        return 1;
    }
    if (method->id == AMQP_BASIC_NACK_METHOD) {
        const amqp_basic_nack_t *nack = method->decoded;
        *ret = (struct amqp_confirm){.tag = nack->delivery_tag, .multiple = nack->multiple};
        return 1;
    }
    return check_method(method, "The broker ends the connection", err);
}

int amqp_link_confirm(struct amqp_link *link, struct amqp_confirm *ret, struct error *err)
{
    const struct timeval none = {0};
    int r = 0;

    while (r == 0) {
        amqp_frame_t frame;
        amqp_maybe_release_buffers(link->connection);
        int status = amqp_simple_wait_frame_noblock(link->connection, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT)
            return 0;
        if (status != AMQP_STATUS_OK)
            return fail_library(status, "The broker is gone", err);
        if (frame.frame_type == AMQP_FRAME_METHOD)
            r = read_method(&frame.payload.method, ret, err);
    }
    return r;
}
