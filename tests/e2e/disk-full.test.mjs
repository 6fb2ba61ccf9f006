// A full disk: 507, and nothing changes; with space again, everything goes on. Needs root, for a small tmpfs.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertProblem, getBlob, listBlobs, namesOf, putBlob, runOk, sha256, startTree, temporaryDir, until } from './harness.mjs';

const MiB = 1024 * 1024;

test('a full disk', { skip: process.getuid() !== 0 && 'needs root for a mount' }, async (t) => {
  const mount = temporaryDir('small');
  await runOk('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', mount]);
  t.after(async () => {
    await runOk('umount', ['-l', mount]);
    fs.rmdirSync(mount);
  });
  const tree = await startTree(t, { home: path.join(mount, 'demo') });
  const alice = tree.as('alice');
  const ballast = path.join(mount, 'ballast');
  const fill = () => {
    const { bavail, bsize } = fs.statfsSync(mount);
    fs.writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 4 * MiB)));
  };

  const request = await alice.createRequest(tree.first, 'export');
  const link = await alice.linkUrl(request);
  const kept = crypto.randomBytes(MiB);
  assert.equal((await putBlob(link, 'kept.bin', kept)).status, 201);

  await t.test('an upload that does not fit: 507, no blob, the old one stays', async () => {
    fill();
    for (const name of ['new.bin', 'kept.bin']) {
      const answer = await putBlob(link, name, crypto.randomBytes(16 * MiB)).catch((error) => error);
      assert.equal(answer.status, 507, String(answer.text ?? answer));
    }
    assert.deepEqual(namesOf(await listBlobs(link)), ['kept.bin']);
    assert.equal(sha256((await getBlob(link, 'kept.bin')).bytes), sha256(kept));
  });
  await t.test('not one byte left: changes are refused, and reading goes on', async () => {
    try {
      fs.appendFileSync(ballast, Buffer.alloc(8 * MiB));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
    const created = [];
    for (let i = 0; i < 200; i++) {
      const answer = await alice.call('POST', `/workspaces/${tree.first.id}/requests`, { type: 'export', title: `t${i}`, businessJustification: 'x'.repeat(9000) });
      if (answer.status === 201) created.push(answer.body.airlockRequest.id);
      else {
        assertProblem(answer, 507);
        break;
      }
    }
    const submitted = await alice.submit(request);
    if (submitted.status !== 200) assertProblem(submitted, 507);
    fs.rmSync(ballast);
    const { airlockRequests } = await alice.ok('GET', `/workspaces/${tree.first.id}/requests?limit=500`);
    const known = airlockRequests.map((e) => e.airlockRequest.id);
    for (const id of created) assert.ok(known.includes(id), 'what was answered 201 is there');
    assert.equal(known.length, created.length + 1, 'what was refused is not');
  });
  await t.test('with space again it goes on by itself', async () => {
    const now = await alice.show(request);
    if (now.status === 'draft') {
      assert.equal((await putBlob(link, 'kept.bin', kept)).status, 201);
      assert.equal((await alice.submit(request)).status, 200);
    }
    const sealed = await until('the seal', async () => {
      const seen = await alice.show(request);
      return seen.status === 'in_review' && seen;
    }, { timeout: 60_000 });
    assert.equal(sealed.files[0].sha256, sha256(kept));
    assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
    await alice.waitStatus(request, 'approved', 60_000);
  });
});
