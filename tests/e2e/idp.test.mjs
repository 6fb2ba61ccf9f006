// The built-in identity provider, and the tokens that the API takes and refuses.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertProblem, inReview, postForm, send, startTree } from './harness.mjs';
import { authorizeUrl, discover, logIn, openPage, pkce, postLogin } from './lib/login.mjs';

const REDIRECT = 'http://127.0.0.1:54321/callback';
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const claimsOf = (token) => decode(token.split('.')[1]);
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

test('discovery, keys, and the client-credentials grant', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  assert.equal(about.issuer, tree.ready.issuer);
  assert.equal(about.token_endpoint, tree.ready.token_endpoint);
  assert.ok(about.code_challenge_methods_supported.includes('S256'));
  const keys = (await send('GET', about.jwks_uri)).body.keys;
  assert.ok(keys.length >= 1 && keys.every((key) => key.kty === 'RSA' && key.kid && !key.d), 'public keys only');

  const token = await tree.as('alice').token(tree.first.scope);
  const [head, body, signature] = token.split('.');
  const key = crypto.createPublicKey({ key: keys.find((k) => k.kid === decode(head).kid), format: 'jwk' });
  assert.ok(crypto.verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')));
  const claims = claimsOf(token);
  assert.equal(claims.iss, tree.ready.issuer);
  assert.deepEqual(claims.roles, ['WorkspaceResearcher']);
  assert.equal(claims.name, 'alice');
  assert.ok(claims.oid && claims.exp > Date.now() / 1000);
  assert.deepEqual(claimsOf(await tree.as('mallory').token(tree.first.scope)).roles, [], 'no roles where there are none');
  assert.ok(claimsOf(await tree.as('admin').token()).roles.includes('TREAdmin'));
  assert.ok(claimsOf(await tree.as('alice').token()).roles.includes('TREUser'));

  const { client_id, client_secret } = tree.as('alice').account;
  const grant = { grant_type: 'client_credentials', client_id, client_secret, scope: tree.first.scope };
  for (const [change, status, error] of [
    [{ client_secret: 'wrong' }, 401, 'invalid_client'], [{ client_id: crypto.randomUUID() }, 401, 'invalid_client'],
    [{ scope: `api://${crypto.randomUUID()}/.default` }, 400, 'invalid_scope'], [{ scope: '' }, 400, 'invalid_scope'],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ]) {
    const answer = await postForm(tree.ready.token_endpoint, { ...grant, ...change });
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.body.error, error);
    assert.match(answer.headers['cache-control'], /no-store/);
  }
});

test('authorization code with PKCE and the login page', async (t) => {
  const tree = await startTree(t);
  const { authorization_endpoint: endpoint } = await discover(tree);
  const alice = tree.as('alice');
  const proof = pkce();
  const asked = { client_id: 'airlock-cli', redirect_uri: REDIRECT, scope: tree.first.scope, state: 'st~ate &1', code_challenge: proof.challenge };
  const redeem = (code, change = {}) => postForm(tree.ready.token_endpoint, {
    grant_type: 'authorization_code', client_id: 'airlock-cli', code, redirect_uri: REDIRECT, code_verifier: proof.verifier, ...change,
  });

  await t.test('the whole way, and the token works', async () => {
    const back = await logIn(authorizeUrl(endpoint, asked), 'alice', alice.password);
    assert.equal(back.origin + back.pathname, REDIRECT);
    assert.equal(back.searchParams.get('state'), 'st~ate &1');
    const answer = await redeem(back.searchParams.get('code'));
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(claimsOf(answer.body.access_token).roles, ['WorkspaceResearcher']);
    const list = await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, { token: answer.body.access_token });
    assert.equal(list.status, 200);
  });
  await t.test('a code counts once, with its own verifier, client and redirect', async () => {
    for (const change of [{ code_verifier: pkce().verifier }, { redirect_uri: 'http://127.0.0.1:1/callback' }, { client_id: 'airlock-web' }]) {
      const back = await logIn(authorizeUrl(endpoint, asked), 'alice', alice.password);
      const answer = await redeem(back.searchParams.get('code'), change);
      assert.equal(answer.body.error, 'invalid_grant', answer.text);
    }
    const code = (await logIn(authorizeUrl(endpoint, asked), 'alice', alice.password)).searchParams.get('code');
    assert.equal((await redeem(code)).status, 200);
    assert.equal((await redeem(code)).body.error, 'invalid_grant', 'replayed');
    assert.equal((await redeem('nonsense')).body.error, 'invalid_grant');
  });
  await t.test('a wrong password shows the form again, and says nothing more', async () => {
    const opened = await openPage(authorizeUrl(endpoint, asked));
    const wrong = await postLogin(opened, 'alice', 'not it');
    const unknown = await postLogin(opened, 'nobody', 'not it');
    for (const answer of [wrong, unknown]) assert.ok(answer.status >= 400 && answer.status < 500 && !answer.headers.location);
    assert.equal(wrong.text.replaceAll('alice', 'NAME'), unknown.text.replaceAll('nobody', 'NAME'));
    assert.ok([302, 303].includes((await postLogin(opened, 'alice', alice.password)).status), 'and then the right one works');
  });
  await t.test('nobody is redirected to where they did not register', async () => {
    for (const redirect_uri of ['https://evil.example/', 'http://127.0.0.1:80@evil.example/', 'http://127.0.0.1.evil.example:80/', 'javascript:alert(1)', '']) {
      const answer = await send('GET', authorizeUrl(endpoint, { ...asked, redirect_uri }));
      assert.equal(answer.status, 400, redirect_uri);
      assert.equal(answer.headers.location, undefined);
    }
    assert.equal((await send('GET', authorizeUrl(endpoint, { ...asked, client_id: 'unknown' }))).status, 400);
  });
  await t.test('without PKCE, or with another response type: an error at the redirect', async () => {
    for (const change of [{ code_challenge: '' }, { code_challenge_method: 'plain' }, { response_type: 'token' }]) {
      const answer = await send('GET', authorizeUrl(endpoint, { ...asked, ...change }));
      assert.ok([302, 303].includes(answer.status));
      assert.ok(new URL(answer.headers.location).searchParams.get('error'));
    }
  });
  await t.test('a form from another page or browser is refused; the page cannot be framed', async () => {
    const opened = await openPage(authorizeUrl(endpoint, asked));
    assert.equal((await postLogin({ ...opened, cookie: '' }, 'alice', alice.password)).status, 400);
    assert.equal((await postLogin(opened, 'alice', alice.password, { 'sec-fetch-site': 'cross-site' })).status, 400);
    assert.match(opened.page.headers['content-security-policy'], /frame-ancestors 'none'/);
    assert.match(opened.page.headers['cache-control'], /no-store/);
    const hostile = await send('GET', authorizeUrl(endpoint, { ...asked, login_hint: '"><script>alert(1)</script>' }));
    assert.ok(!hostile.text.includes('<script>'));
  });
});

test('guessing a password is slowed down', async (t) => {
  const tree = await startTree(t);
  const { client_id } = tree.as('dave').account;
  const grant = { grant_type: 'client_credentials', client_id, client_secret: 'guess', scope: tree.first.scope };
  const seen = new Set();
  for (let i = 0; i < 30 && !seen.has(429); i++) seen.add((await postForm(tree.ready.token_endpoint, grant)).status);
  assert.ok(seen.has(401));
  assert.ok(seen.has(429), 'further tries must wait');
});

test('forged tokens', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const token = await alice.token(tree.first.scope);
  const [head, body, signature] = token.split('.');
  const header = decode(head);
  const claims = decode(body);
  const about = await discover(tree);
  const jwk = (await send('GET', about.jwks_uri)).body.keys.find((key) => key.kid === header.kid);
  const pem = crypto.createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const own = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signed = (h, c, key = own.privateKey) => {
    const text = `${encode(h)}.${encode(c)}`;
    return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
  };
  const hmac = (h, c, key) => {
    const text = `${encode(h)}.${encode(c)}`;
    return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
  };
  const now = Math.floor(Date.now() / 1000);
  const ownJwk = { ...own.publicKey.export({ format: 'jwk' }), kid: header.kid };
  const forged = {
    'alg none': `${encode({ ...header, alg: 'none' })}.${body}.`,
    'alg None with the old signature': `${encode({ ...header, alg: 'None' })}.${body}.${signature}`,
    'HS256 with the public key': hmac({ ...header, alg: 'HS256' }, claims, pem),
    'another key, the same kid': signed(header, claims),
    'another key, its own jwk in the header': signed({ ...header, jwk: ownJwk }, claims),
    'another key, a jku in the header': signed({ ...header, jku: `${tree.ready.issuer}/keys`, kid: 'x' }, claims),
    'another key, no kid': signed({ alg: 'RS256', typ: 'JWT' }, claims),
    'kid with a path': signed({ ...header, kid: '../../../../dev/null' }, claims),
    'kid with SQL': signed({ ...header, kid: '\' OR 1=1 --' }, claims),
    'changed claims': `${head}.${encode({ ...claims, roles: ['WorkspaceOwner', 'AirlockManager'] })}.${signature}`,
    'doubled roles': `${head}.${encode(JSON.stringify(claims).replace('{', '{"roles":["AirlockManager"],'))}.${signature}`,
    'no signature': `${head}.${body}`,
    'an empty signature': `${head}.${body}.`,
    'four parts': `${token}.x`,
    'expired and self-signed': signed(header, { ...claims, exp: now - 3600 }),
    'white space inside': `${head}. ${body}.${signature}`,
  };
  for (const [what, bad] of Object.entries(forged)) {
    const answer = await alice.call('GET', `/workspaces/${tree.first.id}/requests`, undefined, { token: bad });
    assert.equal(answer.status, 401, what);
    assertProblem(answer, 401);
  }
  assert.equal((await send('GET', `${tree.ready.api}/api/workspaces/${tree.first.id}/requests?access_token=${token}`)).status, 401,
    'a token in the query is no token');
  assert.equal((await alice.call('GET', `/workspaces/${tree.first.id}/requests`)).status, 200, 'the true one still works');
});

/** The token as the provider would have signed it so many seconds earlier, by its own key. */
function aged(tree, token, seconds) {
  const [head, body] = token.split('.');
  const claims = decode(body);
  for (const name of ['iat', 'nbf', 'exp', 'auth_time']) if (name in claims) claims[name] -= seconds;
  const text = `${head}.${encode(claims)}`;
  return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), fs.readFileSync(path.join(tree.dir, 'idp/signing.key'))).toString('base64url')}`;
}

test('a token grows too old: first for decisions, then for everything', async (t) => {
  const tree = await startTree(t, { set: { 'idp.token_lifetime': 70, 'auth.decision_token_age': 60, 'auth.leeway': 0 } });
  const request = await inReview(tree, 'export', { 'a.csv': 'x' });
  const bob = tree.as('bob');
  const token = await bob.token(tree.first.scope);
  const { iat, exp } = claimsOf(token);
  assert.equal(exp - iat, 70);
  const show = (seconds) => bob.call('GET', bob.at(request), undefined, { token: aged(tree, token, seconds) });
  const body = { approval: true, decisionExplanation: 'late', manifestDigest: request.digest };
  const review = (seconds) => bob.call('POST', bob.at(request, '/review'), body, { token: aged(tree, token, seconds) });

  assertProblem(await review(62), 401);
  assert.equal((await show(62)).body.airlockRequest.status, 'in_review');
  assertProblem(await show(72), 401, /[Ee]xpired/);
  assert.equal((await review(30)).status, 200, 'a younger one of the same making decides');
});
