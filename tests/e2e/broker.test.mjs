// Events on a real message broker: routing keys, confirms, and a broker that goes away in the middle.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { approved, draftWith, startTree, temporaryDir, until } from './harness.mjs';
import { Consumer, RabbitMQ } from './lib/rabbitmq.mjs';
import { makeCa, serverCertificate } from './lib/tls.mjs';

const FILE = { 'table.csv': 'a,b\n1,2\n' };

test('events on a broker', async (t) => {
  const authorities = temporaryDir('broker-ca');
  t.after(() => fs.rmSync(authorities, { recursive: true, force: true }));
  const [ours, another] = await Promise.all(['ours', 'another'].map((name) => makeCa(path.join(authorities, name))));
  const broker = await new RabbitMQ({ tls: await serverCertificate(ours) }).start();
  t.after(() => broker.stop());
  const everything = await new Consumer(broker).start();
  const password = path.join(broker.dir, 'password');
  fs.writeFileSync(password, `${broker.password}\n`, { mode: 0o600 });
  const tree = await startTree(t, { set: { 'events.broker_url': `amqp://${broker.user}@127.0.0.1:${broker.port}/`, 'events.broker_password_file': password } });

  await t.test('a whole life, each event under its routing key', async () => {
    const request = await approved(tree, 'export', FILE);
    const messages = await everything.upTo(request, 'approved');
    const statuses = messages.filter(({ event }) => event.type === 'airlock.status_changed.v1').map(({ event }) => event.data.new_status);
    assert.deepEqual(statuses.filter((status, i) => status !== statuses[i - 1]), ['draft', 'submitted', 'in_review', 'approval_in_progress', 'approved']);
    for (const { key, event, messageId, deliveryMode, contentType } of messages) {
      assert.equal(key, `airlock.${event.type.split('.')[1]}.${tree.first.id}`);
      assert.equal(messageId, event.id);
      assert.equal(deliveryMode, 2, 'it is to survive a restart of the broker');
      assert.match(contentType, /^application\/cloudevents\+json/);
      assert.equal(event.specversion, '1.0');
    }
  });

  await t.test('T67 a broker that is killed and comes back has missed nothing', async () => {
    const before = await draftWith(tree, 'export', FILE);
    await everything.upTo(before, 'draft');
    await broker.kill();
    const during = [];
    for (let i = 0; i < 3; i++) during.push(await draftWith(tree, 'export', FILE));
    assert.equal((await tree.as('alice').submit(before)).status, 200);
    await tree.as('alice').waitStatus(before, 'in_review');
    await broker.start();
    await everything.start();
    await everything.upTo(before, 'in_review');
    for (const request of during) await everything.upTo(request, 'draft');
  });

  await t.test('T67 airlock-notify killed: what was not confirmed is told again', async () => {
    const requests = [];
    for (let i = 0; i < 5; i++) {
      requests.push(await draftWith(tree, 'export', FILE));
      tree.kill((await until('airlock-notify', () => tree.find('airlock-notify'))).name);
    }
    for (const request of requests) await everything.upTo(request, 'draft');
  });

  await t.test('TLS: a broker is told only when it shows a certificate of the configured authority', async () => {
    const restart = async (authority) => {
      await tree.stop();
      tree.set = { ...tree.set, 'events.broker_url': `amqps://${broker.user}@localhost:${broker.tlsPort}/`, 'events.broker_ca_file': authority.certificateFile };
      await tree.start();
    };
    await restart(another);
    const request = await draftWith(tree, 'export', FILE);
    await until('the refusal', async () => {
      const { body } = await tree.as('admin').call('GET', '/admin/events?endpoint=broker');
      return body.deliveries.some(({ error }) => /cannot be reached/.test(error ?? ''));
    });
    assert.deepEqual(everything.of(request), []);
    await restart(ours);
    await everything.upTo(request, 'draft');
  });
});
