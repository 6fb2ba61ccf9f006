// The flows of the built-in identity provider besides the login page: device code, refresh, log-out, discovery, audit.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { postForm, send, startTree, until } from './harness.mjs';
import { allowDevice, authorizeUrl, discover, logIn, nextPage, openPage, pkce, postLogin, typeCode } from './lib/login.mjs';

const REDIRECT = 'http://127.0.0.1:54321/callback';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const scopeOf = (workspace) => `${workspace.scope.replace('/.default', '/user_impersonation')} openid profile offline_access`;

/** A program that cannot show a page. */
class Device {
  constructor(about, client_id = 'airlock-cli') {
    Object.assign(this, { about, client_id });
  }
  async begin(scope) {
    const answer = await postForm(this.about.device_authorization_endpoint, { client_id: this.client_id, scope });
    assert.equal(answer.status, 200, answer.text);
    this.codes = answer.body;
    return this.codes;
  }
  poll(change = {}) {
    return postForm(this.about.token_endpoint, { grant_type: DEVICE, client_id: this.client_id, device_code: this.codes.device_code, ...change });
  }
  allow(person) {
    return allowDevice(this.codes.verification_uri, this.codes.user_code, person.account.name, person.password);
  }
  /** From nothing to tokens. */
  async tokens(scope, person) {
    await this.begin(scope);
    await this.allow(person);
    const answer = await this.poll();
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  }
  refresh(refresh_token, change = {}) {
    return postForm(this.about.token_endpoint, { grant_type: 'refresh_token', client_id: this.client_id, refresh_token, ...change });
  }
}

const audit = async (tree) => (await tree.as('admin').ok('GET', '/admin/audit?limit=500')).entries;
const restartIdp = async (tree) => {
  tree.kill('airlock-idp');
  await until('the provider to come back', async () => (await send('GET', `${tree.ready.issuer.replace(/\/[^/]+\/v2\.0$/, '')}/healthz`).catch(() => ({}))).status === 200);
};

test('device code: a program without a browser signs in', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const alice = tree.as('alice');
  const device = new Device(about);

  await t.test('the whole way, and the token works', async () => {
    const codes = await device.begin(scopeOf(tree.first));
    assert.match(codes.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    assert.equal(codes.verification_uri, `${about.issuer.replace('/v2.0', '')}/device`);
    assert.equal(codes.verification_uri_complete, `${codes.verification_uri}?user_code=${codes.user_code}`);
    assert.ok(codes.message.includes(codes.user_code) && codes.message.includes(codes.verification_uri));
    assert.ok(codes.interval >= 5 && codes.expires_in > 0);
    assert.equal((await device.poll()).body.error, 'authorization_pending');
    assert.equal((await device.poll()).body.error, 'slow_down');
    await device.begin(scopeOf(tree.first));
    await device.allow(alice);
    const answer = await device.poll({ grant_type: 'device_code' });
    assert.equal(answer.status, 200, answer.text);
    const { body } = answer;
    assert.deepEqual(claimsOf(body.access_token).roles, ['WorkspaceResearcher']);
    assert.equal(claimsOf(body.id_token).aud, 'airlock-cli');
    assert.ok(body.refresh_token && body.client_info && body.scope.includes('api://'));
    const list = await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, { token: body.access_token });
    assert.equal(list.status, 200);
    assert.equal((await device.poll()).body.error, 'invalid_grant', 'once');
    assert.equal((await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, { token: body.id_token })).status, 401, 'an id token opens nothing');
  });
  await t.test('no is no', async () => {
    const { verification_uri, user_code } = await device.begin(scopeOf(tree.first));
    const page = await typeCode(verification_uri, user_code);
    assert.match(page.page.text, /airlock command line/);
    assert.ok(page.page.text.includes(user_code));
    const answer = await postForm(page.action, { ...page.fields, deny: '1' }, { cookie: page.cookie });
    assert.match(answer.text, /Denied/);
    assert.equal((await device.poll()).body.error, 'access_denied');
  });
  await t.test('who is signed in needs a click', async () => {
    await device.begin(scopeOf(tree.first));
    const done = await device.allow(alice);
    const session = done.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
    const { verification_uri, user_code } = await device.begin(scopeOf(tree.first));
    const opened = await openPage(`${verification_uri}?user_code=${user_code}`, { cookie: session });
    assert.ok(opened.page.text.includes(`value="${user_code}"`), 'the code is filled in');
    const cookie = `${opened.cookie}; ${session}`;
    const asked = await postForm(opened.action, { ...opened.fields, user_code }, { cookie });
    assert.match(asked.text, /<strong>alice<\/strong>/);
    const page = nextPage({ ...opened, cookie }, asked);
    const answer = await postForm(page.action, { ...page.fields, continue: '1' }, { cookie: page.cookie });
    assert.match(answer.text, /Done/);
    assert.equal((await device.poll()).status, 200);
  });
  await t.test('the core application is a public client too', async () => {
    const { api_client_id } = (await send('GET', `${tree.ready.api}/api/.metadata`)).body;
    const core = new Device(about, api_client_id);
    const tokens = await core.tokens(`${tree.ready.api_scope.replace('/.default', '/user_impersonation')} offline_access openid`, alice);
    assert.equal(claimsOf(tokens.id_token).aud, api_client_id);
    assert.equal((await alice.call('GET', '/workspaces', undefined, { token: tokens.access_token })).status, 200);
    assert.equal((await alice.call('GET', '/workspaces', undefined, { token: tokens.id_token })).status, 401, 'an id token opens nothing, though its audience is core\'s');
  });
  await t.test('refusals', async () => {
    const endpoint = about.device_authorization_endpoint;
    for (const [fields, status, error] of [
      [{ client_id: 'unknown', scope: scopeOf(tree.first) }, 401, 'invalid_client'],
      [{ client_id: alice.account.client_id, client_secret: alice.account.client_secret, scope: scopeOf(tree.first) }, 401, 'invalid_client'],
      [{ client_id: 'airlock-cli', scope: 'nonsense' }, 400, 'invalid_scope'], [{ scope: scopeOf(tree.first) }, 400, 'invalid_request'],
    ]) {
      const answer = await postForm(endpoint, fields);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.error, error);
    }
    await device.begin(scopeOf(tree.first));
    assert.equal((await device.poll({ device_code: 'x' })).body.error, 'invalid_grant');
    assert.equal((await device.poll({ client_id: 'airlock-web' })).body.error, 'invalid_grant');
  });
  await t.test('guessing codes is slowed down', async () => {
    const { verification_uri } = await device.begin(scopeOf(tree.first));
    const opened = await openPage(verification_uri);
    const seen = new Set();
    let last;
    for (let i = 0; i < 30 && !seen.has(429); i++) {
      last = await postForm(opened.action, { ...opened.fields, user_code: 'BBBB-BBBB' }, { cookie: opened.cookie });
      seen.add(last.status);
    }
    assert.deepEqual([...seen], [403, 429]);
    assert.ok(Number(last.headers['retry-after']) > 0);
  });
});

test('refresh tokens turn, and a spent one ends them all', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const [alice, bob] = [tree.as('alice'), tree.as('bob')];
  const device = new Device(about);
  const first = await device.tokens(scopeOf(tree.first), alice);

  const second = (await device.refresh(first.refresh_token, { scope: `${tree.ready.api_scope} offline_access openid profile` })).body;
  assert.equal(claimsOf(second.access_token).aud, (await send('GET', `${tree.ready.api}/api/.metadata`)).body.api_client_id, 'another resource by the same token');
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await device.refresh(first.refresh_token)).body.refresh_token, second.refresh_token, 'an answer that was lost');
  const third = (await device.refresh(second.refresh_token)).body;
  assert.ok(third.access_token && third.id_token, 'without a scope: that of the start');
  assert.equal((await device.refresh(third.refresh_token, { scope: 'api://nowhere/.default' })).body.error, 'invalid_scope');
  assert.equal((await device.refresh(third.refresh_token, { client_id: 'airlock-web' })).body.error, 'invalid_grant');
  assert.equal((await device.refresh(first.refresh_token)).body.error, 'invalid_grant', 'spent');
  assert.equal((await device.refresh(third.refresh_token)).body.error, 'invalid_grant', 'and its family is dead');

  // A restart revives nothing and kills nothing.
  const kept = await device.tokens(scopeOf(tree.first), alice);
  await restartIdp(tree);
  const next = (await device.refresh(kept.refresh_token)).body;
  assert.ok(next.refresh_token);
  await restartIdp(tree);
  assert.equal((await device.refresh(kept.refresh_token)).body.error, 'invalid_grant');
  assert.equal((await device.refresh(next.refresh_token)).body.error, 'invalid_grant');

  // Given back.
  const given = await device.tokens(scopeOf(tree.first), bob);
  const revoke = (token, client_id = 'airlock-cli') => postForm(about.revocation_endpoint, { token, client_id });
  assert.equal((await revoke(given.refresh_token, 'airlock-web')).status, 400);
  assert.equal((await revoke(given.refresh_token)).status, 200);
  assert.equal((await revoke(given.refresh_token)).status, 200);
  assert.equal((await device.refresh(given.refresh_token)).body.error, 'invalid_grant');

  // Never for programs with a secret.
  const { client_id, client_secret } = alice.account;
  const app = await postForm(about.token_endpoint, { grant_type: 'client_credentials', client_id, client_secret, scope: `${tree.first.scope} offline_access` });
  assert.equal(app.status, 200, app.text);
  assert.equal(app.body.refresh_token, undefined);

  const entries = await audit(tree);
  const about_ = (kind, name) => entries.some((entry) => entry.kind === kind && JSON.stringify(entry).includes(claimsOf(name).oid));
  assert.ok(about_('login.token_reused', first.access_token));
  assert.ok(about_('login.token_revoked', given.access_token));
  assert.ok(about_('login.device', first.access_token));
  assert.ok(entries.some((entry) => entry.kind === 'login' && JSON.stringify(entry).includes('client secret')));
});

test('log-out ends the session and what came of it', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const alice = tree.as('alice');
  const proof = pkce();
  const asked = { client_id: 'airlock-cli', redirect_uri: REDIRECT, scope: scopeOf(tree.first), code_challenge: proof.challenge };

  /** A browser that is signed in, and a program's tokens. */
  const signIn = async () => {
    const answer = await postLogin(await openPage(authorizeUrl(about.authorization_endpoint, asked)), 'alice', alice.password);
    const cookie = answer.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
    const code = new URL(answer.headers.location).searchParams.get('code');
    const tokens = await postForm(about.token_endpoint, { grant_type: 'authorization_code', client_id: 'airlock-cli', code, redirect_uri: REDIRECT, code_verifier: proof.verifier });
    assert.equal(tokens.status, 200, tokens.text);
    return { cookie, tokens: tokens.body };
  };
  const refresh = (tokens) => new Device(about).refresh(tokens.refresh_token);
  const isKnown = async (cookie) => (await openPage(authorizeUrl(about.authorization_endpoint, asked), { cookie })).page.text.includes('<strong>alice</strong>');
  const logoutUrl = (fields) => `${about.end_session_endpoint}?${new URLSearchParams(fields)}`;

  const one = await signIn();
  const other = await signIn();
  assert.ok(await isKnown(one.cookie));
  // Another site cannot: it brings no id token of this session, and gets a question.
  const question = await send('GET', logoutUrl({ post_logout_redirect_uri: REDIRECT, client_id: 'airlock-cli' }), { headers: { cookie: one.cookie } });
  assert.match(question.text, /<form/);
  const foreign = await send('GET', logoutUrl({ id_token_hint: other.tokens.id_token }), { headers: { cookie: one.cookie } });
  assert.match(foreign.text, /<form/, 'an id token of another session is asked about too');
  assert.ok(await isKnown(one.cookie));

  const done = await send('GET', logoutUrl({ id_token_hint: one.tokens.id_token, post_logout_redirect_uri: REDIRECT, state: 'a&b' }), { headers: { cookie: one.cookie } });
  assert.equal(done.status, 303);
  assert.equal(done.headers.location, `${REDIRECT}?state=a%26b`);
  assert.ok(!(await isKnown(one.cookie)), 'the cookie counts no more');
  assert.equal((await refresh(one.tokens)).body.error, 'invalid_grant');
  assert.equal((await refresh(other.tokens)).status, 200, 'the other session lives');

  // By the form, and to nowhere that is not registered.
  const opened = await openPage(logoutUrl({ post_logout_redirect_uri: 'https://evil.example/', client_id: 'airlock-cli' }), { cookie: other.cookie });
  const cookie = `${opened.cookie}; ${other.cookie}`;
  const ended = await postForm(opened.action, { ...opened.fields, logout: '1' }, { cookie });
  assert.equal(ended.status, 200, ended.text);
  assert.match(ended.text, /signed out/);
  assert.ok(!(await isKnown(other.cookie)));
  assert.ok((await audit(tree)).filter((entry) => entry.kind === 'logout').length >= 2);
});

test('discovery as Azure\'s clients want it, under both names of the tenant', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const root = about.issuer.replace(/\/[^/]+\/v2\.0$/, '');
  for (const suffix of ['/v2.0/.well-known/openid-configuration', '/.well-known/openid-configuration']) {
    const alias = (await send('GET', `${root}/adfs${suffix}`)).body;
    assert.equal(alias.issuer, about.issuer, 'tokens say one issuer');
    for (const [name, value] of Object.entries(alias)) {
      if (!/_endpoint$|_uri$/.test(name)) continue;
      assert.ok(value.startsWith(`${root}/adfs/`), `${name} ${value}`);
      assert.equal(value.replace('/adfs/', '/'), about[name].replace(`${about.issuer.replace('/v2.0', '')}/`, `${root}/`));
    }
  }
  assert.ok(about.grant_types_supported.includes(DEVICE) && about.grant_types_supported.includes('refresh_token'));
  const { client_id, client_secret } = tree.as('alice').account;
  const token = await postForm(`${root}/adfs/oauth2/v2.0/token`, { grant_type: 'client_credentials', client_id, client_secret, scope: tree.first.scope });
  assert.equal(claimsOf(token.body.access_token).iss, about.issuer);

  const instance = (endpoint) => send('GET', `${root}/common/discovery/instance?${new URLSearchParams({ 'api-version': '1.1', authorization_endpoint: endpoint })}`);
  const known = (await instance(about.authorization_endpoint)).body;
  assert.equal((await send('GET', known.tenant_discovery_endpoint)).body.token_endpoint, about.token_endpoint);
  assert.ok(known.metadata[0].aliases.includes(new URL(root).host));
  for (const other of ['https://login.microsoftonline.com/x/oauth2/v2.0/authorize', `${root}.evil.example/x`, '']) {
    assert.equal((await instance(other)).body.error, 'invalid_instance');
  }
  for (const wrong of ['/adfs', '/adfsx/oauth2/v2.0/token', '/other/v2.0/.well-known/openid-configuration', '/oauth2/v2.0/token', '/adfs/healthz']) {
    assert.equal((await send('GET', `${root}${wrong}`)).status, 404, wrong);
  }
});

test('log-ins are on record before they count', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const alice = tree.as('alice');
  const asked = { client_id: 'airlock-cli', redirect_uri: REDIRECT, scope: scopeOf(tree.first), code_challenge: pkce().challenge };
  await logIn(authorizeUrl(about.authorization_endpoint, asked), 'alice', alice.password);
  const opened = await openPage(authorizeUrl(about.authorization_endpoint, asked));
  for (let i = 0; i < 6; i++) await postLogin(opened, 'dave', `wrong ${i}`);
  const entries = await audit(tree);
  const login = entries.find((entry) => entry.kind === 'login' && JSON.stringify(entry).includes('"password"'));
  assert.ok(login && JSON.stringify(login).includes('airlock-cli') && JSON.stringify(login).includes('127.0.0.1'));
  const refused = entries.filter((entry) => entry.kind === 'refused' && JSON.stringify(entry).includes('idp.event'));
  assert.ok(refused.length >= 1 && refused.length <= 3, 'counted, not one row a try');
  assert.ok(entries.some((entry) => entry.kind === 'login.locked'));

  // Core stands still: nobody is given anything.
  const core = tree.find('airlock-core').pid;
  process.kill(core, 'SIGSTOP');
  const { client_id, client_secret } = alice.account;
  const answer = postForm(about.token_endpoint, { grant_type: 'client_credentials', client_id, client_secret, scope: tree.first.scope });
  assert.equal(await Promise.race([answer, sleep(1000)]), undefined, 'no token while core has not recorded it');
  process.kill(core, 'SIGCONT');
  assert.equal((await answer).status, 200);
});

test('T54 no token, code or password in a query or a log; forms of other sites are refused', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const alice = tree.as('alice');
  const proof = pkce();
  const asked = { client_id: 'airlock-cli', redirect_uri: REDIRECT, scope: scopeOf(tree.first), code_challenge: proof.challenge };
  const device = new Device(about);
  const tokens = await device.tokens(scopeOf(tree.first), alice);
  const code = (await logIn(authorizeUrl(about.authorization_endpoint, asked), 'alice', alice.password)).searchParams.get('code');
  const next = (await device.refresh(tokens.refresh_token)).body;

  await t.test('a token counts in the Authorization header alone', async () => {
    const url = `${tree.ready.api}/api/workspaces/${tree.first.id}/requests`;
    for (const query of [`access_token=${tokens.access_token}`, `token=${tokens.access_token}`, `authorization=Bearer%20${tokens.access_token}`]) {
      assert.equal((await send('GET', `${url}?${query}`)).status, 401);
    }
    assert.equal((await send('GET', url, { headers: { cookie: `access_token=${tokens.access_token}` } })).status, 401);
    for (const endpoint of [about.token_endpoint, about.revocation_endpoint, about.device_authorization_endpoint]) {
      assert.equal((await send('GET', `${endpoint}?grant_type=refresh_token&client_id=airlock-cli&refresh_token=x&token=x`)).status, 405);
    }
  });
  await t.test('cross-site forms: log-in, device, log-out', async () => {
    const login = await openPage(authorizeUrl(about.authorization_endpoint, asked));
    const codePage = await openPage((await device.begin(scopeOf(tree.first))).verification_uri);
    const allow = await typeCode(device.codes.verification_uri, device.codes.user_code);
    const logout = await openPage(about.end_session_endpoint);
    const password = { username: 'alice', password: alice.password };
    const forms = [[login, password], [codePage, { user_code: device.codes.user_code }], [allow, password], [logout, { logout: '1' }]];
    for (const [opened, fields] of forms) {
      const all = { ...opened.fields, ...fields };
      for (const [what, body, headers] of [
        ['no cookie', all, {}],
        ['another browser', all, { cookie: `airlock_browser=${crypto.randomBytes(16).toString('hex')}` }],
        ['cross-site', all, { cookie: opened.cookie, 'sec-fetch-site': 'cross-site' }],
        ['same-site', all, { cookie: opened.cookie, 'sec-fetch-site': 'same-site' }],
        ['a form of another page', { ...all, ticket: forms.find(([other]) => other !== opened)[0].fields.ticket }, { cookie: opened.cookie }],
      ]) {
        const answer = await postForm(opened.action, body, headers);
        assert.equal(answer.status, 400, `${opened.action}: ${what}`);
        assert.equal(answer.headers['set-cookie'], undefined, what);
      }
      for (const header of opened.page.headers['set-cookie']) assert.match(header, /HttpOnly; SameSite=Strict/);
      assert.match(opened.page.headers['content-security-policy'], /frame-ancestors 'none'/);
    }
    assert.equal((await device.poll()).body.error, 'authorization_pending', 'nobody has allowed it');
  });
  await t.test('the log and the journal name no secret', () => {
    const journal = fs.readdirSync(path.join(tree.dir, 'idp')).filter((name) => name.includes('.refresh.'));
    assert.equal(journal.length, 2);
    const kept = [tree.log(), ...journal.map((name) => fs.readFileSync(path.join(tree.dir, 'idp', name), 'utf8'))].join('\n');
    for (const secret of [tokens.access_token, tokens.id_token, tokens.refresh_token, next.refresh_token, code, proof.verifier, alice.password,
      alice.account.client_secret, device.codes.device_code, device.codes.user_code]) {
      assert.ok(secret && !kept.includes(secret), 'a secret is kept in clear');
    }
  });
});
