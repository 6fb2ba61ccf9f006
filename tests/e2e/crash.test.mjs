// kill -9 of a random process at a random moment, a hundred times, while people go about their work. A client takes no
// answer, 502 and 503 for "I do not know", looks, and goes on. In the end everything is as everyone was told, and whoever
// listens outside, by a webhook and on a broker, was told all of it. AIRLOCK_LONG=1: 200 times while 500 lives run from end
// to end, the kills spread over them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  blockId, getBlob, putBlob, putBlock, putBlockList, Request, run, sha256, startTree, UNLIMITED, until,
} from './harness.mjs';
import { Consumer, RabbitMQ } from './lib/rabbitmq.mjs';
import { keyFile, Receiver } from './lib/receiver.mjs';
import { LONG, times } from './lib/scale.mjs';

const KILLS = times(100, 200, 'AIRLOCK_KILLS');
const LIVES = times(0, 500, 'AIRLOCK_LIVES'); // at least; 0: as many as there are meanwhile
const SEED = Number(process.env.AIRLOCK_SEED ?? Date.now() % 1_000_000);
const CLIENTS = Number(process.env.AIRLOCK_CLIENTS ?? 4);
const VICTIMS = ['airlock-core', 'airlock-api', 'airlock-blob external', 'airlock-blob core', 'airlock-blob workspace',
  'airlock-mover', 'airlock-gate', 'airlock-notify', 'airlock-idp', 'airlockd'];
const GIVE_UP_MS = 120_000;

/** Mulberry32: small, seeded, good enough to choose victims. */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Tries until the answer is a definite one; undefined answers and refusals for want of a process are tried again. */
async function insist(what, attempt) {
  const end = Date.now() + GIVE_UP_MS;
  for (let last; Date.now() < end; await sleep(50)) {
    try {
      const answer = await attempt();
      if (answer && ![502, 503].includes(answer.status)) return answer;
      last = answer?.text;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION' && !/a token for/.test(error.message)) throw error;
      last = error.message;
    }
    if (Date.now() + 1000 > end) throw new Error(`${what}: ${last}`);
  }
  throw new Error(`${what}: gave up`);
}

const ENDINGS = {
  approved: { decide: 'approve' },
  rejected: { decide: 'reject' },
  cancelled: { cancelAt: 'in_review' },
  dropped: { cancelAt: 'draft' },
  revoked: { decide: 'approve', revoke: true },
};
const endStatus = (ending) => (ending === 'dropped' ? 'cancelled' : ending);

class Worker {
  constructor(tree, number, random) {
    Object.assign(this, { tree, number, random, ended: [], unknownCreates: 0 });
  }

  async create(type, title) {
    const alice = this.tree.as('alice');
    const list = `/workspaces/${this.tree.first.id}/requests`;
    const body = { type, title, businessJustification: 'Crash test' };
    for (;;) {
      try {
        const answer = await alice.call('POST', list, body);
        if (answer.status === 201) return new Request(this.tree.first.id, answer.body.airlockRequest);
        assert.equal(answer.status, 503, answer.text);
      } catch (error) {
        if (error.code === 'ERR_ASSERTION' && !/a token for/.test(error.message)) throw error;
      }
      this.unknownCreates++;
      await sleep(50);
      const found = await insist('list', () => alice.call('GET', `${list}?limit=1000&order_by=createdWhen&order_ascending=false`));
      const mine = found.body.airlockRequests.find((e) => e.airlockRequest.title === title);
      if (mine) return new Request(this.tree.first.id, mine.airlockRequest);
    }
  }

  async upload(request, files) {
    const link = (await insist('link', () => this.tree.as('alice').link(request))).body.containerUrl;
    for (const [name, bytes] of Object.entries(files)) {
      const inBlocks = bytes.length > 200_000;
      const ids = [0, 1, 2].map(blockId);
      const part = Math.ceil(bytes.length / ids.length);
      const answer = await insist(`upload ${name}`, async () => {
        if (!inBlocks) return putBlob(link, name, bytes);
        for (const [i, id] of ids.entries()) {
          const staged = await putBlock(link, name, id, bytes.subarray(i * part, (i + 1) * part));
          if (staged.status !== 201) return staged;
        }
        return putBlockList(link, name, ids);
      });
      assert.equal(answer.status, 201, answer.text);
    }
  }

  /** Does what the present status asks for, until the ending is reached. */
  async drive(request, plan, goal) {
    const { tree } = this;
    const [alice, bob] = [tree.as('alice'), tree.as('bob')];
    const end = Date.now() + GIVE_UP_MS;
    for (;;) {
      const now = (await insist('show', () => alice.call('GET', alice.at(request)))).body.airlockRequest;
      if (now.status === goal) return now;
      assert.ok(Date.now() < end, `${request.id} stayed ${now.status}: ${now.statusMessage ?? ''}`);
      const act = {
        draft: () => (plan.cancelAt === 'draft' ? alice.cancel(request) : alice.submit(request)),
        in_review: () => (plan.cancelAt ? alice.cancel(request) : bob.review(request, plan.decide === 'approve', now.properties.manifestDigest)),
        approved: () => plan.revoke && bob.revoke(request),
      }[now.status];
      assert.ok(act || now.status === 'submitted' || now.status.endsWith('_in_progress'), `${request.id} became ${now.status}`);
      const answer = act ? await Promise.resolve().then(act).catch(() => null) : null;
      if (answer) assert.ok([200, 409, 502, 503].includes(answer.status), `${now.status}: ${answer.status} ${answer.text}`);
      if (!act) await sleep(20);
    }
  }

  async live(round) {
    const { random } = this;
    const type = random() < 0.5 ? 'import' : 'export';
    const endings = Object.keys(ENDINGS);
    const ending = endings[Math.floor(random() * endings.length)];
    const title = `${SEED}-${this.number}-${round}`;
    const bytes = Buffer.alloc(random() < 0.3 ? 400_000 : 1000, `${title} `);
    const request = await this.create(type, title);
    await this.upload(request, { 'data.bin': bytes });
    await this.drive(request, ENDINGS[ending], endStatus(ending));
    this.ended.push({ request, ending, type, bytes });
  }

  async run(goesOn) {
    for (let round = 0; goesOn(); round++) await this.live(round);
  }
}

async function killer(tree, random, counts, ended) {
  for (let i = 0; i < KILLS; i++) {
    await until('lives to go on', () => ended() >= (i * LIVES) / KILLS, { timeout: GIVE_UP_MS });
    await sleep(20 + random() * 400);
    const name = VICTIMS[Math.floor(random() * VICTIMS.length)];
    if (name === 'airlockd') {
      await tree.killParent();
      await tree.start();
    } else {
      await until(`${name} to run`, () => tree.find(name), { timeout: 30_000 });
      tree.kill(name);
    }
    counts[name] = (counts[name] ?? 0) + 1;
  }
}

/** Directories of containers on disk: { request id: [ACCOUNT…] }. */
function placesOnDisk(tree) {
  const storage = path.join(tree.dir, 'storage');
  const places = new Map();
  for (const zone of ['external', 'core', 'workspace']) {
    for (const use of ['draft', 'kept']) {
      const top = path.join(storage, zone, use);
      for (const account of fs.existsSync(top) ? fs.readdirSync(top) : []) {
        for (const dir of fs.readdirSync(path.join(top, account))) {
          const id = dir.split('.')[0];
          places.set(id, [...(places.get(id) ?? []), account.replace(/[0-9a-f]{8}$|airlock$/, '')]);
        }
      }
    }
  }
  return places;
}

const PLACE = {
  approved: { import: ['stalimapp'], export: ['stalexapp'] },
  rejected: { import: ['stalimrej'], export: ['stalexrej'] },
};
const expectedPlace = ({ ending, type }) => PLACE[ending]?.[type] ?? [];

/** A webhook and a broker that take every event, and the settings by which they are told. */
async function listeners(t) {
  const keys = [crypto.randomBytes(32)];
  const receiver = await new Receiver(keys).start();
  t.after(() => receiver.stop());
  const broker = await new RabbitMQ().start();
  t.after(() => broker.stop());
  const consumer = await new Consumer(broker).start();
  const password = path.join(broker.dir, 'password');
  fs.writeFileSync(password, `${broker.password}\n`, { mode: 0o600 });
  return {
    receiver,
    consumer,
    set: {
      'events.webhook_url': receiver.url('all'), 'events.webhook_secret_file': keyFile(path.join(broker.dir, 'webhook.key'), keys),
      'events.broker_url': `amqp://${broker.user}@127.0.0.1:${broker.port}/`, 'events.broker_password_file': password,
    },
  };
}

/** The ids of all that happened, from core's own table, once nothing more is to happen. */
async function everyEvent(tree) {
  const ask = async (query) => (await run('sqlite3', ['-readonly', path.join(tree.dir, 'state/airlock.db'), query])).stdout.trim();
  await until('the last job', async () => (await ask("SELECT count(*) FROM job WHERE state <> 'done';")) === '0', { timeout: GIVE_UP_MS, step: 500 });
  return (await ask("SELECT request || '.' || version || '.' || kind FROM event;")).split('\n');
}

test(`${KILLS} times kill -9 during whole life cycles`, { timeout: LONG ? 3_600_000 : 1_200_000 }, async (t) => {
  t.diagnostic(`AIRLOCK_SEED=${SEED}`);
  const random = seeded(SEED);
  const { receiver, consumer, set } = await listeners(t);
  const tree = await startTree(t, { set: { ...UNLIMITED, ...set } });
  const workers = Array.from({ length: CLIENTS }, (_, i) => new Worker(tree, i, seeded(SEED + i + 1)));
  const counts = {};
  let going = true;
  const lived = () => workers.reduce((sum, worker) => sum + worker.ended.length, 0);
  const lives = Promise.all(workers.map((worker) => worker.run(() => going || lived() < LIVES)));
  const began = Date.now();
  await Promise.race([killer(tree, random, counts, lived), lives]); // lives end first only when one fails
  going = false;
  await lives;
  const ended = workers.flatMap((worker) => worker.ended);
  t.diagnostic(`${ended.length} lives in ${(Date.now() - began) / 1000} s; killed: ${JSON.stringify(counts)}`);
  assert.equal(Object.values(counts).reduce((sum, count) => sum + count, 0), KILLS);
  assert.ok(ended.length >= LIVES && (KILLS < 50 || ended.length >= 20), 'work went on');

  await t.test('everything ended as planned, decided once, with the bytes that were sent', async () => {
    for (const { request, ending, bytes } of ended) {
      const now = await tree.as('alice').show(request);
      assert.equal(now.status, endStatus(ending));
      const decided = now.reviews.filter((review) => ['approved', 'rejected'].includes(review.reviewDecision));
      assert.equal(decided.length, ENDINGS[ending].decide ? 1 : 0, ending);
      if (ending === 'dropped') continue;
      assert.deepEqual(now.files, [{ name: 'data.bin', size: bytes.length, sha256: sha256(bytes) }]);
      if (ending !== 'approved') continue;
      assert.ok((await getBlob(await tree.as('alice').linkUrl(request), 'data.bin')).bytes.equals(bytes));
    }
  });
  await t.test('nothing doubled', async () => {
    const known = new Set(ended.map(({ request }) => request.id));
    const strays = (await tree.as('alice').allRequests(tree.first)).filter((r) => !known.has(r.id));
    assert.ok(strays.every((r) => r.status === 'draft'));
    assert.ok(strays.length <= workers.reduce((sum, worker) => sum + worker.unknownCreates, 0), `${strays.length} strays`);
  });
  await t.test('nothing left over on disk, nothing lost', async () => {
    let wrong;
    await until('the disk to be as the database says', () => {
      const places = placesOnDisk(tree);
      wrong = ended.filter((life) => JSON.stringify(places.get(life.request.id) ?? []) !== JSON.stringify(expectedPlace(life)));
      return wrong.length === 0;
    }, { timeout: 60_000, step: 500 }).catch(() => {
      const places = placesOnDisk(tree);
      assert.fail(wrong.map((life) => `${life.type} ${life.ending} ${life.request.id}: ${places.get(life.request.id)}`).join('\n'));
    });
  });
  await t.test('T67 whoever listens was told everything, in an order that can be restored', async () => {
    const told = await everyEvent(tree);
    const happened = new Set(told);
    assert.ok(told.length >= 3 * ended.length, `${told.length} events`);
    for (const [who, ids] of [['webhook', () => receiver.calls.map(({ id }) => id)], ['broker', () => consumer.got.map(({ messageId }) => messageId)]]) {
      let missing;
      await until(`${who} to have heard all`, () => {
        const heard = new Set(ids());
        missing = told.filter((id) => !heard.has(id));
        return missing.length === 0;
      }, { timeout: GIVE_UP_MS, step: 500 }).catch(() => assert.fail(`${who} misses ${missing.length} of ${told.length}: ${missing.slice(0, 5)}`));
      assert.deepEqual(ids().filter((id) => !happened.has(id)), [], `${who} heard only what happened`);
      t.diagnostic(`${who}: ${told.length} events, ${ids().length} came`);
    }
    assert.equal(receiver.forged, 0);
    for (const { request } of ended) {
      const all = told.filter((id) => id.startsWith(request.id)).length;
      for (const heard of [receiver.of('all', request), consumer.of(request)])
        assert.deepEqual(heard.map(({ event }) => event.data.sequence), Array.from({ length: all }, (_, i) => i + 1), 'numbers without gaps');
    }
  });
  await t.test('the database is sound', async () => {
    await tree.stop();
    const check = await run('sqlite3', [path.join(tree.dir, 'state/airlock.db'), 'PRAGMA integrity_check; PRAGMA foreign_key_check;']);
    assert.equal(check.stdout.trim(), 'ok');
  });
});
