// An identity provider that does as it is told: which keys it publishes, whether it answers, and what it signs. For the
// faults that a real one does not have; tests with real ones stand beside (providers.test.mjs).
import crypto from 'node:crypto';
import http from 'node:http';

const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export class ScriptedProvider {
  constructor() {
    this.keys = [];
    this.fetches = 0;
    this.isAway = false;
    this.server = http.createServer((request, response) => this.answer(request, response));
  }

  async start(t) {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => {
      this.server.closeAllConnections();
      this.server.close(resolve);
    }));
    this.issuer = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  answer(request, response) {
    if (this.isAway) {
      request.socket.destroy();
      return;
    }
    const isKeys = request.url === '/keys';
    this.fetches += isKeys;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(isKeys ? { keys: this.keys.map(({ jwk }) => jwk) } : { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` }));
  }

  /** A new key, published from the next fetch on; with only, in the place of all others. */
  addKey(kid, { only = false } = {}) {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { kid, publicKey, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' } };
    this.keys = only ? [key] : [...this.keys, key];
    return key;
  }

  claims(audience, subject) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.issuer, aud: audience, oid: subject, sub: subject, name: 'Somebody', iat: now, nbf: now, exp: now + 600 };
  }

  /** Signs whatever it is given: claims as an object or as JSON text. */
  sign(key, claims, header = {}) {
    const text = `${base64({ typ: 'JWT', alg: 'ES256', kid: key.kid, ...header })}.${base64(claims)}`;
    return `${text}.${crypto.sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}

/** A token of any parts, signed by fn(text) or not at all. */
export function forge(header, claims, sign = () => '') {
  const text = `${base64(header)}.${base64(claims)}`;
  return `${text}.${sign(text)}`;
}
