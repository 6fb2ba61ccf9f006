/* TLS underneath io.c, by OpenSSL: contexts made from a certificate and its key, handshakes, records. Loop and workers,
 * as the owner of the connection. Opens no file and asks the machine's openssl.cnf nothing; never blocks.
 *
 * TLS 1.3, and of TLS 1.2 the suites with ECDHE and an AEAD (RFC 9325); no renegotiation, no compression, no early
 * data. A read may have to write and a write to read: what the connection waits for is noted whenever one of them says
 * IO_AGAIN, and io_events arms for that. */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>

#include "http/internal.h"

#define TLS12_SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_GROUPS "X25519:P-256:P-384"
#define TLS_READ_AHEAD ((size_t)64 * 1024) /* ciphertext of one receive; given back while a connection idles */
#define TLS_PIECE ((size_t)64 * 1024)      /* of a file, read to be encrypted */
#define TLS_RECORD ((size_t)16 * 1024)     /* the largest, RFC 8446 5.1 */

/* --- Contexts --- */

/* The newest reason OpenSSL has, and the end of the list. */
static int tls_error(struct error *err, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    int rc = error_set(err, E_CONFIG, "%s: %s", what, why ? why : "unknown error");
    ERR_clear_error();
    return rc;
}

/* An encrypted key is refused rather than asked for: there is nobody at this process's terminal. */
static int no_password(char *buffer, int size, int writing, void *ctx)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static int use_key(SSL_CTX *context, BIO *pem, struct error *err)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL);
    int ok = key ? SSL_CTX_use_PrivateKey(context, key) : 0;
    EVP_PKEY_free(key);
    if (ok != 1 || SSL_CTX_check_private_key(context) != 1)
        return tls_error(err, "The key cannot be used with the certificate");
    return 0;
}

/* The certificate of the server, then those of its chain. */
static int use_chain(SSL_CTX *context, BIO *pem, struct error *err)
{
    X509 *own = PEM_read_bio_X509(pem, NULL, no_password, NULL);
    int ok = own ? SSL_CTX_use_certificate(context, own) : 0;
    X509_free(own);
    if (ok != 1)
        return tls_error(err, "The certificate cannot be used");
    for (X509 *more; (more = PEM_read_bio_X509(pem, NULL, no_password, NULL));)
        if (SSL_CTX_add0_chain_cert(context, more) != 1) {
            X509_free(more);
            return tls_error(err, "The certificate chain cannot be used");
        }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return tls_error(err, "The certificate chain cannot be read");
    ERR_clear_error(); /* the end of the file, which is how the chain ends */
    return 0;
}

static int use_pair(SSL_CTX *context, const struct http_certificate *pair, struct error *err)
{
    BIO *chain = BIO_new_mem_buf(pair->chain, (int)pair->chain_len);
    BIO *key = BIO_new_mem_buf(pair->key, (int)pair->key_len);
    if (!chain || !key)
        abort(); /* as xmalloc */
    int rc = use_chain(context, chain, err);
    if (rc == 0)
        rc = use_key(context, key, err);
    BIO_free(chain);
    BIO_free(key);
    return rc;
}

/* HTTP/1.1 or nothing: a client that names other protocols only is told so (RFC 7301 3.2). */
static int choose_protocol(SSL *tls, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
                           unsigned offered_len, void *ctx)
{
    static const unsigned char OURS[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)tls;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, ret_len, OURS, sizeof OURS - 1, offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int context_set(SSL_CTX *context, struct error *err)
{
    (void)SSL_CTX_set_options(context,
                              SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* A partial write is how a slow client parks; what it could not take is sent again from where it then lies. */
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* sessions live in the clients' tickets */
    (void)SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, TLS_READ_AHEAD);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, TLS12_SUITES) != 1 || SSL_CTX_set1_groups_list(context, TLS_GROUPS) != 1 ||
        SSL_CTX_set_num_tickets(context, 1) != 1)
        return tls_error(err, "TLS cannot be set up");
    return 0;
}

int tls_context_new(const struct http_certificate *pair, SSL_CTX **ret, struct error *err)
{
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return tls_error(err, "TLS cannot be set up");
    int rc = context_set(context, err);
    if (rc == 0)
        rc = use_pair(context, pair, err);
    if (rc != 0) {
        SSL_CTX_free(context);
        return rc;
    }
    *ret = context;
    return 0;
}

void tls_context_free(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

/* --- Connections --- */

/* Of a call that did not succeed. After IO_END nothing but freeing is left to do. */
static ssize_t tls_result(struct http_connection *c, int rc)
{
    switch (SSL_get_error(c->tls, rc)) {
    case SSL_ERROR_WANT_READ:
        c->tls_waits = EPOLLIN;
        return IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->tls_waits = EPOLLOUT;
        return IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    default:
        c->tls_broken = true;
        return IO_END;
    }
}

/* Under the server's present certificate, which a connection keeps for life. */
static void tls_begin(struct http_connection *c)
{
    struct http_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    SSL_CTX *context = s->tls;
    (void)SSL_CTX_up_ref(context);
    pthread_mutex_unlock(&s->lock);
    c->tls = SSL_new(context);
    SSL_CTX_free(context);
    if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1)
        abort(); /* as xmalloc */
    SSL_set_accept_state(c->tls);
}

enum tls_handshake tls_handshake(struct http_connection *c)
{
    if (!c->tls)
        tls_begin(c);
    ERR_clear_error();
    c->tls_waits = 0;
    int rc = SSL_do_handshake(c->tls);
    if (rc == 1)
        return TLS_DONE;
    if (tls_result(c, rc) == IO_AGAIN)
        return TLS_AGAIN;
    bool plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    tls_end(c, false);
    return plain ? TLS_PLAIN_HTTP : TLS_FAILED;
}

ssize_t tls_receive(struct http_connection *c, void *bytes, size_t len)
{
    size_t got = 0;
    if (c->tls_broken)
        return IO_END;
    ERR_clear_error();
    c->tls_waits = 0;
    int rc = SSL_read_ex(c->tls, bytes, len, &got);
    return rc == 1 ? (ssize_t)got : tls_result(c, rc);
}

/* As many records as the socket takes. */
static ssize_t tls_send(struct http_connection *c, const char *bytes, size_t len)
{
    size_t sent = 0;
    ssize_t rc = c->tls_broken ? IO_END : 1;
    while (rc > 0 && sent < len) {
        size_t n = 0;
        ERR_clear_error();
        c->tls_waits = 0;
        int ok = SSL_write_ex(c->tls, bytes + sent, len - sent, &n);
        sent += n;
        rc = ok == 1 ? 1 : tls_result(c, ok);
    }
    return sent ? (ssize_t)sent : rc;
}

/* Up to a record's worth of several pieces, so that a head and a small body are one record. */
static size_t gather(const struct iovec *iov, size_t count, size_t skip, char out[static TLS_RECORD])
{
    size_t len = 0;
    for (size_t i = 0; i < count && len < TLS_RECORD; i++) {
        size_t here = iov[i].iov_len > skip ? iov[i].iov_len - skip : 0;
        size_t n = here < TLS_RECORD - len ? here : TLS_RECORD - len;
        if (n)
            memcpy(out + len, (const char *)iov[i].iov_base + skip, n);
        skip -= skip < iov[i].iov_len ? skip : iov[i].iov_len;
        len += n;
    }
    return len;
}

/* A record that the socket did not take whole is inside OpenSSL and counts as not sent; the next call must begin with
 * at least the same bytes, which it does: callers keep their position. */
ssize_t tls_send_pieces(struct http_connection *c, const struct iovec *iov, size_t count)
{
    char record[TLS_RECORD];
    size_t sent = 0;
    if (count == 1)
        return tls_send(c, iov->iov_base, iov->iov_len);
    for (;;) {
        size_t len = gather(iov, count, sent, record);
        if (len == 0)
            return (ssize_t)sent;
        ssize_t n = tls_send(c, record, len);
        if (n <= 0)
            return sent ? (ssize_t)sent : n;
        sent += (size_t)n;
    }
}

ssize_t tls_send_file(struct http_connection *c, int fd, uint64_t *offset, size_t len)
{
    static _Thread_local char piece[TLS_PIECE];
    ssize_t n = pread(fd, piece, len < TLS_PIECE ? len : TLS_PIECE, (off_t)*offset);
    if (n <= 0)
        return IO_END; /* the file is shorter than its source said, or cannot be read: the client sees a short body */
    ssize_t sent = tls_send(c, piece, (size_t)n);
    *offset += sent > 0 ? (uint64_t)sent : 0;
    return sent;
}

void tls_end(struct http_connection *c, bool orderly)
{
    if (!c->tls)
        return;
    ERR_clear_error();
    if (orderly && !c->tls_broken && SSL_is_init_finished(c->tls))
        (void)SSL_shutdown(c->tls); /* close_notify goes out if the socket takes it; the length says the rest */
    SSL_free(TAKE_PTR(c->tls));
    ERR_clear_error();
    c->tls_waits = 0;
}

uint32_t tls_events(const struct http_connection *c, uint32_t events)
{
    if (c->tls_waits)
        return c->tls_waits;
    /* Input that is inside already makes no socket readable; a writable one wakes its reader as well. When there is
     * less than a record of it, the reader says IO_AGAIN, and the line above holds. */
    return events & EPOLLIN && SSL_has_pending(c->tls) ? events | EPOLLOUT : events;
}

bool tls_pending(const struct http_connection *c)
{
    return SSL_has_pending(c->tls);
}
