// An external OpenID Connect provider for tests: Debian's Glewlwyd, with a database, a configuration and a key of its own
// in a temporary directory, set up through its administration's API as an operator would. Never Debian's service.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { form, send } from './http.mjs';
import { runOk } from './run.mjs';
import { freePortBase, until } from './tree.mjs';

const SCHEMA = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz';
const MODULES = '/usr/lib/glewlwyd';
const PLUGIN = 'oidc';
const ADMIN = { username: 'admin', password: 'password' }; // of Debian's schema
const ADMIN_LOGIN_MS = 5 * 60_000;

function configuration({ port, database }) {
  const modules = ['user', 'user_middleware', 'client', 'plugin'].map((kind) => `${kind}_module_path="${MODULES}/${kind}"`);
  return [`port=${port}`, 'bind_address="127.0.0.1"', `external_url="http://127.0.0.1:${port}"`, 'login_url="login.html"', 'api_prefix="api"',
    'cookie_domain=""', 'cookie_secure=0', 'log_mode="console"', 'log_level="WARNING"', 'hash_algorithm="SHA512"',
    'admin_scope="g_admin"', 'profile_scope="g_profile"', ...modules, `user_auth_scheme_module_path="${MODULES}/scheme"`,
    `database={ type="sqlite3" path="${database}" };`].join('\n');
}

const KEY_KINDS = { RS256: ['rsa', ['rsa', { modulusLength: 2048 }]], PS256: ['rsa-pss', ['rsa', { modulusLength: 2048 }]], ES256: ['ecdsa', ['ec', { namedCurve: 'P-256' }]] };

export class Glewlwyd {
  /** people: { name, password, claims }, programs: { id, secret, claims }; claims are roles, groups and oid of their tokens. */
  constructor({ dir, port, alg = 'RS256', scope = 'airlock', resource = 'https://airlock.example.org', people = [], programs = [], life = 3600 }) {
    Object.assign(this, { dir, port, alg, scope, resource, people, programs, life });
    this.issuer = `http://127.0.0.1:${port}/api/${PLUGIN}`;
    this.logFile = path.join(dir, 'glewlwyd.log');
  }

  async start() {
    const database = path.join(this.dir, 'glewlwyd.db');
    const file = path.join(this.dir, 'glewlwyd.conf');
    fs.mkdirSync(this.dir, { recursive: true });
    await runOk('sqlite3', [database], { input: zlib.gunzipSync(fs.readFileSync(SCHEMA)) });
    fs.writeFileSync(file, configuration({ port: this.port, database }));
    const log = fs.openSync(this.logFile, 'a');
    this.child = spawn('glewlwyd', ['--config-file', file], { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.exit = new Promise((resolve) => this.child.once('exit', resolve));
    await until('Glewlwyd to answer', () => send('GET', `http://127.0.0.1:${this.port}/config/`).catch(() => null));
    await this.#setUp();
    return this;
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.exit;
  }

  log() {
    return fs.readFileSync(this.logFile, 'utf8');
  }

  async #logIn(username, password) {
    const answer = await send('POST', `http://127.0.0.1:${this.port}/api/auth/`, { body: { username, password } });
    assert.equal(answer.status, 200, `${username} logs in: ${answer.status} ${answer.text} ${this.log()}`);
    return answer.headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
  }

  async #admin(method, at, body) {
    if (!this.admin || this.admin.until < Date.now()) this.admin = { cookie: await this.#logIn(ADMIN.username, ADMIN.password), until: Date.now() + ADMIN_LOGIN_MS };
    const answer = await send(method, `http://127.0.0.1:${this.port}/api/${at}`, { headers: { cookie: this.admin.cookie }, body });
    assert.equal(answer.status, 200, `${method} ${at}: ${answer.status} ${answer.text}\n${this.log()}`);
    return answer.body;
  }

  #parameters() {
    const [type, [kind, options]] = KEY_KINDS[this.alg];
    const { privateKey, publicKey } = crypto.generateKeyPairSync(kind, options);
    const on = ['allow-non-oidc', 'auth-type-code-enabled', 'auth-type-client-enabled', 'auth-type-device-enabled', 'auth-type-refresh-enabled',
      'jwks-show', 'pkce-allowed', 'refresh-token-rolling', 'introspection-revocation-allowed', 'introspection-revocation-allow-target-client', 'resource-allowed'];
    const claims = ['roles', 'groups', 'name', 'email', 'oid'];
    return {
      ...Object.fromEntries(on.map((name) => [name, true])),
      iss: this.issuer, 'jwt-type': type, 'jwt-key-size': '256', key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: publicKey.export({ type: 'spki', format: 'pem' }),
      'access-token-duration': this.life, 'refresh-token-duration': 86_400, 'code-duration': 600, 'refresh-token-one-use': 'always', 'subject-type': 'public',
      'device-authorization-expiration': 120, 'device-authorization-interval': 2, 'allowed-scope': ['openid', 'offline_access', 'profile', this.scope],
      'resource-scope': { [this.scope]: [this.resource] }, 'resource-client-property': 'resource', 'resource-scope-and-client-property': false,
      'additional-parameters': claims.map((name) => ({ 'user-parameter': name, 'client-parameter': name, 'token-parameter': name })),
    };
  }

  async #setUp() {
    const property = (multiple) => ({ multiple, read: true, write: true, 'profile-read': true });
    for (const kind of ['user', 'client']) {
      const module = await this.#admin('GET', `mod/${kind}/database`);
      for (const name of ['roles', 'groups']) module.parameters['data-format'][name] = property(true);
      module.parameters['data-format'].oid = property(false);
      await this.#admin('PUT', `mod/${kind}/database`, module);
      await this.#admin('PUT', `mod/${kind}/database/reset/`);
    }
    for (const name of ['offline_access', 'profile', this.scope]) await this.#admin('POST', 'scope/', { name, display_name: name, password_required: false });
    for (const { name, password, claims } of this.people) {
      await this.#admin('POST', 'user/?source=database', { username: name, name, password, email: `${name}@example.org`, enabled: true,
        scope: ['openid', 'offline_access', 'profile', 'g_profile', this.scope], ...claims });
    }
    await this.#admin('POST', 'client/?source=database', { client_id: 'airlock-cli', name: 'airlock', enabled: true, confidential: false,
      authorization_type: ['code', 'device_authorization', 'refresh_token'], redirect_uri: ['http://127.0.0.1/callback'], scope: [], token_endpoint_auth_method: ['none'] });
    for (const { id, secret, claims } of this.programs) {
      await this.#admin('POST', 'client/?source=database', { client_id: id, name: id, client_secret: secret, enabled: true, confidential: true,
        authorization_type: ['client_credentials'], scope: [this.scope], token_endpoint_auth_method: ['client_secret_basic', 'client_secret_post'], ...claims });
    }
    await this.#admin('POST', 'mod/plugin/', { module: 'oidc', name: PLUGIN, display_name: 'OpenID Connect', order_rank: 0, parameters: this.#parameters() });
  }

  /** Changes what stands about a person, such as { groups: [...] }. */
  async change(name, claims) {
    const known = await this.#admin('GET', `user/${name}`);
    await this.#admin('PUT', `user/${name}?source=database`, { ...known, ...claims });
  }

  /** Signs with a new key from now on; the old one is forgotten. */
  async rotate() {
    await this.#admin('PUT', `mod/plugin/${PLUGIN}`, { module: 'oidc', name: PLUGIN, display_name: 'OpenID Connect', order_rank: 0, parameters: this.#parameters() });
    await this.#admin('PUT', `mod/plugin/${PLUGIN}/reset/`);
  }

  /** What a person does with the address that a log-in by code shows: logs in, consents, enters the code. */
  async visit(url, person, { userCode }) {
    const { name, password } = this.people.find((known) => known.name === person);
    const cookie = await this.#logIn(name, password);
    const scope = ['openid', 'offline_access', 'profile', this.scope].join(' ');
    const granted = await send('PUT', `http://127.0.0.1:${this.port}/api/auth/grant/airlock-cli`, { headers: { cookie }, body: { scope } });
    assert.equal(granted.status, 200, granted.text);
    const answer = await send('GET', `${url}?${form({ code: userCode, g_continue: '' })}`, { headers: { cookie } });
    assert.match(answer.headers.location ?? '', /prompt=deviceComplete/, `${answer.status} ${answer.text} ${answer.headers.location}`);
  }
}

/** A running Glewlwyd that ends with the test t. */
export async function startGlewlwyd(t, dir, options) {
  const provider = new Glewlwyd({ dir, port: await freePortBase(), ...options });
  t.after(() => provider.stop());
  return provider.start();
}
