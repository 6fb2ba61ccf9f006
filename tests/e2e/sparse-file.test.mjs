// A file far larger than memory, nearly all zeros, in blocks as large as Azure takes them: up, sealed, approved, read far
// out, in little memory and on little disk. 5 GiB by default, 200 GiB (many minutes) with AIRLOCK_LONG=1, or as many as
// AIRLOCK_SPARSE_GIB says.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { blobUrl, blockId, filesBelow, getBlob, headBlob, putBlockList, runOk, startTree } from './harness.mjs';
import { forgetPeak, memoryOf, treeProcesses } from './lib/memory.mjs';
import { times } from './lib/scale.mjs';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const SIZE = times(5, 200, 'AIRLOCK_SPARSE_GIB') * GiB;
const BLOCK = 4000 * MiB; // the most that Put Block takes
const MARK = 8192;
const PATIENCE = 3_600_000;
const MEMORY = 64 * MiB;
const DISK = 256 * MiB;
const BLOCKS = Math.ceil(SIZE / BLOCK);

/** Every block bears a mark of its own, at another place in each; the rest is a hole. */
const MARKS = Array.from({ length: BLOCKS }, (_, i) => {
  const length = Math.min(BLOCK, SIZE - i * BLOCK);
  return { length, at: crypto.randomInt(length - MARK), bytes: crypto.randomBytes(MARK) };
});

function writeBlock(file, { length, at, bytes }) {
  const handle = fs.openSync(file, 'w');
  fs.ftruncateSync(handle, length);
  fs.writeSync(handle, bytes, 0, MARK, at);
  fs.closeSync(handle);
}

/** Around every mark: the mark itself, and zeros on both sides where the block has them. */
async function readMarks(link) {
  for (const [i, { length, at, bytes }] of MARKS.entries()) {
    const before = Math.min(at, 5000);
    const after = Math.min(length - at - MARK, 5000);
    const first = i * BLOCK + at - before;
    const answer = await getBlob(link, 'sparse.img', { 'x-ms-range': `bytes=${first}-${first + before + MARK + after - 1}` });
    assert.equal(answer.status, 206, answer.text);
    assert.ok(answer.bytes.equals(Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(after)])), `around ${first}`);
  }
  const last = await getBlob(link, 'sparse.img', { 'x-ms-range': `bytes=${SIZE - 1}-${SIZE + 99}` });
  assert.equal(last.headers['content-range'], `bytes ${SIZE - 1}-${SIZE - 1}/${SIZE}`);
}

test(`${SIZE / GiB} GiB of zeros and marks go out`, { timeout: 2 * PATIENCE }, async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.first, 'export', 'A sparse image');
  const link = await alice.linkUrl(request);
  const watched = treeProcesses(tree).filter(({ name }) => /blob|mover/.test(name));
  for (const { pid } of watched) forgetPeak(pid);
  const timed = async (what, act) => {
    const began = Date.now();
    const result = await act();
    t.diagnostic(`${what}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    return result;
  };

  const piece = path.join(tree.scratch, 'piece.bin');
  await timed('sent', async () => {
    for (const [i, mark] of MARKS.entries()) {
      writeBlock(piece, mark);
      const url = blobUrl(link, 'sparse.img', `comp=block&blockid=${encodeURIComponent(blockId(i))}`);
      await runOk('curl', ['-sS', '--fail', '-T', piece, url], { timeout: PATIENCE });
    }
  });
  assert.equal((await putBlockList(link, 'sparse.img', MARKS.map((_, i) => blockId(i)))).status, 201);
  assert.equal((await headBlob(link, 'sparse.img')).headers['content-length'], String(SIZE));
  await readMarks(link);

  const sealed = await timed('sealed', async () => {
    assert.equal((await alice.submit(request)).status, 200);
    return alice.waitStatus(request, 'in_review', PATIENCE);
  });
  assert.equal(sealed.files[0].size, SIZE);
  await readMarks(await tree.as('bob').linkUrl(request));
  await timed('approved', async () => {
    assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
    await alice.waitStatus(request, 'approved', PATIENCE);
  });
  await readMarks(await alice.linkUrl(request));

  const stored = filesBelow(tree.dir).filter((f) => f.size === SIZE);
  assert.equal(stored.length, 1);
  const onDisk = fs.statSync(stored[0].path).blocks * 512;
  t.diagnostic(`on disk: ${(onDisk / MiB).toFixed(1)} MiB`);
  assert.ok(onDisk <= DISK, `${onDisk} bytes on disk`);
  for (const { pid, name } of watched) {
    const { peak } = memoryOf(pid);
    t.diagnostic(`${name}: at most ${(peak / MiB).toFixed(1)} MiB`);
    assert.ok(peak <= MEMORY, `${name} took ${(peak / MiB).toFixed(1)} MiB`);
  }
});
