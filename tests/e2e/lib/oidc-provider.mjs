// An external OpenID Connect provider for tests: npm's oidc-provider in this process, with its own pages for log-in and
// consent. Access tokens are JWTs for the resource that was asked for (RFC 8707).
import crypto from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import { errors, Provider } from 'oidc-provider';
import { Visitor } from './visitor.mjs';

const KEY_TYPES = { RS256: ['rsa', { modulusLength: 2048 }], PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
let made = 0;

function newKey(alg) {
  const [type, options] = KEY_TYPES[alg];
  const { privateKey } = crypto.generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: `key-${++made}` };
}

export class ExternalProvider {
  /** resources: { RESOURCE: scope }; audience: (resource) → what its tokens say; claims: (audience, who) → claims of an access token besides the standard's. */
  constructor({ alg = 'RS256', resources = {}, audience = (resource) => resource, claims = () => ({}), people = [], programs = [], authMethods, life = 3600, certificate }) {
    Object.assign(this, { alg, resources, audience, claims, people, programs, authMethods, life, certificate });
    this.keys = [newKey(alg)]; // the first one signs
  }

  #configuration() {
    const scopes = [...new Set(Object.values(this.resources).flatMap((scope) => scope.split(' ')))];
    const info = (ctx, resource) => {
      if (!(resource in this.resources)) throw new errors.InvalidTarget();
      return { scope: this.resources[resource], audience: this.audience(resource), accessTokenFormat: 'jwt', accessTokenTTL: this.life, jwt: { sign: { alg: this.alg } } };
    };
    // Who names no resource gets that of the scope, as at Entra.
    const byScope = (ctx) => Object.keys(this.resources).find((resource) => ctx.oidc.params?.scope?.split(' ').includes(this.resources[resource]));
    return {
      jwks: { keys: this.keys },
      ...(this.authMethods ? { clientAuthMethods: this.authMethods } : {}),
      scopes: ['openid', 'offline_access', 'profile', ...scopes],
      claims: { openid: ['sub'], profile: ['name'] },
      cookies: { keys: ['a test signs its cookies'] },
      clientDefaults: { id_token_signed_response_alg: this.alg },
      clients: [
        { client_id: 'airlock-cli', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: ['authorization_code', 'refresh_token', DEVICE], response_types: ['code'] },
        ...this.programs.map(({ id, secret, method = 'client_secret_basic' }) => ({ client_id: id, client_secret: secret, token_endpoint_auth_method: method,
          grant_types: ['client_credentials'], redirect_uris: [], response_types: [] })),
      ],
      features: {
        clientCredentials: { enabled: true }, deviceFlow: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: true },
        resourceIndicators: { enabled: true, getResourceServerInfo: info, defaultResource: (ctx, client, one) => one ?? byScope(ctx), useGrantedResource: () => true },
      },
      findAccount: (ctx, id) => this.people.includes(id) && { accountId: id, claims: () => ({ sub: id, name: id }) },
      extraTokenClaims: (ctx, token) => this.claims(token.aud, token.accountId ?? token.clientId),
      rotateRefreshToken: true,
      ttl: { ClientCredentials: this.life, AccessToken: this.life, DeviceCode: 120, RefreshToken: 86_400, Grant: 86_400, Interaction: 3600, Session: 3600, IdToken: 3600 },
      pkce: { required: () => true },
    };
  }

  #begin() {
    const provider = new Provider(this.issuer, this.#configuration());
    this.failures = [];
    provider.on('server_error', (ctx, error) => this.failures.push(error));
    this.requests = [];
    provider.on('grant.error', (ctx, error) => this.requests.push(`${ctx.oidc?.params?.grant_type} ${error.error}`));
    provider.on('grant.success', (ctx) => this.requests.push(`${ctx.oidc.params.grant_type} ok`));
    this.callback = provider.callback();
  }

  async listen(port) {
    const handler = (request, response) => this.callback(request, response);
    this.server = this.certificate
      ? https.createServer({ cert: fs.readFileSync(this.certificate.certificateFile), key: fs.readFileSync(this.certificate.keyFile) }, handler)
      : http.createServer(handler);
    await new Promise((resolve) => this.server.listen(port ?? 0, '127.0.0.1', resolve));
    this.issuer = `${this.certificate ? 'https' : 'http'}://127.0.0.1:${this.server.address().port}`;
    this.#begin();
    return this;
  }

  /** Serves these resources from now on. */
  offer(resources) {
    this.resources = resources;
    this.#begin();
  }

  /** Signs with a new key from now on; the old one stays published unless it is to be forgotten. */
  rotate({ forget = false } = {}) {
    this.keys = [newKey(this.alg), ...(forget ? [] : this.keys)];
    this.#begin();
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What a person does with an address that a log-in shows them: enters the code, logs in, consents. */
  visit(url, person, { userCode, until, ca } = {}) {
    return new Visitor({ ca }).walk(url, { user_code: userCode, login: person, password: 'x' }, { until });
  }
}

/** A running provider that ends with the test t. */
export async function startOidcProvider(t, options) {
  const provider = await new ExternalProvider(options).listen();
  t.after(() => provider.close());
  return provider;
}
