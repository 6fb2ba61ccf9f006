// Threats T01 to T04: nothing is written into a request after its files were fixed, however the write is timed.
import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertAzureError, blobUrl, blockId, deleteBlob, draftWith, filesBelow, getBlob, listBlobs, namesOf, putBlob, putBlock,
  putBlockList, sha256, startTree, UNLIMITED, until,
} from './harness.mjs';
import { expectOnDisk, inLanes, soon, SPREAD_MS } from './lib/races.mjs';
import { times } from './lib/scale.mjs';

const SUBMITS = times(40, 1000);
const HAMMER_MS = times(2000, 10_000);
const RACES = times(1000, 10_000, 'AIRLOCK_RACES');
const UPLOAD_HEAD_START = 4; // an upload takes longer on its way to the same point than a submit
const MB = 1_000_000;

const manifestOf = (sealed) => Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256]));
const digestsOf = (files) => Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)]));

/** Every way to change what a link opens. */
const WRITES = [
  (link) => putBlob(link, 'a.txt', 'overwritten'),
  (link) => putBlob(link, 'new.txt', 'added'),
  (link) => putBlock(link, 'a.txt', blockId(1), 'a block'),
  (link) => putBlockList(link, 'staged.txt', [blockId(1)]),
  (link) => deleteBlob(link, 'a.txt'),
];

async function submittedWithStagedBlock(tree, files) {
  const request = await draftWith(tree, 'export', files);
  assert.equal((await putBlock(request.link, 'staged.txt', blockId(1), 'staged')).status, 201);
  const submitted = await tree.as('alice').submit(request);
  assert.equal(submitted.status, 200, submitted.text);
  return request;
}

test(`T01 a draft's link writes nothing after the submit, ${SUBMITS} times over`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  await inLanes(SUBMITS, async (i) => {
    const files = { 'a.txt': Buffer.from(`as submitted ${i}`) };
    const request = await submittedWithStagedBlock(tree, files);
    for (const write of WRITES) assertAzureError(await write(request.link), 403, 'AuthenticationFailed');
    const sealed = await tree.as('alice').waitStatus(request, 'in_review', 60_000);
    for (const write of WRITES) assertAzureError(await write(request.link), 403, 'AuthenticationFailed');
    assert.deepEqual(manifestOf(sealed), digestsOf(files));
    const read = await getBlob(await tree.as('bob').linkUrl(request), 'a.txt');
    assert.equal(sha256(read.bytes), sealed.files[0].sha256);
  });
});

test(`T01 a link hammered for ${HAMMER_MS} ms while its request is sealed and decided on`, async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const files = { 'a.txt': Buffer.from('as submitted') };
  const request = await submittedWithStagedBlock(tree, files);
  const refusals = [];
  const hammer = setInterval(() => {
    refusals.push(WRITES[refusals.length % WRITES.length](request.link));
  }, 1);
  const sealed = await tree.as('alice').waitStatus(request, 'in_review');
  await sleep(HAMMER_MS / 2);
  assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
  await tree.as('alice').waitStatus(request, 'approved');
  await sleep(HAMMER_MS / 2);
  clearInterval(hammer);
  const answers = await Promise.all(refusals);
  assert.ok(answers.length > HAMMER_MS / 20, `${answers.length} writes were tried`);
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [403]);
  const read = await getBlob(await tree.as('alice').linkUrl(request), 'a.txt');
  assert.equal(sha256(read.bytes), sha256(files['a.txt']));
});

/** The head of a PUT on a connection of its own; `ended` is what came back, once there is an answer or the server closed. */
function openPut(link, name, length, query = '') {
  const { pathname, search, hostname, port } = new URL(blobUrl(link, name, query));
  const socket = net.connect({ host: hostname, port });
  socket.on('error', () => {});
  const ended = new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
    socket.once('close', () => resolve(''));
  });
  socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: ${length}\r\n\r\n`);
  return { socket, ended };
}

const bigFiles = (tree) => filesBelow(path.join(tree.dir, 'storage')).filter((f) => f.size >= MB);

/** Holds a PUT of 100 MB at 99 %, closes the draft, sends the rest. */
async function lateEnd(tree, { query = '', close, flow = false }) {
  const request = await draftWith(tree, 'export', { 'a.txt': 'complete' });
  const { socket, ended } = openPut(request.link, 'slow.bin', 100 * MB, query);
  await new Promise((resolve) => socket.write(Buffer.alloc(99 * MB, 'x'), resolve));
  await until('99 % to be on disk', () => bigFiles(tree).some((f) => f.size >= 98 * MB), { timeout: 60_000 });
  const trickle = flow && setInterval(() => socket.write(Buffer.alloc(1000)), 20);
  const answer = await close(request);
  assert.equal(answer.status, 200, answer.text);
  if (!socket.destroyed) socket.write(Buffer.alloc(MB));
  const text = await Promise.race([ended, sleep(5000).then(() => 'still open')]);
  clearInterval(trickle);
  socket.destroy();
  assert.match(text, /^($|HTTP\/1\.1 (403|409) )/, 'cut or refused');
  await until('the half file to be removed', () => bigFiles(tree).length === 0);
  return request;
}

test('T02 an upload that began before the submit and ends after it', async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const alice = tree.as('alice');
  const submit = (request) => alice.submit(request);
  const BLOCK = `comp=block&blockid=${encodeURIComponent(blockId(1))}`;
  for (const [name, how] of [['held at 99 %', {}], ['still flowing', { flow: true }], ['a block, held', { query: BLOCK }]]) {
    await t.test(`T02 ${name}: nothing of it is in the request, nothing stays on disk`, async () => {
      const request = await lateEnd(tree, { ...how, close: submit });
      const sealed = await alice.waitStatus(request, 'in_review');
      assert.deepEqual(manifestOf(sealed), digestsOf({ 'a.txt': 'complete' }));
    });
  }
  await t.test('T02 cancelled instead of submitted', async () => {
    const request = await lateEnd(tree, { close: (r) => alice.cancel(r) });
    assert.equal((await alice.show(request)).status, 'cancelled');
  });
  await t.test('T02 every link revoked: the draft stays as it was', async () => {
    const request = await lateEnd(tree, { close: (r) => alice.call('POST', alice.at(r, '/link/revoke-all')) });
    assert.deepEqual(namesOf(await listBlobs(await alice.linkUrl(request))), ['a.txt']);
  });
});

/** The two ways bytes can come late: a list that makes three blocks one file, or a whole blob. */
async function commitLate(request, i) {
  const name = i % 3 === 0 ? 'first.txt' : 'late.txt';
  const parts = ['one ', 'two ', `three ${i}`].map((part) => Buffer.from(part));
  const bytes = Buffer.concat(parts);
  if (i % 4 === 0) return { name, bytes, go: () => putBlob(request.link, name, bytes) };
  const ids = parts.map((_, part) => blockId(part));
  for (const [part, block] of parts.entries()) {
    const staged = await putBlock(request.link, name, ids[part], block);
    assert.equal(staged.status, 201, staged.text);
  }
  return { name, bytes, go: () => putBlockList(request.link, name, ids) };
}

async function commitAgainstSubmit(tree, i) {
  const alice = tree.as('alice');
  const files = { 'first.txt': Buffer.from(`first ${i}`) };
  const request = await draftWith(tree, 'export', files);
  const late = await commitLate(request, i);
  const [put, submit] = await Promise.all([soon(late.go), soon(() => alice.submit(request), UPLOAD_HEAD_START * SPREAD_MS)]);
  assert.equal(submit.status, 200, submit.text);
  assert.ok([201, 403].includes(put.status), `a late commit: ${put.status} ${put.text}`);
  if (put.status === 201) files[late.name] = late.bytes;
  const submitted = Object.fromEntries(submit.body.airlockRequest.files.map((f) => [f.name, f.size]));
  assert.deepEqual(submitted, Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.length])));
  const sealed = await alice.waitStatus(request, 'in_review', 60_000);
  assert.deepEqual(manifestOf(sealed), digestsOf(files));
  return { id: request.id, digests: sealed.files.map((f) => f.sha256).sort(), committed: put.status === 201 };
}

test(`T03 ${RACES} commits of block lists and blobs against submit`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: { ...UNLIMITED, 'policy.max_files': 5 } });
  const raced = await inLanes(RACES, (i) => commitAgainstSubmit(tree, i));
  const committed = raced.filter((r) => r.committed).length;
  t.diagnostic(`the commit came first in ${committed} of ${RACES}`);
  assert.ok(RACES < 100 || (committed > 0 && committed < RACES), 'both sides won at times');
  await expectOnDisk(tree, raced.map(({ id, digests }) => [id, digests]));
});

test('T04 uncommitted blocks belong to their generation and their request', async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const alice = tree.as('alice');
  const ids = [blockId(1), blockId(2)];
  const stage = async (link) => {
    for (const id of ids) assert.equal((await putBlock(link, 'b.bin', id, `block ${id}`)).status, 201);
  };

  await t.test('T04 after a cancel the ids mean nothing, there or in another request', async () => {
    const request = await draftWith(tree, 'export', { 'a.txt': 'a' });
    await stage(request.link);
    assert.equal((await alice.cancel(request)).status, 200);
    assertAzureError(await putBlockList(request.link, 'b.bin', ids), 403, 'AuthenticationFailed');
    const next = await draftWith(tree, 'export', { 'a.txt': 'a' });
    assertAzureError(await putBlockList(next.link, 'b.bin', ids), 400, 'InvalidBlockList');
    assertAzureError(await getBlob(next.link, 'b.bin'), 404, 'BlobNotFound');
  });
  await t.test('T04 after a revoke the next generation does not know them', async () => {
    const request = await draftWith(tree, 'export', { 'a.txt': 'a' });
    await stage(request.link);
    assert.equal((await alice.call('POST', alice.at(request, '/link/revoke-all'))).status, 200);
    const link = await alice.linkUrl(request);
    assertAzureError(await putBlockList(link, 'b.bin', ids), 400, 'InvalidBlockList');
    assert.deepEqual(namesOf(await listBlobs(link, 'include=uncommittedblobs')), ['a.txt']);
    await stage(link);
    assert.equal((await putBlockList(link, 'b.bin', ids)).status, 201);
  });
  await t.test('T04 left uncommitted at the submit they are in no manifest and leave the disk', async () => {
    const request = await draftWith(tree, 'export', { 'a.txt': 'a' });
    await stage(request.link);
    assert.equal((await alice.submit(request)).status, 200);
    const sealed = await alice.waitStatus(request, 'in_review');
    assert.deepEqual(manifestOf(sealed), digestsOf({ 'a.txt': 'a' }));
    await expectOnDisk(tree, [[request.id, sealed.files.map((f) => f.sha256)]]);
  });
});
