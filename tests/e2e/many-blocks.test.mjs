// One blob of very many small blocks, all of different lengths, sent in any order: as many as Azure allows with
// AIRLOCK_LONG=1, by default a tenth of them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { assertAzureError, blobUrl, blockId, filesBelow, getBlob, putBlock, putBlockList, send, sha256, startTree } from './harness.mjs';
import { inParallel } from './lib/pool.mjs';
import { times } from './lib/scale.mjs';

const COUNT = times(5_000, 50_000, 'AIRLOCK_BLOCKS');
const RANGES = 60;
const AT_A_TIME = 32;

function shuffled(items) {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const other = crypto.randomInt(i + 1);
    [mixed[i], mixed[other]] = [mixed[other], mixed[i]];
  }
  return mixed;
}

test(`${COUNT} blocks make one blob`, { timeout: 600_000 }, async (t) => {
  const tree = await startTree(t);
  const request = await tree.as('alice').createRequest(tree.first, 'export');
  const link = await tree.as('alice').linkUrl(request);
  const blocks = Array.from({ length: COUNT }, (_, i) => ({ id: blockId(i), bytes: crypto.randomBytes(1 + (i % 97)) }));
  const whole = Buffer.concat(blocks.map((b) => b.bytes));

  await t.test('sent in any order, and some of them twice', async () => {
    const again = blocks.slice(0, 100).map((block) => ({ ...block, bytes: Buffer.from('not this') }));
    await inParallel(again, AT_A_TIME, async ({ id, bytes }) => assert.equal((await putBlock(link, 'many.bin', id, bytes)).status, 201));
    await inParallel(shuffled(blocks), AT_A_TIME, async ({ id, bytes }) => {
      const answer = await putBlock(link, 'many.bin', id, bytes);
      assert.equal(answer.status, 201, answer.text);
    });
  });
  await t.test('listed, committed, listed again', async () => {
    const list = async (which) => {
      const answer = await send('GET', blobUrl(link, 'many.bin', `comp=blocklist&blocklisttype=${which}`));
      assert.equal(answer.status, 200, answer.text);
      return [...answer.text.matchAll(/<Block><Name>([^<]+)<\/Name><Size>(\d+)<\/Size>/g)].map((m) => `${m[1]} ${m[2]}`);
    };
    const wanted = blocks.map((b) => `${b.id} ${b.bytes.length}`);
    assert.deepEqual((await list('uncommitted')).sort(), [...wanted].sort());
    const committed = await putBlockList(link, 'many.bin', blocks.map((b) => b.id));
    assert.equal(committed.status, 201, committed.text);
    assert.deepEqual(await list('committed'), wanted);
    assert.deepEqual(await list('uncommitted'), []);
  });
  const readRanges = async (url) => {
    await inParallel(Array.from({ length: RANGES }), 4, async () => {
      const first = crypto.randomInt(whole.length);
      const last = Math.min(whole.length - 1, first + crypto.randomInt(20_000));
      const answer = await getBlob(url, 'many.bin', { 'x-ms-range': `bytes=${first}-${last}` });
      assert.equal(answer.status, 206, answer.text);
      assert.ok(answer.bytes.equals(whole.subarray(first, last + 1)), `bytes ${first} to ${last}`);
    });
    assert.equal(sha256((await getBlob(url, 'many.bin')).bytes), sha256(whole));
  };
  await t.test('read across the blocks', () => readRanges(link));
  await t.test('sealed as one file', async () => {
    assert.equal((await tree.as('alice').submit(request)).status, 200);
    const sealed = await tree.as('alice').waitStatus(request, 'in_review', 60_000);
    assert.deepEqual(sealed.files, [{ name: 'many.bin', size: whole.length, sha256: sha256(whole) }]);
    await readRanges(await tree.as('bob').linkUrl(request));
    assert.ok(filesBelow(tree.dir).some((f) => f.size === whole.length), 'one file holds them all');
    assertAzureError(await putBlock(link, 'many.bin', blocks[0].id, 'late'), 403, 'AuthenticationFailed');
  });
});
