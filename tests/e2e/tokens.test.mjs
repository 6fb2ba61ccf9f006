// Tokens as an attacker would make them, and a provider whose keys come, go and stay away; over HTTP.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { assertProblem, send, startTree, until } from './harness.mjs';
import { times } from './lib/scale.mjs';
import { forge, ScriptedProvider } from './lib/scripted-provider.mjs';

/** A provider with one key, a tree that believes it, and the demo's administrator as somebody it knows. */
async function startWithProvider(t, set = {}) {
  const provider = await new ScriptedProvider().start(t);
  const key = provider.addKey('first');
  const tree = await startTree(t, { set: { 'idp.enabled': 'false', 'auth.issuer': provider.issuer,
    'limits.subject_rate': 0, 'limits.address_rate': 0, ...set } });
  const { accounts, core_client_id: core } = JSON.parse(fs.readFileSync(path.join(tree.dir, 'demo.json'), 'utf8'));
  const admin = accounts.find(({ name }) => name === 'admin').oid;
  const ask = (token) => send('GET', `${tree.ready.api}/api/workspaces`, { headers: { authorization: `Bearer ${token}` } });
  const claims = (changes = {}) => ({ ...provider.claims(core, admin), ...changes });
  const good = () => provider.sign(key, claims());
  await until('the keys are there', async () => (await ask(good())).status === 200);
  return { provider, key, tree, core, admin, ask, claims, good };
}

test('T50 forty forged tokens are refused: algorithms, keys, parts', async (t) => {
  const { provider, key, ask, claims, good } = await startWithProvider(t);
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
  const hmac = (secret) => (text) => crypto.createHmac('sha256', secret).update(text).digest('base64url');
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const raw = (privateKey) => (text) => crypto.sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const der = (text) => crypto.sign('sha256', Buffer.from(text), key.privateKey).toString('base64url');
  const kid = key.kid;
  const [head, body, signature] = good().split('.');
  const flipped = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
  const forged = [
    ...['none', 'None', 'NONE', 'nOnE', '', null, 0, ['ES256'], {}].map((alg) => forge({ alg, kid }, claims())),
    ...['none', 'NONE'].map((alg) => forge({ alg, kid }, claims(), raw(key.privateKey))),
    ...['HS256', 'hs256', 'HS384', 'HS512'].flatMap((alg) => [pem, pem.trim(), JSON.stringify(key.jwk), key.jwk.x].map((secret) => forge({ alg, kid }, claims(), hmac(secret)))),
    ...['es256', 'ES384', 'ES512', 'ES256K', 'RS256', 'PS256', 'EdDSA', 'RS1', ' ES256'].map((alg) => forge({ alg, kid }, claims(), raw(key.privateKey))),
    forge({ alg: 'RS256', kid }, claims(), (text) => crypto.sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')),
    forge({ alg: 'ES256', kid }, claims(), raw(other)), forge({ alg: 'ES256', kid }, claims(), der),
    forge({ alg: 'ES256', kid, crit: ['exp'] }, claims(), raw(key.privateKey)), forge({ alg: 'ES256' }, claims(), raw(key.privateKey)),
    `${head}.${body}.`, `${head}.${body}`, `${head}..${signature}`, `.${body}.${signature}`, `${head}.${body}.${signature}.`, `${head}.${body}.${signature}A`,
    `${head}.${flipped(body, 12)}.${signature}`, `${head}.${body}.${flipped(signature, 5)}`, `${head}.${body}.${'A'.repeat(86)}`, `${head}.${body}.${signature}=`,
  ];
  assert.ok(forged.length >= 40, `${forged.length}`);
  for (const token of forged) assertProblem(await ask(token), 401, /"detail":"Invalid token/);
  assert.equal((await ask(good())).status, 200);
  assert.ok(provider.fetches <= 2, 'forgeries with a known key id fetch nothing');
});

test('T51 no key id and no header of a token makes a connection or a key', async (t) => {
  const { provider, key, ask, claims, good } = await startWithProvider(t);
  const caught = [];
  const trap = net.createServer((socket) => caught.push(socket.remotePort)).listen(0, '127.0.0.1');
  t.after(() => trap.close());
  await new Promise((resolve) => trap.once('listening', resolve));
  const url = `http://127.0.0.1:${trap.address().port}/keys`;
  const own = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'ES256' };
  const mine = { kid: 'mine', privateKey: own.privateKey };
  const kids = ['../../../etc/passwd', '/dev/null', "' OR '1'='1", 'first; DROP TABLE request', url, `file://${import.meta.filename}`, 'first\u0000', 'FIRST', ' first', '', 'x'.repeat(5000), '%66irst', '$(id)', '..%2f..'];
  for (const kid of kids) assertProblem(await ask(provider.sign({ ...mine, kid }, claims())), 401);
  for (const kid of [null, 0, 1.5, true, ['first'], { a: 1 }]) assertProblem(await ask(provider.sign(mine, claims(), { kid })), 401);
  for (const header of [{ jku: url }, { x5u: url }, { jwk }, { x5c: ['MIIB'] }, { jku: url, jwk, kid: 'first' }, { iss: url }]) {
    assertProblem(await ask(provider.sign(mine, claims(), header)), 401);
    const signedByTheProvider = await ask(provider.sign(key, claims(), header));
    assert.ok([200, 401].includes(signedByTheProvider.status), 'a header is passed over or refused, never followed');
  }
  assert.equal((await ask(good())).status, 200);
  assert.deepEqual(caught, [], 'nobody came to the trap');
});

test('T52 sixty sets of claims that are not for us, not now, or not well formed', async (t) => {
  const { provider, key, core, admin, tree, ask, claims, good } = await startWithProvider(t);
  const now = Math.floor(Date.now() / 1000);
  const without = (name) => Object.fromEntries(Object.entries(claims()).filter(([claim]) => claim !== name));
  const strange = [null, true, 'soon', '', [], {}, -1, 1.5];
  const expired = [now - 31, now - 3600].map((exp) => claims({ exp, iat: exp - 600, nbf: exp - 600 }));
  const refused = [
    ...['exp', 'iss', 'aud'].map(without), Object.fromEntries(Object.entries(without('oid')).filter(([claim]) => claim !== 'sub')),
    ...strange.map((exp) => claims({ exp })), ...[0, 1].map((exp) => claims({ exp })), ...[Number.MAX_SAFE_INTEGER, now + 20 * 366 * 86400, 1e300].map((exp) => claims({ exp })),
    ...strange.filter((value) => value !== null).map((nbf) => claims({ nbf })), ...[now + 90, now + 86400, Number.MAX_SAFE_INTEGER].map((nbf) => claims({ nbf })),
    ...[now + 90, 'then', -5].map((iat) => claims({ iat })),
    ...[`${provider.issuer}/`, provider.issuer.toUpperCase(), `${provider.issuer}.evil.example`, 'https://evil.example', '', null, [provider.issuer], 7].map((iss) => claims({ iss })),
    ...['', null, [], [core, 'other'], ['other', core], { core }, core.toUpperCase(), `${core} `, `api://${core}/`, 'https://graph.example', tree.first.id, 7].map((aud) => claims({ aud })),
    ...[{ oid: 'x'.repeat(256), sub: admin }, { oid: '', sub: '' }, { oid: null, sub: null }, { oid: ['a'], sub: [admin] }, { oid: 7, sub: 7 }].map(claims),
    ...['{"exp":1,"exp":%}', '{"aud":"x","aud":"%"}', '[]', '"text"', '', '{', 'null', '{"a":"\\ud800"}', '\ufeff{}', '{}x'],
  ];
  assert.ok(refused.length + expired.length >= 60, `${refused.length}`);
  for (const bad of refused) assertProblem(await ask(provider.sign(key, bad)), 401, /"detail":"(Invalid token|Expired token signature)"/);
  for (const bad of expired) assertProblem(await ask(provider.sign(key, bad)), 401, /"detail":"Expired token signature"/);
  for (const fits of [{ exp: now + 5 }, { aud: [core] }, { aud: `api://${core}` }, { nbf: now + 20 }]) assert.equal((await ask(provider.sign(key, claims(fits)))).status, 200, JSON.stringify(fits));
  assert.equal((await ask(good())).status, 200);
});

test('T53 ten thousand unknown key ids cause one look at the provider, and a new key is known within half a minute', async (t) => {
  const { provider, key, ask, claims, good } = await startWithProvider(t);
  const before = provider.fetches;
  const began = Date.now();
  let sent = 0;
  const lane = async () => {
    while (sent < times(2000, 10_000)) {
      const answer = await ask(provider.sign({ ...key, kid: `unknown-${sent++}` }, claims()));
      assert.equal(answer.status, 401, answer.text);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  const looks = provider.fetches - before;
  assert.ok(looks <= 1 + (Date.now() - began) / 30_000, `${looks} looks in ${Date.now() - began} ms`);
  assert.equal((await ask(good())).status, 200, 'nobody else was disturbed');

  const second = provider.addKey('second');
  const renewed = Date.now();
  await until('the new key counts', async () => (await ask(provider.sign(second, claims()))).status === 200, { timeout: 40_000, step: 500 });
  assert.ok(Date.now() - renewed < 35_000, `${Date.now() - renewed} ms`);
  assert.equal((await ask(good())).status, 200, 'both are published');
});

test('T53 while the provider is away its last keys count, also after a restart of core', async (t) => {
  const { provider, tree, ask, good } = await startWithProvider(t);
  provider.isAway = true;
  assert.equal((await ask(good())).status, 200);
  process.kill(tree.find('airlock-core').pid, 'SIGKILL');
  await until('core is back', async () => (await ask(good())).status === 200);
  assertProblem(await ask(provider.sign(provider.addKey('unseen'), provider.claims('x', 'y'))), 401);
});
