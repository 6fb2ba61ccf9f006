/* Reading and checking the listeners' certificate. Runs in airlockd, by libcrypto alone: it speaks no TLS itself. */
#include "airlockd/certificate.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/crypto.h"
#include "base/file.h"

/* An encrypted key is refused; nobody is asked for its password. */
static int no_password(char *buffer UNUSED, int size UNUSED, int writing UNUSED, void *ctx UNUSED)
{
    return -1;
}

static BIO *memory(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    if (!bio)
        abort(); /* as xmalloc */
    return bio;
}

static int check_pair(struct certificate *c, const char *chain_file, const char *key_file, struct error *err)
{
    BIO *chain = memory(c->chain, c->chain_len);
    BIO *secret = memory(c->key, c->key_len);
    X509 *own = PEM_read_bio_X509(chain, NULL, no_password, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(secret, NULL, no_password, NULL);
    int rc = 0;

    if (!own)
        rc = error_set(err, E_CONFIG, "%s does not begin with a certificate in PEM form", chain_file);
    else if (!key)
        rc = error_set(err, E_CONFIG, "%s holds no private key in PEM form, or an encrypted one", key_file);
    else if (X509_check_private_key(own, key) != 1)
        rc = error_set(err, E_CONFIG, "The key in %s is not that of the certificate in %s", key_file, chain_file);
    else
        c->outdated =
            X509_cmp_current_time(X509_get0_notAfter(own)) < 0 || X509_cmp_current_time(X509_get0_notBefore(own)) > 0;
    X509_free(own);
    EVP_PKEY_free(key);
    BIO_free(chain);
    BIO_free(secret);
    ERR_clear_error();
    return rc;
}

static int read_chain(const char *file, struct certificate *c, struct error *err)
{
    AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC); /* links are usual here: whoever renews it moves them */
    if (fd < 0)
        return error_set_errno(err, E_CONFIG, "Cannot open the certificate %s", file);
    return file_read_fd(fd, file, CERTIFICATE_FILE_MAX, &c->chain, &c->chain_len, err);
}

int certificate_read(const struct settings *settings, struct certificate *ret, struct error *err)
{
    const char *chain_file = settings_text(settings, SETTING_TLS_CERTIFICATE_FILE);
    const char *key_file = settings_text(settings, SETTING_TLS_KEY_FILE);
    struct certificate c = {0};
    struct error why = {0};

    *ret = c;
    if (!settings_tls(settings))
        return 0;
    int rc = read_chain(chain_file, &c, &why);
    if (rc == 0)
        rc = file_read_secret(key_file, CERTIFICATE_FILE_MAX, &c.key, &c.key_len, &why);
    if (rc == 0)
        rc = check_pair(&c, chain_file, key_file, &why);
    if (rc != 0) {
        certificate_done(&c);
        return error_set(err, E_CONFIG, "%s", why.detail);
    }
    *ret = c;
    return 0;
}

void certificate_done(struct certificate *certificate)
{
    if (certificate->key)
        secret_wipe(certificate->key, certificate->key_len);
    free(certificate->key);
    free(certificate->chain);
    *certificate = (struct certificate){0};
}
