// A byte changed on disk after the seal: never approved, always noticed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { assertProblem, draftWith, filesHolding, getBlob, inReview, startTree, until } from './harness.mjs';

const BYTES = Buffer.from('Exactly these bytes were reviewed. '.repeat(3000));

function flipOneByte(file) {
  const { mode } = fs.statSync(file);
  fs.chmodSync(file, 0o600);
  const handle = fs.openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(handle, byte, 0, 1, 12345);
  byte[0] ^= 1;
  fs.writeSync(handle, byte, 0, 1, 12345);
  fs.closeSync(handle);
  fs.chmodSync(file, mode);
}

for (const [type, approval] of [['export', true], ['import', true], ['export', false]]) {
  test(`T43 ${type}, ${approval ? 'approved' : 'rejected'} after a byte changed: blocked_by_scan, with an alarm`, async (t) => {
    const tree = await startTree(t);
    const request = await inReview(tree, type, { 'report.txt': BYTES });
    const files = filesHolding(tree, BYTES);
    assert.equal(files.length, 1, 'the sealed object is one plain file of the exact length');
    flipOneByte(files[0]);

    assert.equal((await tree.as('bob').review(request, approval, request.digest)).status, 200);
    const seen = new Set();
    const end = await until('the end', async () => {
      const now = await tree.as('alice').show(request);
      seen.add(now.status);
      return ['approved', 'rejected', 'blocked_by_scan', 'failed'].includes(now.status) && now;
    });
    assert.equal(end.status, 'blocked_by_scan');
    assert.ok(!seen.has('approved'));
    assert.ok(tree.logLines().some((line) => line.level === 'alarm' && line.message.includes(request.id)), 'an alarm names the request');
    for (const who of ['alice', 'bob', 'carol']) assertProblem(await tree.as(who).link(request), 409, /blocked_by_scan/);
    assert.ok(!filesHolding(tree, BYTES).length);
  });
}

test('T43 a file that grew or vanished after the seal is not released either', async (t) => {
  const tree = await startTree(t);
  const grown = await inReview(tree, 'export', { 'grown.txt': Buffer.concat([BYTES, Buffer.from('1')]) });
  const [file] = filesHolding(tree, Buffer.concat([BYTES, Buffer.from('1')]));
  fs.chmodSync(file, 0o600);
  fs.appendFileSync(file, 'one more line');
  assert.equal((await tree.as('bob').review(grown, true, grown.digest)).status, 200);
  await tree.as('alice').waitStatus(grown, 'blocked_by_scan');

  const lost = await inReview(tree, 'export', { 'lost.txt': BYTES });
  const link = await tree.as('bob').linkUrl(lost);
  fs.rmSync(filesHolding(tree, BYTES)[0]);
  assert.ok((await getBlob(link, 'lost.txt').catch(() => ({ status: 500 }))).status >= 500);
  assert.equal((await tree.as('bob').review(lost, true, lost.digest)).status, 200);
  const end = await until('the end', async () => {
    const now = await tree.as('alice').show(lost);
    return !now.status.endsWith('_in_progress') && now;
  }, { timeout: 30_000 });
  assert.ok(['blocked_by_scan', 'failed'].includes(end.status), end.status);
});

test('T43 a byte that changed before the seal: blocked, with an alarm', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', { 'report.txt': BYTES });
  const files = filesHolding(tree, BYTES);
  assert.equal(files.length, 1);
  flipOneByte(files[0]);
  assert.equal((await tree.as('alice').submit(request)).status, 200);
  await tree.as('alice').waitStatus(request, 'blocked_by_scan');
  assert.ok(tree.logLines().some((line) => line.level === 'alarm' && line.message.includes(request.id)), 'an alarm names the request');
});
