// AzCopy's jobs: one that is interrupted and resumed, syncs both ways, pipes, and digests that travel with the files.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { azcopy, azcopyOk, blobUrl, filesBelow, headBlob, listBlobs, namesOf, putBlob, send, sha256, startTree, until } from './harness.mjs';

const MiB = 1024 * 1024;
const UP = '--from-to=LocalBlob';
const DOWN = '--from-to=BlobLocal';
const CANCELLED = 1;
const LONG_AGO = new Date('2020-01-01');
const md5 = (bytes) => crypto.createHash('md5').update(bytes).digest('base64');

function write(dir, name, bytes) {
  const full = path.join(dir, name);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, bytes);
  return full;
}
const read = (dir) => Object.fromEntries(filesBelow(dir).map((f) => [path.relative(dir, f.path), fs.readFileSync(f.path, 'utf8')]).sort());

/** Blocks that were sent for a blob and are in no list: a number. */
async function stagedBlocks(link, name) {
  const answer = await send('GET', blobUrl(link, name, 'comp=blocklist&blocklisttype=uncommitted'));
  return answer.status === 404 ? 0 : [...answer.text.matchAll(/<Block>/g)].length;
}

async function draft(t, set) {
  const tree = await startTree(t, { set });
  const request = await tree.as('alice').createRequest(tree.first, 'export');
  return { tree, alice: tree.as('alice'), request, link: await tree.as('alice').linkUrl(request) };
}

async function sealedDigests({ alice, request }) {
  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review', 60_000);
  return Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256]));
}

test('an upload that was interrupted is cleaned up, resumed, and whole', async (t) => {
  const run = await draft(t);
  const { tree, link } = run;
  const bytes = crypto.randomBytes(96 * MiB + 321);
  const source = write(tree.scratch, 'big.bin', bytes);
  let child;
  const words = ['copy', source, blobUrl(link, 'big.bin'), UP, '--cap-mbps=80', '--output-type=text'];
  const upload = azcopy(tree.scratch, words, { onStart: (started) => (child = started) });
  await until('blocks on their way', async () => (await stagedBlocks(link, 'big.bin')) >= 2);
  child.kill('SIGINT');
  const stopped = await upload;
  assert.equal(stopped.code, CANCELLED, stopped.stdout);
  assert.match(stopped.stdout, /Final Job Status: Cancelled/);
  const job = /Job ([0-9a-f-]{36}) has started/.exec(stopped.stdout)[1];

  assert.equal(await stagedBlocks(link, 'big.bin'), 0, 'AzCopy takes back what it had sent');
  assert.doesNotMatch((await listBlobs(link, 'include=uncommittedblobs')).text, /<Blob>/);
  await until('the blocks\' bytes to go', () => filesBelow(tree.dir).every((f) => f.size < 2 * MiB) || null);

  const resumed = await azcopyOk(tree.scratch, ['jobs', 'resume', job, `--destination-sas=${new URL(link).search.slice(1)}`]);
  assert.match(resumed.stdout, /Final Job Status: Completed/);
  assert.equal(await stagedBlocks(link, 'big.bin'), 0);
  assert.deepEqual(await sealedDigests(run), { 'big.bin': sha256(bytes) });
});

test('syncs both ways, removing what is no longer there', async (t) => {
  const run = await draft(t, { 'policy.max_files': 10 });
  const { tree, link } = run;
  const [up, down] = ['up', 'down'].map((name) => path.join(tree.scratch, name));
  const sync = (from, to, way) => azcopyOk(tree.scratch, ['sync', from, to, way, '--delete-destination=true', '--recursive']);
  write(up, 'keep.txt', 'kept');
  write(up, 'sub/change.txt', 'before');
  write(up, 'sub/gone.txt', 'for a while');
  fs.mkdirSync(down);
  const age = (dir) => filesBelow(dir).forEach((f) => fs.utimesSync(f.path, LONG_AGO, LONG_AGO));
  age(up); // a blob's time is in whole seconds, so what was written in this one would look newer
  await sync(up, link, UP);
  await sync(link, down, DOWN);
  age(down);
  assert.deepEqual(read(down), { 'keep.txt': 'kept', 'sub/change.txt': 'before', 'sub/gone.txt': 'for a while' });

  const etag = (await headBlob(link, 'keep.txt')).headers.etag;
  write(up, 'sub/change.txt', 'after');
  const later = new Date(Date.now() + 2000);
  fs.utimesSync(path.join(up, 'sub/change.txt'), later, later);
  fs.rmSync(path.join(up, 'sub/gone.txt'));
  await sync(up, link, UP);
  assert.equal((await headBlob(link, 'keep.txt')).headers.etag, etag, 'what did not change was not sent again');
  await sync(link, down, DOWN);
  assert.deepEqual(read(down), { 'keep.txt': 'kept', 'sub/change.txt': 'after' });
  assert.deepEqual(await sealedDigests(run), { 'keep.txt': sha256('kept'), 'sub/change.txt': sha256('after') });
});

test('digests go up with the files, and are checked on the way down', async (t) => {
  const { tree, link } = await draft(t, { 'policy.max_files': 10 });
  const files = { 'one-piece.bin': crypto.randomBytes(MiB), 'blocks.bin': crypto.randomBytes(17 * MiB), 'empty.bin': Buffer.alloc(0) };
  for (const [name, bytes] of Object.entries(files)) {
    const source = write(tree.scratch, name, bytes);
    await azcopyOk(tree.scratch, ['copy', source, blobUrl(link, name), UP, '--put-md5']);
    assert.equal((await headBlob(link, name)).headers['content-md5'], md5(bytes), name);
    const target = path.join(tree.scratch, `down-${name}`);
    await azcopyOk(tree.scratch, ['copy', blobUrl(link, name), target, DOWN, '--check-md5=FailIfDifferentOrMissing']);
    assert.ok(fs.readFileSync(target).equals(bytes), name);
  }
  const wrong = await putBlob(link, 'wrong.bin', 'these bytes', { 'x-ms-blob-content-md5': md5('others') });
  assert.equal(wrong.status, 400, 'a digest that is not that of the bytes');
});

test('pipes both ways, and a directory removed at once', async (t) => {
  const { tree, link } = await draft(t, { 'policy.max_files': 10 });
  for (const bytes of [Buffer.from('short\n'), Buffer.alloc(20 * MiB, 'long text ')]) {
    await azcopyOk(tree.scratch, ['copy', blobUrl(link, 'piped/it'), '--from-to=PipeBlob'], { input: bytes });
    const { stdout } = await azcopyOk(tree.scratch, ['copy', blobUrl(link, 'piped/it'), '--from-to=BlobPipe']);
    assert.equal(sha256(stdout), sha256(bytes));
  }
  for (const name of ['piped/a', 'piped/b/c', 'stays']) assert.equal((await putBlob(link, name, name)).status, 201);
  await azcopyOk(tree.scratch, ['remove', blobUrl(link, 'piped'), '--from-to=BlobTrash', '--recursive']);
  assert.deepEqual(namesOf(await listBlobs(link)), ['stays']);
});
