// TLS by the listeners themselves: a request's whole life over https, a certificate that is changed under way, and what
// is refused.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  airlock, approved, assertAzureError, blobUrl, draftWith, freePortBase, getBlob, makeCa, program, putBlob, run, runOk, send, sendRaw,
  serialAt, serverCertificate, sha256, startTree, temporaryDir, tlsSettings, trust, until,
} from './harness.mjs';

const BYTES = Buffer.from('age,count\n20-29,14\n');

async function tlsTree(t, set = {}) {
  const dir = temporaryDir('tls');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const ca = await makeCa(dir);
  const certificate = await serverCertificate(ca);
  trust(ca.pem);
  const tree = await startTree(t, { set: { ...tlsSettings(certificate), ...set } });
  return { tree, ca, certificate };
}

/** The processes as text: nothing was restarted while it stays the same. */
const pids = (tree) => tree.processes().map((p) => p.pid).sort().join(' ');

/** The address of every listener. */
const listeners = (tree) => [tree.ready.api, ...Object.values(tree.ready.blob), tree.ready.issuer];

test('a request lives its whole life over https', async (t) => {
  const { tree, ca } = await tlsTree(t);
  for (const url of listeners(tree)) assert.match(url, /^https:/);
  const request = await approved(tree, 'export', { 'counts.csv': BYTES });
  const link = await tree.as('alice').linkUrl(request);
  assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\//);
  assert.equal(new URL(link).searchParams.get('spr'), 'https');
  const answer = await getBlob(link, 'counts.csv');
  assert.equal(answer.status, 200, answer.text);
  assert.equal(sha256(answer.bytes), sha256(BYTES));

  const health = await send('GET', `${tree.ready.api}/api/health`);
  assert.equal(health.headers['strict-transport-security'], 'max-age=31536000');
  await assert.rejects(send('GET', `${tree.ready.api}/api/health`, { ca: 'none', agent: new https.Agent() }), /certificate|PEM|no start line/i);

  const { client_id, client_secret } = tree.as('alice').account;
  const logIn = (env) => airlock(path.join(tree.scratch, 'home'),
    ['login', '--url', tree.ready.api, '--client-id', client_id, '--client-secret-file', '-'], { input: client_secret, env });
  const stranger = await logIn({});
  assert.notEqual(stranger.code, 0);
  assert.match(stranger.stderr, /certificate/i);
  const known = await logIn({ AIRLOCK_CA_FILE: ca.certificateFile });
  assert.equal(known.code, 0, known.stderr);
  await runOk('curl', ['-sSf', '--tlsv1.2', '--tls-max', '1.2', '--cacert', ca.certificateFile, `${tree.ready.api}/api/health`]);
  const old = await run('curl', ['-sS', '--tls-max', '1.1', '--cacert', ca.certificateFile, `${tree.ready.api}/api/health`]);
  assert.equal(old.code, 35, old.stderr);
  assert.match(await sendRaw(tree.ready.api.replace('https', 'http'), 'GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 400 /);
});

test('SIGHUP changes the certificate under way, a bad one changes nothing', async (t) => {
  const { tree, ca, certificate } = await tlsTree(t);
  const big = Buffer.alloc(24 * 1024 * 1024, 'airlock ');
  const request = await draftWith(tree, 'import', { 'big.bin': big });
  const before = pids(tree);
  for (const url of listeners(tree)) assert.equal(await serialAt(url, ca), certificate.serial);

  // A download begins, and stands still.
  const { hostname, port, pathname, search } = new URL(blobUrl(request.link, 'big.bin'));
  const message = await new Promise((resolve, reject) => {
    https.get({ hostname, port, path: pathname + search, ca: ca.pem, agent: false }, resolve).on('error', reject);
  });
  assert.equal(message.statusCode, 200);
  message.pause();

  const second = await serverCertificate(ca); // the same files
  process.kill(tree.pid, 'SIGHUP');
  for (const url of listeners(tree)) {
    await until(`the new certificate at ${url}`, async () => (await serialAt(url, ca)) === second.serial);
  }
  let received = Buffer.alloc(0);
  for await (const chunk of message) received = Buffer.concat([received, chunk]);
  assert.ok(received.equals(big), 'the download that ran is whole');

  // Somebody else's key, then no certificate at all.
  const other = await serverCertificate(ca, { prefix: 'other' });
  fs.copyFileSync(other.keyFile, certificate.keyFile);
  process.kill(tree.pid, 'SIGHUP');
  const errors = () => tree.logLines().filter((line) => line.level === 'error' && /certificate is not used/.test(line.message)).length;
  await until('the error in the log', () => errors() === 1);
  fs.rmSync(certificate.certificateFile);
  process.kill(tree.pid, 'SIGHUP');
  await until('the second error in the log', () => errors() === 2);
  await sleep(200);
  for (const url of listeners(tree)) assert.equal(await serialAt(url, ca), second.serial);
  assert.equal(pids(tree), before, 'no process was restarted');

  // One that is started anew gets the pair that is in use.
  tree.kill('airlock-api');
  await until('the api with the certificate in use', async () => (await serialAt(tree.ready.api, ca).catch(() => '')) === second.serial);
});

test('T10 a link for https only is refused over plain http', async (t) => {
  const base = await freePortBase();
  const tree = await startTree(t, { set: { 'blob.external.public_url': `https://127.0.0.1:${base}` } });
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.first, 'import');
  const link = await alice.linkUrl(request);
  assert.equal(new URL(link).searchParams.get('spr'), 'https');
  const plain = link.replace(`https://127.0.0.1:${base}`, `http://127.0.0.1:${tree.base + 1}`);
  for (const headers of [{}, { 'x-forwarded-proto': 'https', forwarded: 'proto=https', 'x-forwarded-for': '10.0.0.1' }]) {
    assertAzureError(await putBlob(plain, 'a.csv', BYTES, headers), 403, 'AuthorizationProtocolMismatch');
  }
});

test('what cannot be served safely is refused at the start', async (t) => {
  const dir = temporaryDir('tls');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const ca = await makeCa(dir);
  const good = await serverCertificate(ca);
  const other = await serverCertificate(ca, { prefix: 'other' });
  const open = path.join(dir, 'open.key');
  fs.copyFileSync(good.keyFile, open);
  fs.chmodSync(open, 0o644);
  const rows = [
    [{ 'api.listen': '0.0.0.0:8400' }, /api\.listen is not a loopback address and would speak plain HTTP/],
    [{ 'tls.certificate_file': good.certificateFile }, /tls\.key_file must be set as well/],
    [{ ...tlsSettings(good), 'tls.key_file': other.keyFile }, /is not that of the certificate/],
    [{ ...tlsSettings(good), 'tls.key_file': open }, /only its owner can read/],
    [{ ...tlsSettings(good), 'tls.key_file': path.join(dir, 'none') }, /Cannot open the secret file/],
    [{ ...tlsSettings(good), 'tls.certificate_file': good.keyFile }, /does not begin with a certificate/],
  ];
  for (const [set, words] of rows) {
    const sets = Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    const started = await run(program('airlockd'), ['--demo', path.join(dir, 'demo'), '--port-base', String(await freePortBase()), ...sets], { timeout: 20_000 });
    assert.equal(started.code, 78, started.stderr);
    assert.match(started.stderr, words);
    const checked = await run(program('airlockd'), ['--check', '--config', path.join(dir, 'demo/airlock.conf'), ...sets]);
    assert.equal(checked.code, 78, checked.stdout);
    assert.match(checked.stdout, words);
  }
});

test('a proxy names the client, and nobody else can', async (t) => {
  const tree = await startTree(t, { set: { 'http.proxies': '127.0.0.0/8' } });
  const ask = (header) => new Promise((resolve) => {
    const { hostname, port } = new URL(tree.ready.api);
    const socket = net.connect({ host: hostname, port });
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk));
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.write(Buffer.concat([header, Buffer.from('GET /api/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')]));
  });
  const header = Buffer.from('0d0a0d0a000d0a515549540a2111000cc00002097f000001303901bb', 'hex');
  assert.match(await ask(header), /^HTTP\/1\.1 200 /);
  assert.equal(await ask(Buffer.alloc(0)), '', 'a proxy that names nobody is not heard');
});
