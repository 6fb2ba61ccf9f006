// Threat T20: drafts fill what they are given and no more; the rest of the system does not notice. Needs root, for a small tmpfs.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  assertAzureError, assertProblem, blockId, draftWith, getBlob, listBlobs, namesOf, putBlob, putBlock, putBlockList, runOk, startTree, temporaryDir,
} from './harness.mjs';

const MiB = 1024 * 1024;

test('T20 the quota of a request: 413, and the request goes on', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 5, 'policy.max_bytes': 4 * MiB } });
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'a.bin': Buffer.alloc(3 * MiB) });
  const { link } = request;

  assertAzureError(await putBlob(link, 'b.bin', Buffer.alloc(MiB + 1)), 413, 'RequestBodyTooLarge');
  assert.equal((await putBlob(link, 'b.bin', Buffer.alloc(MiB))).status, 201, 'to the last byte');
  assertAzureError(await putBlob(link, 'c.bin', 'x'), 413, 'RequestBodyTooLarge');
  assert.equal((await putBlob(link, 'a.bin', Buffer.alloc(2 * MiB))).status, 201, 'a smaller file in its place');
  let staged = 0;
  for (let i = 0; i < 20; i++) staged += (await putBlock(link, 'd.bin', blockId(i), Buffer.alloc(MiB))).status === 201 ? 1 : 0;
  assert.ok(staged <= 8, `${staged} MiB of blocks wait for a list`);
  const list = await putBlockList(link, 'd.bin', Array.from({ length: staged }, (_, i) => blockId(i)));
  assertAzureError(list, 413, 'RequestBodyTooLarge');
  assert.deepEqual(namesOf(await listBlobs(link)), ['a.bin', 'b.bin']);
  assert.equal((await alice.submit(request)).status, 200);
  assert.equal((await alice.waitStatus(request, 'in_review')).files.length, 2);
});

test('T20 drafts that fill the disk stop at the reserve: 507 for data, everything else works', async (t) => {
  assert.equal(process.getuid(), 0, 'a mount needs root');
  const mount = temporaryDir('reserve');
  await runOk('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', mount]);
  t.after(async () => {
    await runOk('umount', ['-l', mount]);
    fs.rmdirSync(mount);
  });
  const tree = await startTree(t, { home: path.join(mount, 'demo') }); // the demo keeps 64 MiB free
  const [alice, bob, dave] = ['alice', 'bob', 'dave'].map((name) => tree.as(name));
  const waiting = await draftWith(tree, 'export', { 'a.txt': 'uploaded before' });

  const flood = await dave.createRequest(tree.first, 'export');
  const floodLink = await dave.linkUrl(flood);
  let last;
  for (let i = 0; i < 100 && last !== 507; i++) last = (await putBlob(floodLink, `${i}.bin`, crypto.randomBytes(8 * MiB))).status;
  assert.equal(last, 507, 'the flood ends');
  const { bavail, bsize } = fs.statfsSync(mount);
  assert.ok(bavail * bsize >= 56 * MiB, `${bavail * bsize} bytes are left`);
  assertAzureError(await putBlob(waiting.link, 'b.bin', crypto.randomBytes(16 * MiB)), 507, 'InsufficientStorage');

  assert.equal((await getBlob(waiting.link, 'a.txt')).text, 'uploaded before');
  assert.equal((await alice.submit(waiting)).status, 200);
  const sealed = await alice.waitStatus(waiting, 'in_review');
  assert.equal((await bob.review(waiting, true, sealed.properties.manifestDigest)).status, 200);
  await alice.waitStatus(waiting, 'approved');
  for (let i = 0; i < 20; i++) await alice.createRequest(tree.first, 'import');
  assertProblem(await dave.submit(flood), 409, /more than 1 file/);
  assert.equal((await dave.cancel(flood)).status, 200, 'and the flood can be undone');
  const room = await alice.createRequest(tree.first, 'export');
  const link = await alice.linkUrl(room);
  for (let i = 0; ; i++) {
    const { status } = await putBlob(link, 'b.bin', crypto.randomBytes(16 * MiB));
    if (status === 201) break;
    assert.ok(status === 507 && i < 100, `${status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
