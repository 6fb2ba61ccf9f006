/* What a provider says of itself (OpenID Connect Discovery 1.0 §4), and which addresses of it are believed. Pure; part
 * of airlock-jwks. */
#ifndef AIRLOCK_JWKS_DOCUMENT_H
#define AIRLOCK_JWKS_DOCUMENT_H

#include "base/error.h"
#include "base/json.h"

#define DOCUMENT_URL_MAX 2048
#define DOCUMENT_MAX (256 * 1024) /* bytes of a discovery document or a key set */

/* "{issuer}/.well-known/openid-configuration"; the caller's. */
char *document_discovery_url(const char *issuer);

/* https, or http on loopback; no user name in it. E_CONFIG names the address. */
int document_check_url(const char *url, struct error *err) MUST_USE;

/* *ret_keys_url is the caller's. The document must be about this very issuer, byte by byte, and its jwks_uri on the
 * issuer's host and port: a provider that keeps its keys elsewhere is named by auth.jwks_url. E_PROTOCOL, E_CONFIG. */
int document_keys_url(const json_t *document, const char *issuer, char **ret_keys_url, struct error *err) MUST_USE;

/* Seconds of max-age in a Cache-Control header; 0 where there is none. */
int64_t document_max_age(const char *cache_control);

#endif
