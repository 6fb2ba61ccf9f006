// Two people at the same moment: one wins, the other is told; and what was decided on is what the manifest says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockId, draftWith, filesBelow, inReview, putBlob, putBlock, putBlockList, sha256, startTree, until } from './harness.mjs';

const RACES = Number(process.env.AIRLOCK_RACES ?? 1000);
const LANES = 8;
const SPREAD_MS = 5;
const UPLOAD_HEAD_START = 4; // an upload takes longer on its way to the same point

/** Runs work(i) for i below count, some at a time. */
async function inLanes(count, work) {
  const results = new Array(count);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

const soon = (work, spread = SPREAD_MS) => sleep(Math.random() * spread).then(work);

/** SHA-256 of every sealed object on disk, by request id; null when one vanished meanwhile (what a seal leaves over is swept). */
function bytesOnDisk(tree) {
  const found = new Map();
  try {
    for (const file of filesBelow(path.join(tree.dir, 'storage'))) {
      const match = /\/([0-9a-f-]{36})\.\d+\/[^/]+$/.exec(file.path);
      if (!match || file.path.includes('/delivery/')) continue;
      found.set(match[1], [...(found.get(match[1]) ?? []), sha256(fs.readFileSync(file.path))].sort());
    }
  } catch (error) {
    assert.equal(error.code, 'ENOENT');
    return null;
  }
  return found;
}

/** Waits until the disk holds, of each request, exactly the bytes with these digests ([] for none). */
async function expectOnDisk(tree, wanted) {
  let wrong;
  await until('the disk to hold what the manifests say', () => {
    const disk = bytesOnDisk(tree);
    wrong = disk && wanted.filter(([id, digests]) => JSON.stringify(disk.get(id) ?? []) !== JSON.stringify(digests));
    return wrong?.length === 0;
  }, { timeout: 60_000, step: 500 }).catch((error) => assert.fail(`${error.message}: ${wrong?.length} are wrong, ${wrong?.[0]}`));
}

/** How often each request was decided on, from the audit. */
async function decisions(tree) {
  const counted = new Map();
  for (let cursor = ''; cursor !== undefined; ) {
    const page = await tree.as('admin').ok('GET', `/admin/audit?limit=1000${cursor && `&cursor=${cursor}`}`);
    for (const entry of page.entries) {
      if (entry.kind !== 'transition' || !['approve', 'reject', 'cancel'].includes(entry.detail.event)) continue;
      counted.set(entry.request, (counted.get(entry.request) ?? 0) + 1);
    }
    cursor = page.nextCursor;
  }
  return counted;
}

/** The two ways a byte can come late: a whole blob, or the list that makes blocks a blob. */
async function commitLate(request, i) {
  const bytes = Buffer.from(`late ${i}`);
  const name = i % 3 === 0 ? 'first.txt' : 'late.txt';
  if (i % 2 === 0) return { name, bytes, go: () => putBlob(request.link, name, bytes) };
  const staged = await putBlock(request.link, name, blockId(1), bytes);
  assert.equal(staged.status, 201, staged.text);
  return { name, bytes, go: () => putBlockList(request.link, name, [blockId(1)]) };
}

async function uploadAgainstSubmit(tree, i) {
  const alice = tree.as('alice');
  const files = { 'first.txt': Buffer.from(`first ${i}`) };
  const request = await draftWith(tree, 'export', files);
  const late = await commitLate(request, i);
  const [put, submit] = await Promise.all([soon(late.go), soon(() => alice.submit(request), UPLOAD_HEAD_START * SPREAD_MS)]);
  assert.equal(submit.status, 200, submit.text);
  assert.ok([201, 403].includes(put.status), `a late upload: ${put.status} ${put.text}`);
  if (put.status === 201) files[late.name] = late.bytes;
  const sealed = await alice.waitStatus(request, 'in_review', 60_000);
  const manifest = Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256]));
  assert.deepEqual(manifest, Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])));
  request.digest = sealed.properties.manifestDigest;
  request.sha256 = sealed.files.map((f) => f.sha256).sort();
  return { request, uploaded: put.status === 201 };
}

/** Of two contenders exactly one is answered 200, the other 409; answers who won. */
async function contend(first, second) {
  const [a, b] = await Promise.all([soon(first), soon(second)]);
  assert.deepEqual([a.status, b.status].sort(), [200, 409], `${a.text}\n${b.text}`);
  return a.status === 200;
}

test(`${RACES} uploads against submit, then ${RACES} approvals against rejections`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 5 } });
  const [alice, bob, erin] = ['alice', 'bob', 'erin'].map((name) => tree.as(name));
  let raced;

  await t.test('upload against submit', async (part) => {
    raced = await inLanes(RACES, (i) => uploadAgainstSubmit(tree, i));
    const uploads = raced.filter((r) => r.uploaded).length;
    part.diagnostic(`the upload came first in ${uploads} of ${RACES}`);
    assert.ok(RACES < 100 || (uploads > 0 && uploads < RACES), 'both sides won at times');
    await expectOnDisk(tree, raced.map(({ request }) => [request.id, request.sha256]));
  });
  await t.test('approve against reject', async (part) => {
    const approvals = await inLanes(raced.length, async (i) => {
      const { request } = raced[i];
      const won = await contend(() => bob.review(request, true, request.digest), () => erin.review(request, false, request.digest));
      const end = await alice.waitStatus(request, won ? 'approved' : 'rejected', 60_000);
      assert.equal(end.reviews.length, 1);
      assert.equal(end.reviews[0].reviewDecision, won ? 'approved' : 'rejected');
      return won;
    });
    part.diagnostic(`approval won ${approvals.filter(Boolean).length} of ${raced.length}`);
    const counted = await decisions(tree);
    for (const { request } of raced) assert.equal(counted.get(request.id), 1, 'one decision, one row in the audit');
    await expectOnDisk(tree, raced.map(({ request }) => [request.id, request.sha256]));
  });
});

test(`${RACES} approvals against cancellations`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t);
  const [alice, bob] = ['alice', 'bob'].map((name) => tree.as(name));
  const ended = await inLanes(RACES, async (i) => {
    const request = await inReview(tree, i % 2 ? 'import' : 'export', { 'a.txt': Buffer.from(`cancel ${i}`) });
    const won = await contend(() => bob.review(request, true, request.digest), () => alice.cancel(request));
    await alice.waitStatus(request, won ? 'approved' : 'cancelled', 60_000);
    return { request, won };
  });
  t.diagnostic(`approval won ${ended.filter((e) => e.won).length} of ${RACES}`);
  const counted = await decisions(tree);
  for (const { request } of ended) assert.equal(counted.get(request.id), 1);
  await expectOnDisk(tree, ended.map(({ request, won }) => [request.id, won ? request.sealed.files.map((f) => f.sha256) : []]));
});
