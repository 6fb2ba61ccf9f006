// Threat T57: clients that are slow on purpose are cut, and as long as they last the others do not feel them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blobUrl, draftWith, getBlob, putBlob, startTree, until } from './harness.mjs';
import { GET, put } from './lib/http-cases.mjs';
import { HEAD_DEADLINE_MS, Servers } from './lib/http-pair.mjs';
import { times } from './lib/scale.mjs';

const BODY_GRACE_MS = 10_000;
const HERD = times(2000, 5000);
const SAMPLES = 300;
const ROUNDS = 4;
const NOISE_MS = 10; // the crowd itself runs on the same few cores

/** Sends a piece every so often until the server closes; how long that took. */
async function drip(port, first, piece, everyMs, patienceMs) {
  const began = Date.now();
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
  socket.on('error', () => { closed = true; });
  socket.on('end', () => { closed = true; });
  socket.write(first);
  while (!closed && Date.now() - began < patienceMs) {
    await sleep(everyMs);
    if (!closed) socket.write(piece);
  }
  socket.destroy();
  return { closed, ms: Date.now() - began, text };
}

test('T57 a slow client is cut', { concurrency: true }, async (t) => {
  const servers = new Servers();
  t.after(() => servers.stop());
  const port = await servers.airlock();
  await Promise.all([
    t.test('T57 a header line now and then', async () => {
      const { closed, ms, text } = await drip(port, GET, 'X: y\r\n', 250, 3 * HEAD_DEADLINE_MS);
      assert.ok(closed && ms >= HEAD_DEADLINE_MS - 100 && ms < HEAD_DEADLINE_MS + 1500, `${closed} after ${ms} ms`);
      assert.match(text, /^HTTP\/1\.1 408 /);
    }),
    t.test('T57 a silent client', async () => {
      const { closed, ms } = await drip(port, '', '', 100, 3 * HEAD_DEADLINE_MS);
      assert.ok(closed && ms < HEAD_DEADLINE_MS + 1500, `${closed} after ${ms} ms`);
    }),
    t.test('T57 a byte of the body a second', async () => {
      const head = put('Content-Length: 1000\r\n', '');
      const { closed, ms, text } = await drip(port, head, 'b', 1000, 2 * BODY_GRACE_MS);
      assert.ok(closed && ms >= BODY_GRACE_MS - 500 && ms < BODY_GRACE_MS + 3000, `${closed} after ${ms} ms`);
      assert.equal(text, '');
    }),
  ]);
});

/** A crowd of slow clients in a process of its own. */
async function startHerd(t, url, count, kind) {
  const { port, pathname, search } = new URL(url);
  const program = path.join(import.meta.dirname, 'lib/slow-herd.mjs');
  const child = spawn(process.execPath, [program, port, String(count), kind, pathname + search], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  const exit = new Promise((resolve) => child.once('exit', resolve));
  t.after(() => child.kill('SIGKILL'));
  await until('the slow clients to be connected', () => said.includes('open'), { timeout: 60_000 });
  return async () => {
    child.stdin.end();
    await exit;
    return Number(/held (\d+)/.exec(said)[1]);
  };
}

/** What 99 of a hundred small downloads stay below, in ms. */
async function p99(link) {
  const took = [];
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now();
    assert.equal((await getBlob(link, 'small.txt')).status, 200);
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[Math.floor(SAMPLES * 0.99)];
}

// Other work on this machine disturbs a round, never improves it: the best of some counts, on both sides.
async function best(link) {
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await p99(link));
  return Math.min(...rounds);
}

for (const kind of ['head', 'body', 'read']) {
  test(`T57 ${HERD} clients with a slow ${kind}: the others' p99 stays below twice`, { timeout: 300_000 }, async (t) => {
    const tree = await startTree(t, { set: { 'http.max_connections': 2 * HERD } });
    const { link } = await draftWith(tree, 'export', { 'small.txt': 'small' });
    assert.equal((await putBlob(link, 'large.bin', Buffer.alloc(4_000_000))).status, 201);
    await p99(link); // warms both sides
    const quiet = await best(link);
    const url = blobUrl(link, kind === 'read' ? 'large.bin' : 'slow.bin');
    const end = await startHerd(t, url, HERD, kind);
    const crowded = await best(link);
    const held = await end();
    t.diagnostic(`p99 ${quiet.toFixed(1)} ms alone, ${crowded.toFixed(1)} ms among ${held} slow clients`);
    assert.ok(held > HERD / 4, `the crowd was there to the end: ${held} of ${HERD}`);
    assert.ok(crowded < 2 * quiet + NOISE_MS, `${crowded} ms, alone ${quiet} ms`);
    assert.equal((await getBlob(link, 'small.txt')).text, 'small');
  });
}

test('T57 one address cannot take every place', async (t) => {
  const tree = await startTree(t, { set: { 'http.max_per_address': 20 } });
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'a' });
  const { hostname, port } = new URL(link);
  const answers = await Promise.all(Array.from({ length: 60 }, () => new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port, localAddress: '127.1.9.9' });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
    setTimeout(resolve, 1500, 'waits');
  })));
  assert.equal(answers.filter((answer) => answer === 'waits').length, 20);
  for (const answer of answers) assert.match(answer, /^(waits$|HTTP\/1\.1 503 )/);
  assert.equal((await getBlob(link, 'a.txt')).status, 200, 'another address is served');
});
