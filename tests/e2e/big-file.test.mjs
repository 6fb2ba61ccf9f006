// 1 GiB, in blocks, by AzCopy: up, down at the review, down after approval; and no process grows with it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { azcopyOk, blobUrl, runOk, startTree } from './harness.mjs';
import { forgetPeak, memoryOf, treeProcesses } from './lib/memory.mjs';

const MiB = 1024 * 1024;
const SIZE = 1024 * MiB;
const GROWTH = 64 * MiB;

function writeRandom(file, size) {
  const handle = fs.openSync(file, 'w');
  const hash = crypto.createHash('sha256');
  for (let left = size; left > 0; left -= 32 * MiB) {
    const bytes = crypto.randomBytes(Math.min(left, 32 * MiB));
    hash.update(bytes);
    fs.writeSync(handle, bytes);
  }
  fs.closeSync(handle);
  return hash.digest('hex');
}

const digestOf = async (file) => (await runOk('sha256sum', [file])).stdout.split(' ')[0];

test('1 GiB goes out, and no process grows by more than 64 MiB', { timeout: 600_000 }, async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bob = tree.as('bob');
  const source = path.join(tree.scratch, 'big.bin');
  const target = path.join(tree.scratch, 'down.bin');
  const sha256 = writeRandom(source, SIZE);
  const request = await alice.createRequest(tree.first, 'export', 'One gibibyte');
  const link = await alice.linkUrl(request);

  const processes = treeProcesses(tree);
  assert.equal(processes.length, 9);
  const rest = new Map(processes.map(({ pid }) => [pid, memoryOf(pid).rss]));
  for (const { pid } of processes) forgetPeak(pid);

  await azcopyOk(tree.scratch, ['copy', source, blobUrl(link, 'big.bin'), '--from-to=LocalBlob']);
  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review', 60_000);
  assert.deepEqual(sealed.files, [{ name: 'big.bin', size: SIZE, sha256 }]);

  await azcopyOk(tree.scratch, ['copy', blobUrl(await bob.linkUrl(request), 'big.bin'), target, '--from-to=BlobLocal']);
  assert.equal(await digestOf(target), sha256, 'what the manager reads is what the manifest says');
  fs.rmSync(target);
  assert.equal((await bob.review(request, true, sealed.properties.manifestDigest)).status, 200);
  await alice.waitStatus(request, 'approved', 60_000);
  await azcopyOk(tree.scratch, ['copy', blobUrl(await alice.linkUrl(request), 'big.bin'), target, '--from-to=BlobLocal']);
  assert.equal(await digestOf(target), sha256, 'and what the requestor gets after approval');

  for (const { pid, name } of processes) {
    const grown = memoryOf(pid).peak - rest.get(pid);
    t.diagnostic(`${name}: at rest ${(rest.get(pid) / MiB).toFixed(1)} MiB, grew by ${(grown / MiB).toFixed(1)} MiB`);
    assert.ok(grown <= GROWTH, `${name} grew by ${(grown / MiB).toFixed(1)} MiB`);
  }
});
