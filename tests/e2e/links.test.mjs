// Links from the asking to their end: what may be asked for, what kills them, and that their signatures stand nowhere.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  airlock, approved, assertAzureError, assertProblem, blobUrl, draftWith, filesBelow, getBlob, inReview, listBlobs, putBlob, send,
  startTree, until,
} from './harness.mjs';

const MiB = 1024 * 1024;
const BIG = 64 * MiB;
const END_MS = 2000;
const TOLD_MS = 25_000; // a download is told of once it rests

/** Every audit entry about the request. */
async function audit(tree, request, kind) {
  const { entries } = await tree.as('admin').ok('GET', `/admin/audit?limit=1000&request=${request.id}`);
  return entries.filter((entry) => entry.kind === kind);
}

/** A download that reads a MiB a second. `ended` resolves when the server cuts it, with how many bytes came. */
function slowDownload(url) {
  return new Promise((resolve, reject) => {
    const agent = new http.Agent({ keepAlive: true });
    const request = http.get(url, { agent }, (answer) => {
      const download = { status: answer.statusCode, got: 0, slow: true };
      let pace;
      download.ended = new Promise((end) => {
        answer.on('data', (chunk) => {
          download.got += chunk.length;
          if (!download.slow) return;
          answer.pause();
          pace = setTimeout(() => answer.resume(), (chunk.length / MiB) * 1000);
        });
        answer.on('error', () => {});
        answer.on('close', () => {
          clearTimeout(pace);
          agent.destroy();
          end({ got: download.got, complete: answer.complete });
        });
      });
      resolve(download);
    });
    request.on('error', (error) => reject(error));
  });
}

/** The download must end within two seconds of what `act` does: what then still comes is only what was on its way. */
async function endsWith(download, act) {
  await act();
  await sleep(END_MS);
  download.slow = false;
  const how = await Promise.race([download.ended, sleep(10_000).then(() => null)]);
  assert.ok(how, 'the download was ended');
  assert.equal(how.complete, false);
  assert.ok(how.got < BIG / 2, `${how.got} bytes came all the same`);
  return how;
}

async function terminal(tree, name) {
  const home = path.join(tree.scratch, 'home', name);
  fs.mkdirSync(home, { recursive: true });
  const { client_id, client_secret } = tree.as(name).account;
  const login = ['login', '--url', tree.ready.api, '--client-id', client_id, '--client-secret-file', '-'];
  assert.equal((await airlock(home, login, { input: client_secret })).code, 0);
  return (...args) => airlock(home, args);
}

test('what may be asked for', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const at = alice.at(request, '/link');
  const fieldOf = (link, name) => new URL(link).searchParams.get(name);

  await t.test('letters in any order, a life in seconds, in the query or the body', async () => {
    for (const ask of [
      () => alice.ok('GET', `${at}?permissions=lr&expiresIn=60`),
      () => alice.ok('POST', at, { permissions: 'lr', expiresIn: 60 }),
      () => alice.ok('POST', `${at}?permissions=lr`, { expiresIn: 60 }),
    ]) {
      const { containerUrl } = await ask();
      assert.equal(fieldOf(containerUrl, 'sp'), 'rl');
      const left = Date.parse(fieldOf(containerUrl, 'se')) - Date.now();
      assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
      assert.equal((await getBlob(containerUrl, 'a.txt')).text, 'hello');
    }
  });
  await t.test('anything else is refused by name', async () => {
    for (const [query, body, status, field] of [
      ['?permissions=rr', undefined, 422, 'permissions'],
      ['?permissions=rz', undefined, 422, 'permissions'],
      ['?permissions=', undefined, 422, 'permissions'],
      ['?permissions=r&permissions=l', undefined, 422, 'permissions'],
      ['?expiresIn=0', undefined, 422, 'expiresIn'],
      ['?expiresIn=3601', undefined, 422, 'expiresIn'],
      ['?expiresIn=1.5', undefined, 422, 'expiresIn'],
      ['?expiresIn=-1', undefined, 422, 'expiresIn'],
      ['', { expiresIn: '60' }, 422, 'expiresIn'],
      ['', { permissions: 7 }, 422, 'permissions'],
      ['?permissions=r', { permissions: 'r' }, 422, 'permissions'],
      ['?expiresIn=60', { expiresIn: 60 }, 422, 'expiresIn'],
      ['?permissions=a', undefined, 403, 'permissions'],
    ]) {
      const answer = await alice.call('POST', at + query, body);
      assertProblem(answer, status, new RegExp(field));
    }
  });
  await t.test('a link of one second ends, without leeway', async () => {
    const link = await alice.linkUrl(request, '?expiresIn=1');
    await sleep(1100);
    assertAzureError(await getBlob(link, 'a.txt'), 403, 'AuthenticationFailed');
  });
});

test('T06 no older link works after a change of status, on kept connections either', async (t) => {
  const tree = await startTree(t);
  const files = { 'a.txt': 'hello' };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const list = (link) => send('GET', `${link}&restype=container&comp=list`, { agent });
  const dies = async (what, link, act) => {
    assert.equal((await list(link)).status, 200, what);
    const answer = await act();
    assert.equal(answer.status, 200, `${what}: ${answer.text}`);
    assertAzureError(await list(link), 403, 'AuthenticationFailed');
    assertAzureError(await putBlob(link, 'late.txt', 'x', {}, { agent }), 403, 'AuthenticationFailed');
  };
  const bob = tree.as('bob');

  let request = await draftWith(tree, 'export', files);
  await dies('submit', request.link, () => tree.as('alice').submit(request));
  request = await draftWith(tree, 'import', files);
  await dies('cancel', request.link, () => tree.as('alice').cancel(request));
  request = await inReview(tree, 'export', files);
  await dies('approve', await bob.linkUrl(request), () => bob.review(request, true, request.digest));
  request = await inReview(tree, 'import', files);
  await dies('reject', await bob.linkUrl(request), () => bob.review(request, false, request.digest));
  request = await approved(tree, 'export', files);
  await dies('revoke', await tree.as('alice').linkUrl(request), () => bob.revoke(request));
});

test('T07 a running download ends within two seconds', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'big.bin': Buffer.alloc(BIG, 'x') });

  await t.test('when its links are revoked, and the audit says how much was sent', async () => {
    const download = await slowDownload(blobUrl(request.link, 'big.bin'));
    assert.equal(download.status, 200);
    await until('the first bytes', () => download.got > MiB);
    const { got } = await endsWith(download, () => alice.ok('POST', alice.at(request, '/link/revoke-all')));
    const [end] = await until('the audit to tell of it', async () => {
      const rows = await audit(tree, request, 'download.end');
      return rows.length && rows;
    }, { timeout: TOLD_MS, step: 500 });
    assert.ok(end.detail.sent >= got && end.detail.sent < BIG, `${got} came, ${end.detail.sent} were sent`);
    assert.equal(end.detail.name, 'big.bin');
  });
  await t.test('when its request moves on', async () => {
    const download = await slowDownload(blobUrl(await alice.linkUrl(request), 'big.bin'));
    await until('the first bytes', () => download.got > MiB);
    await endsWith(download, async () => assert.equal((await alice.cancel(request)).status, 200));
  });
});

test('keys are changed by the administrator', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'big.bin': Buffer.alloc(BIG, 'y') });
  const admin = await terminal(tree, 'admin');
  const keyOf = (link) => new URL(link).searchParams.get('si').split('-')[0];

  await t.test('older links stay good for an overlap', async () => {
    assert.equal(keyOf(request.link), 'k1');
    const result = await admin('admin', 'rotate-keys', '--output', 'json');
    assert.equal(result.code, 0, result.stderr);
    const { keyId, olderEndWhen } = JSON.parse(result.stdout);
    assert.equal(keyId, 'k2');
    assert.ok(Math.abs(olderEndWhen - Date.now() / 1000 - 3600) < 60);
    assert.equal((await listBlobs(request.link)).status, 200);
    assert.equal(keyOf(await alice.linkUrl(request)), 'k2');
  });
  await t.test('the keys survive a restart', async () => {
    const link = await alice.linkUrl(request);
    tree.kill('airlock-core');
    await until('core to be back', async () => (await listBlobs(link)).status === 200);
    assert.equal((await listBlobs(request.link)).status, 200);
  });
  await t.test('--now ends every link and every transfer', async () => {
    const link = await alice.linkUrl(request);
    const download = await slowDownload(blobUrl(link, 'big.bin'));
    await until('the first bytes', () => download.got > MiB);
    await endsWith(download, async () => {
      const result = await admin('admin', 'rotate-keys', '--now');
      assert.equal(result.code, 0, result.stderr);
      assert.match(result.stdout, /k3/);
    });
    for (const old of [request.link, link]) assertAzureError(await listBlobs(old), 403, 'AuthenticationFailed');
    assert.equal((await listBlobs(await alice.linkUrl(request))).status, 200);
  });
  await t.test('nobody else changes them', async () => {
    for (const name of ['alice', 'bob', 'carol']) {
      assert.equal((await tree.as(name).call('POST', '/admin/rotate-keys')).status, 403);
    }
    assertProblem(await tree.as('admin').call('POST', '/admin/rotate-keys?now=perhaps'), 422, /now/);
    const { entries } = await tree.as('admin').ok('GET', '/admin/audit?limit=1000');
    const rotations = entries.filter((entry) => entry.kind === 'keys.rotated').map(({ detail }) => `${detail.key} ${detail.now}`);
    assert.deepEqual(rotations, ['k2 false', 'k3 true']);
  });
});

test('T10 a link for TLS that comes over plain HTTP is refused, and on record as leaked', async (t) => {
  const tree = await startTree(t, { set: { 'blob.workspace.public_url': 'https://{account}.blob.airlock.test:8443' } });
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.first, 'export');
  const link = new URL(await alice.linkUrl(request));
  const [account] = link.host.split('.');
  const listener = `http://127.0.0.1:${tree.base + 3}`;
  const query = `${link.search}&restype=container&comp=list`;

  assert.match(link.host, /^stalexint[0-9a-f]{8}\.blob\.airlock\.test:8443$/);
  assert.equal(link.pathname, `/${request.id}`);
  assert.equal(link.searchParams.get('spr'), 'https');
  for (let i = 0; i < 3; i++) {
    assertAzureError(await send('GET', `${listener}/${account}/${request.id}${query}`), 403, 'AuthorizationProtocolMismatch');
    const hostStyle = await send('GET', `${listener}/${request.id}${query}`, { headers: { host: link.host } });
    assertAzureError(hostStyle, 403, 'AuthorizationProtocolMismatch');
  }
  assert.equal((await audit(tree, request, 'link.leaked')).length, 1);
});

test('T11 no signature stands in a log, the audit or the database', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const links = [request.link];
  for (const query of ['', '?permissions=rl', '?expiresIn=5']) links.push(await alice.linkUrl(request, query));
  for (const link of links) {
    await getBlob(link, 'a.txt');
    await getBlob(link.replace('sp=', 'sp=x'), 'a.txt');
    await send('GET', link.replace(tree.ready.blob.workspace, tree.ready.blob.core));
    await send('GET', `${link}&restype=container&comp=acl`);
    await alice.call('GET', `/${link.slice(link.indexOf('?'))}`);
  }
  await alice.submit(request);
  await getBlob(request.link, 'a.txt');
  const { entries } = await tree.as('admin').ok('GET', '/admin/audit?limit=1000');
  const audited = JSON.stringify(entries);
  await tree.stop();
  const places = [['the log', tree.log()], ['the audit', audited]];
  for (const file of filesBelow(tree.dir)) places.push([file.path, fs.readFileSync(file.path, 'latin1')]);
  assert.ok(places.some(([, text]) => text.includes(request.id)), 'we look where things are written');
  for (const link of links) {
    const sig = new URL(link).searchParams.get('sig');
    assert.equal(sig.length, 44);
    for (const form of [sig, encodeURIComponent(sig), sig.slice(4, 24)]) {
      for (const [place, text] of places) assert.ok(!text.includes(form), `${place} holds a signature`);
    }
  }
});

test('T12 guessing tells nothing', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const mine = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const other = await tree.as('dave').createRequest(tree.first, 'export');
  const elsewhere = await tree.as('mallory').createRequest(tree.second, 'export');
  const told = (answer) => {
    const { date, 'x-ms-request-id': id, 'x-request-id': trace, ...headers } = answer.headers;
    const text = [id, trace].filter(Boolean).reduce((body, secret) => body.replaceAll(secret, 'ID'), answer.text)
      .replace(/Time:[^<\n]*/, '').replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'ID');
    return JSON.stringify([answer.status, headers, text]);
  };
  const container = (id) => getBlob(mine.link.replace(mine.id, id), 'a.txt');
  const request = (id) => alice.call('GET', `/workspaces/${tree.first.id}/requests/${id}`);
  const noContainer = told(await container(other.id));
  const noRequest = told(await request(elsewhere.id));

  assert.match(noContainer, /^\[403/);
  assert.match(noRequest, /^\[404/);
  for (let i = 0; i < 300; i++) {
    assert.equal(told(await container(crypto.randomUUID())), noContainer);
    assert.equal(told(await request(crypto.randomUUID())), noRequest);
  }
});
