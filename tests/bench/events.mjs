// A hundred thousand events to two webhooks, one of which is dead: first it accepts and never answers, then it refuses. What that
// costs the living one, beside the same load without a dead one before and after; and what it costs the disk, until it has all
// left again. Events are made by whole lives of requests, created and cancelled over the API. A life begins when the living
// receiver has heard the end of another, so that its delays are those of delivering and not of a queue that only grows.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { memoryOf, treeProcesses } from '../e2e/lib/memory.mjs';
import { keyFile } from '../e2e/lib/receiver.mjs';
import { runOk } from '../e2e/lib/run.mjs';
import { until } from '../e2e/lib/tree.mjs';
import { median, MiB, percentile } from './measure.mjs';

const LIVES_AT_ONCE = 16;
const ADDED_S = 5;
const PATIENCE = { timeout: 180_000, step: 500 };
const OLD_US = 100 * 86_400_000_000; // older than anything that is kept

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const urlOf = (server) => `http://127.0.0.1:${server.address().port}/`;

/** The living receiver: when each event came, by its id. */
class Living {
  arrived = new Map();
  ends = new Map();

  async start() {
    this.server = http.createServer((request, response) => this.#take(request, response));
    await listen(this.server);
    this.url = urlOf(this.server);
    return this;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    const { id, type, subject } = JSON.parse(Buffer.concat(chunks));
    if (this.arrived.has(id)) return;
    this.arrived.set(id, Date.now());
    if (type === 'airlock.data_deletion.v1') this.#end(subject).resolve();
  }
  #end(id) {
    if (!this.ends.has(id)) this.ends.set(id, Promise.withResolvers());
    return this.ends.get(id);
  }
  async ended({ id }) {
    await this.#end(id).promise;
    this.ends.delete(id);
  }
}

/** The dead one: it takes connections and says nothing; later it is not there. */
class Dead {
  connections = new Set();

  async start() {
    this.server = net.createServer((socket) => {
      this.connections.add(socket);
      socket.on('error', () => {}).on('close', () => this.connections.delete(socket)).resume();
    });
    await listen(this.server);
    this.url = urlOf(this.server);
    return this;
  }
  refuse() {
    for (const socket of this.connections) socket.destroy();
    this.server.close();
  }
}

class EventBench {
  #last = 0; // event that was measured

  constructor(report, tree, living) {
    Object.assign(this, { report, tree, living });
  }

  async sql(query, ...options) {
    const { stdout } = await runOk('sqlite3', [...options, path.join(this.tree.dir, 'state/airlock.db'), query]);
    return stdout.trim().split('\n').filter(Boolean).map((line) => line.split('|'));
  }
  async number(query) {
    return Number((await this.sql(query, '-readonly'))[0][0]);
  }
  bytes(name) {
    return fs.statSync(path.join(this.tree.dir, 'state', name), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Lives, until so many events came of them. */
  async live(events) {
    const { living, tree } = this;
    const alice = tree.as('alice');
    const goal = living.arrived.size + events;
    const lane = async () => {
      while (living.arrived.size < goal) {
        const request = await alice.createRequest(tree.first, 'export');
        await alice.cancel(request);
        await living.ended(request);
      }
    };
    await Promise.all(Array.from({ length: LIVES_AT_ONCE }, lane));
  }

  /** Lives; answers how long each of their events took to the living receiver, in seconds, by core's own time of it. */
  async measure(what, events) {
    const began = performance.now();
    await this.live(events);
    const seconds = (performance.now() - began) / 1000;
    let rows;
    await until('the last events', async () => {
      rows = await this.sql(`SELECT id, request || '.' || version || '.' || kind, at FROM event WHERE id > ${this.#last};`, '-readonly');
      return rows.every(([, id]) => this.living.arrived.has(id));
    }, PATIENCE);
    this.#last = Number(rows.at(-1)[0]);
    const delays = rows.map(([, id, at]) => (this.living.arrived.get(id) - Number(at) / 1000) / 1000);
    this.report.add(what, 'airlock',
      { events: rows.length, 'events/s': rows.length / seconds, 'p50 s': median(delays), 'p99 s': percentile(delays, 0.99), 'longest s': percentile(delays, 1) });
    return delays;
  }

  async again(set) {
    await this.tree.stop();
    this.tree.set = set;
    await this.tree.start();
  }

  /** Answers the bytes of events and deliveries, indexes included. */
  async measureDisk(what, events) {
    const bytes = await this.number(`SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN ('event', 'delivery'));`);
    this.report.add(what, 'airlock', { 'events MiB': bytes / MiB, 'bytes/event': bytes / events,
      'database MiB': this.bytes('airlock.db') / MiB, 'journal MiB': this.bytes('airlock.db-wal') / MiB });
    return bytes;
  }

  reportMemory() {
    for (const { pid, name } of treeProcesses(this.tree).filter((one) => ['airlock-core', 'airlock-notify'].includes(one.name)))
      this.report.add(`memory after that, ${name}`, 'airlock', { 'peak MiB': memoryOf(pid).peak / MiB });
  }

  /** As if three months had passed; answers when housekeeping has removed all but the newest. */
  async growOld() {
    await this.tree.stop();
    await this.sql(`UPDATE event SET at = at - ${OLD_US}; UPDATE delivery SET created = created - ${OLD_US};`);
    const began = performance.now();
    await this.tree.start();
    await until('what is old to leave', async () => (await this.number('SELECT count(*) FROM event;')) <= 1, PATIENCE);
    this.report.add('all of it is old, and leaves', 'airlock', { s: (performance.now() - began) / 1000 });
  }
}

export async function benchEvents(report, makeTree, scratch, count) {
  const living = await new Living().start();
  const dead = await new Dead().start();
  const keys = path.join(scratch, 'keys');
  fs.mkdirSync(keys);
  for (const name of ['living', 'dead']) keyFile(path.join(keys, `${name}.key`), [crypto.randomBytes(32)]);
  const [one, other] = [`living=*,${living.url}`, `dead=*,${dead.url}`];
  try {
    const tree = await makeTree('events', { 'events.webhooks': one, 'events.webhook_secrets': keys });
    const bench = new EventBench(report, tree, living);
    const alone = await bench.measure('events to a webhook, alone', count / 10);
    await bench.again({ ...tree.set, 'events.webhooks': `${one} ${other}` });
    const beside = await bench.measure('events beside one that never answers', count / 2);
    dead.refuse();
    beside.push(...(await bench.measure('events beside one that refuses', count / 2)));
    assert.ok((await bench.number("SELECT count(*) FROM delivery WHERE endpoint = 'dead';")) >= count, 'the dead one got nothing');
    const height = await bench.measureDisk(`the disk, while ${count} wait for the dead one`, count);
    bench.reportMemory();
    await bench.again({ ...tree.set, 'events.webhooks': one });
    alone.push(...(await bench.measure('events to a webhook, alone again', count / 10)));
    await bench.growOld();
    await bench.measure('events after that', count / 10);
    const left = await bench.measureDisk('the disk after that', count / 10);
    report.goal('delay of an event that a dead receiver adds, p99', percentile(beside, 0.99) - percentile(alone, 0.99), { atMost: ADDED_S, unit: 's' });
    report.goal('longest delay beside a dead receiver - median without', percentile(beside, 1) - median(alone), { atMost: ADDED_S, unit: 's' });
    report.goal('disk for events, when the dead one\'s are old / before', left / height, { atMost: 0.2 });
  } finally {
    living.stop();
    dead.refuse();
  }
}
