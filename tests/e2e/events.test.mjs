// Events to systems outside: a receiver that verifies each signature as docs/EVENTS.md says, over a whole life; one that fails, is given
// up, and is told again by an administrator; schemas and numbers.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { approved, draftWith, send, startTree, temporaryDir, until } from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { keyFile, Receiver } from './lib/receiver.mjs';

const KINDS = ['status_changed', 'step_result', 'scan_result', 'blob_created', 'data_deletion', 'notification'];
const FILE = { 'results/table1.csv': Buffer.from('a,b\n1,2\n') };

test('events', async (t) => {
  const keys = [crypto.randomBytes(32), crypto.randomBytes(24)];
  const receiver = await new Receiver(keys).start();
  t.after(() => receiver.stop());
  const dir = temporaryDir('events');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  receiver.status = (where) => (where === 'broken' ? 503 : 204);
  const tree = await startTree(t, {
    set: {
      'events.webhook_url': receiver.url('all'),
      'events.webhook_secret_file': keyFile(path.join(dir, 'all.key'), keys),
      'events.webhooks': `broken=*,${receiver.url('broken')},status_changed other=00000000-0000-4000-8000-000000000000,${receiver.url('other')}`,
      'events.webhook_secrets': path.dirname(keyFile(path.join(dir, 'broken.key'), keys) && keyFile(path.join(dir, 'other.key'), keys)),
      'events.max_attempts': 2,
    },
  });
  const [alice, bob, admin] = ['alice', 'bob', 'admin'].map((name) => tree.as(name));

  await t.test('a whole life is told, signed, in order and without names', async () => {
    const request = await approved(tree, 'import', FILE);
    await until('the delivery', async () => (await alice.show(request)).properties.deliveredWhen);
    assert.equal((await bob.revoke(request, 'Rare words')).status, 200);
    const told = await until('the removal', () => {
      const calls = receiver.of('all', request);
      return calls.some((call) => call.event.type === 'airlock.data_deletion.v1') && calls.length === calls.at(-1).event.data.sequence && calls;
    });
    assert.deepEqual(told.map((call) => call.event.data.sequence), told.map((_, i) => i + 1), 'numbers without gaps');
    const statuses = told.filter((call) => call.event.type === 'airlock.status_changed.v1').map((call) => call.event.data.new_status);
    assert.deepEqual(statuses.filter((status, i) => status !== statuses[i - 1]),
      ['draft', 'submitted', 'in_review', 'approval_in_progress', 'approved', 'revoked']);
    for (const call of told) {
      const { event } = call;
      const kind = event.type.split('.')[1];
      assert.equal(event.id, `${request.id}.${event.data.version}.${kind}`);
      assert.equal(event.id, call.id);
      assert.equal(event.specversion, '1.0');
      assert.equal(event.sequence, String(event.data.sequence).padStart(10, '0'));
      assert.match(call.type, /^application\/cloudevents\+json/);
      assert.doesNotMatch(call.text, /sig=|@|Rare words|An import|We need this|alice|bob/);
    }
    assert.ok(told.every((call) => call.signatures.length === keys.length), 'signed by every key');
    assert.deepEqual([...new Set(told.map((call) => call.event.type))].sort(),
      KINDS.map((kind) => `airlock.${kind}.v1`).sort());
    assert.equal(receiver.forged, 0);
    assert.equal(receiver.of('other', request).length, 0, 'another workspace');
  });

  await t.test('schemas are there for anyone', async () => {
    const { body } = await send('GET', `${tree.ready.api}/api/events/schemas`);
    assert.deepEqual(body.schemas.map((schema) => schema.kind).sort(), [...KINDS].sort());
    for (const call of receiver.calls.slice(0, 40)) {
      const schema = await send('GET', call.event.dataschema);
      assert.equal(schema.status, 200, call.event.dataschema);
      for (const field of schema.body.required) assert.ok(field in call.event.data, `${call.event.type} has ${field}`);
      for (const field of Object.keys(call.event.data)) assert.ok(field in schema.body.properties, `${field} of ${call.event.type}`);
    }
    assert.equal((await send('GET', `${tree.ready.api}/api/events/schemas/nothing.v1.json`)).status, 404);
  });

  await t.test('a receiver that fails is given up, and told again when an administrator says so', async () => {
    const request = await draftWith(tree, 'export', {});
    const dead = await until('two tries', async () => {
      const { deliveries } = await admin.ok('GET', `/admin/events?state=dead&endpoint=broken&limit=500`);
      return deliveries.find((delivery) => delivery.request === request.id);
    });
    assert.equal(dead.attempts, 2);
    assert.match(dead.error, /503/);
    const tries = receiver.calls.filter((call) => call.where === 'broken' && call.event.subject === request.id);
    assert.equal(tries.length, 2);
    assert.equal(tries[0].id, tries[1].id);
    assert.equal(tries[0].text, tries[1].text);
    const wait = Number(tries[1].time) - Number(tries[0].time);
    assert.ok(wait <= 5, `the second try came after ${wait} s`);
    assert.match(tree.log(), /"level":"alarm"[^\n]*could not be told to broken and is given up/);

    const numbers = await admin.call('GET', '/admin/metrics');
    assert.equal(numbers.status, 200);
    assert.match(numbers.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    for (const line of numbers.text.trimEnd().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) airlock_events_\w+ .+|airlock_events_\w+\{endpoint="[a-z0-9-]+"\} [0-9.e+-]+)$/);
    assert.match(numbers.text, /^airlock_events_dead\{endpoint="broken"\} [1-9]/m);
    assert.match(numbers.text, /^airlock_events_oldest_undelivered_seconds\{endpoint="webhook"\} /m);
    assert.equal((await alice.call('GET', '/admin/metrics')).status, 403);
    assert.equal((await alice.call('GET', '/admin/events')).status, 403);

    receiver.status = () => 204;
    const terminal = new Terminal(tree.scratch, 'admin', tree.ready.api);
    const login = await terminal.logInAsProgram(admin.account.client_id, admin.account.client_secret);
    assert.equal(login.code, 0, login.stderr);
    assert.match(await terminal.ok(['admin', 'events', 'list', '--state', 'dead']), /broken +dead +status_changed/);
    assert.equal((await terminal.json(['admin', 'events', 'replay', String(dead.id)])).count, 1);
    await until('the replay', () => receiver.calls.some((call) => call.where === 'broken' && call.id === dead.event && call !== tries[0] && call !== tries[1]));
    assert.ok((await terminal.json(['admin', 'events', 'drop', '--endpoint', 'broken'])).count > 0);
    await until('an empty list', async () => (await admin.ok('GET', '/admin/events?endpoint=broken')).deliveries.length === 0);
    assert.notEqual((await terminal.run(['admin', 'events', 'replay'])).code, 0, 'it must be said which');
    const { entries } = await admin.ok('GET', `/admin/audit?request=${request.id}&limit=1000`);
    assert.ok(entries.some((entry) => entry.kind === 'event.dead' && entry.detail.endpoint === 'broken'));
  });

  await t.test('keys change as OPERATIONS says, without a call that the receiver cannot verify', async () => {
    const fresh = crypto.randomBytes(32);
    for (const next of [[fresh, ...keys], [fresh]]) {
      for (const name of ['all', 'broken', 'other']) keyFile(path.join(dir, `${name}.key`), next);
      await tree.stop();
      receiver.keys = next;
      await tree.start();
      const request = await draftWith(tree, 'export', {});
      await until('the first event', () => receiver.of('all', request).length > 0);
    }
    assert.equal(receiver.forged, 0);
  });
});
