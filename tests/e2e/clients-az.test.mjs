// The Azure CLI (Debian's azure-cli) against draft and approved links.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { az, blobUrl, sha256, startTree } from './harness.mjs';

async function azOk(tree, args) {
  const result = await az(tree.scratch, args);
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  return result;
}

test('az storage blob upload and download', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 2 } });
  const alice = tree.as('alice');
  const files = { 'small.csv': Buffer.from('a,b\n1,2\n'), 'blocks.bin': crypto.randomBytes(70 * 1024 * 1024) };
  const request = await alice.createRequest(tree.first, 'export');
  const link = await alice.linkUrl(request);
  for (const [name, bytes] of Object.entries(files)) {
    const source = path.join(tree.scratch, name);
    fs.writeFileSync(source, bytes);
    await azOk(tree, ['storage', 'blob', 'upload', '--blob-url', blobUrl(link, name), '--file', source, '--no-progress']);
  }
  const again = await az(tree.scratch, ['storage', 'blob', 'upload', '--blob-url', blobUrl(link, 'small.csv'),
    '--file', path.join(tree.scratch, 'small.csv'), '--no-progress']);
  assert.notEqual(again.code, 0, 'without --overwrite an existing blob stays');

  await alice.submit(request);
  const sealed = await alice.waitStatus(request, 'in_review');
  assert.deepEqual(Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256])),
    Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])));
  assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
  await alice.waitStatus(request, 'approved');

  const outside = await alice.linkUrl(request);
  for (const [name, bytes] of Object.entries(files)) {
    const target = path.join(tree.scratch, `down-${name}`);
    await azOk(tree, ['storage', 'blob', 'download', '--blob-url', blobUrl(outside, name), '--file', target, '--no-progress']);
    assert.equal(sha256(fs.readFileSync(target)), sha256(bytes), name);
  }
});
