// Webhooks whose receivers are slow, silent, broken, huge, elsewhere, or not what they were: in a network of this test's own,
// where a public address, private ones and names are real to the process that calls them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { draftWith, makeCa, serverCertificate, startTree, temporaryDir, until } from './harness.mjs';
import { withHosts } from './lib/hosts.mjs';
import { enterOwnNetwork, ip } from './lib/net.mjs';
import { keyFile, Receiver } from './lib/receiver.mjs';

enterOwnNetwork();

const PUBLIC = '93.184.215.14';
const PRIVATE = '10.9.0.1';
const ALLOWED = '10.8.0.1';
const METADATA = '169.254.169.254';
const NAMES = { changing: PUBLIC, inside: PRIVATE, allowed: ALLOWED };
const LOST_MS = 5000; // what one receiver may cost another
const HUGE = 10_000_000_000;

const keys = [crypto.randomBytes(32)];
const host = (name) => `${name}.example.test`;
const scratch = temporaryDir('webhooks');
let plain, secure, ca;

/** An address of this machine to which nobody may have connected. */
const connectionsTo = (address) => secure.seen.filter((local) => local === address).length;

function sayHosts(names) {
  return withHosts(scratch, Object.fromEntries(Object.entries(names).map(([name, address]) => [host(name), address])));
}

before(async () => {
  for (const address of [PUBLIC, PRIVATE, ALLOWED, METADATA]) ip('addr', 'add', `${address}/32`, 'dev', 'lo');
  ca = await makeCa(path.join(scratch, 'ca'));
  const certificate = await serverCertificate(ca, { names: Object.keys(NAMES).map(host), ips: [METADATA] });
  plain = await new Receiver(keys).start();
  secure = await new Receiver(keys).start({
    tls: { cert: fs.readFileSync(certificate.certificateFile), key: fs.readFileSync(certificate.keyFile) }, host: '0.0.0.0' });
  secure.seen = [];
  secure.server.on('connection', (socket) => secure.seen.push(socket.localAddress));
});

after(() => {
  for (const receiver of [plain, secure]) receiver?.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
});

function misbehave(receiver) {
  const open = { huge: 0 };
  receiver.answers = {
    silent: () => {},
    slow: (response) => setTimeout(() => response.writeHead(204).end(), 3000),
    broken: (response) => response.writeHead(500).end(),
    redirect: (response) => response.writeHead(307, { location: receiver.url('caught') }).end(),
    huge: (response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      response.writeHead(200, { 'content-type': 'text/plain' });
      const more = () => {
        while (open.huge < HUGE && !response.destroyed && response.write(chunk)) open.huge += chunk.length;
      };
      response.on('drain', more);
      more();
    },
  };
  return open;
}

function settings() {
  const named = { ...Object.fromEntries(Object.keys(NAMES).map((name) => [name, `https://${host(name)}:${secure.port}/${name}`])),
    metadata: `https://${METADATA}:${secure.port}/metadata` };
  for (const name of ['good', 'silent', 'slow', 'broken', 'redirect', 'huge']) named[name] = plain.url(name);
  named.gone = 'http://127.0.0.1:9/gone';
  for (const name of Object.keys(named)) keyFile(path.join(scratch, `${name}.key`), keys);
  return {
    'events.webhooks': Object.entries(named).map(([name, url]) => `${name}=*,${url}`).join(' '),
    'events.webhook_secrets': scratch,
    'events.webhook_ca_file': ca.certificateFile,
    'events.webhook_networks': '10.8.0.0/16',
  };
}

/** Why the last try of the request's events at an endpoint failed, once there is one. */
async function failure(tree, endpoint, request) {
  return until(`a failure at ${endpoint}`, async () => {
    const { deliveries } = await tree.as('admin').ok('GET', `/admin/events?endpoint=${endpoint}&limit=500`);
    return deliveries.find((delivery) => (!request || delivery.request === request.id) && delivery.error)?.error;
  }, { timeout: 30_000 });
}

test('receivers that misbehave', async (t) => {
  const sent = misbehave(plain);
  const tree = await startTree(t, { set: settings(), through: sayHosts(NAMES) });

  await t.test('T65 one that is slow, silent, broken, huge or gone delays no other', async () => {
    const requests = [];
    for (let i = 0; i < 15; i++) requests.push(await draftWith(tree, 'export', {}));
    await until('all events at the good one', () => requests.every((request) => plain.of('good', request).length === 2));
    for (const { event, at } of plain.calls.filter(({ where }) => where === 'good')) {
      assert.ok(at - Date.parse(event.time) < LOST_MS, `${event.id} took ${at - Date.parse(event.time)} ms`);
    }
    assert.ok(plain.calls.filter(({ where }) => where === 'silent').length <= 4, 'no more than four posts are under way');
    assert.match(await failure(tree, 'broken'), /HTTP status 500/);
    assert.match(await failure(tree, 'huge'), /more than 65536 bytes/);
    assert.match(await failure(tree, 'gone'), /[Cc]onnect/);
    assert.match(await failure(tree, 'silent'), /timed out/);
    assert.ok(sent.huge < HUGE / 100, `${sent.huge} bytes went out`);
    await until('the slow one', () => plain.calls.filter(({ where }) => where === 'slow').length >= 8);
  });

  await t.test('T64 a redirect is not followed, and a private address is called only where a setting allows it', async () => {
    assert.match(await failure(tree, 'redirect'), /redirects are not followed/);
    assert.match(await failure(tree, 'inside'), /its address is private, and events\.webhook_networks does not allow it/);
    assert.match(await failure(tree, 'metadata'), /its address is private/);
    assert.ok(plain.calls.every(({ where }) => where !== 'caught'));
    assert.equal(connectionsTo(PRIVATE) + connectionsTo(METADATA), 0, 'nobody connected there');
    await until('the one that is allowed', () => secure.calls.some(({ where }) => where === 'allowed'));
    assert.ok(connectionsTo(ALLOWED) > 0);
  });

  await t.test('T64 a name that changes its address is judged at each try', async () => {
    await until('the public address', () => secure.calls.some(({ where }) => where === 'changing'));
    assert.ok(connectionsTo(PUBLIC) > 0);
    for (const address of [PRIVATE, '127.0.0.1', METADATA]) {
      sayHosts({ ...NAMES, changing: address });
      const request = await draftWith(tree, 'export', {});
      assert.match(await failure(tree, 'changing', request), /its address is private/);
      assert.equal(connectionsTo(address), 0, `nobody connected to ${address}`);
    }
    sayHosts(NAMES);
    const request = await draftWith(tree, 'export', {});
    await until('the public address again', () => secure.of('changing', request).length === 2);
  });
  assert.equal(plain.forged + secure.forged, 0);
});

test('binary mode, while the keys change', async (t) => {
  const [fresh, old] = [crypto.randomBytes(32), crypto.randomBytes(32)];
  const [moved, late] = [await new Receiver([fresh]).start(), await new Receiver([old]).start()];
  t.after(() => [moved, late].forEach((receiver) => receiver.stop()));
  for (const name of ['moved', 'late']) keyFile(path.join(scratch, `${name}.key`), [fresh, old]);
  const tree = await startTree(t, {
    set: {
      'events.webhooks': `moved=*,${moved.url('in')},status_changed late=*,${late.url('in')},status_changed`,
      'events.webhook_secrets': scratch, 'events.webhook_mode': 'binary',
    },
  });
  const request = await draftWith(tree, 'import', {});
  for (const receiver of [moved, late]) {
    const { headers, type, event } = await until('the event', () => receiver.calls[0]);
    assert.match(type, /^application\/json/);
    assert.equal(headers['ce-specversion'], '1.0');
    assert.equal(headers['ce-type'], 'airlock.status_changed.v1');
    assert.equal(headers['ce-subject'], request.id);
    assert.equal(headers['ce-id'], headers['webhook-id']);
    assert.equal(headers['ce-sequence'], '0000000001');
    assert.deepEqual([event.request_id, event.new_status, event.previous_status], [request.id, 'draft', null]);
    assert.equal(receiver.forged, 0, 'a receiver with either key can tell that it was us');
  }
});
