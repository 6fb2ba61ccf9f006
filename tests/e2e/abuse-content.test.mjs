// Threats T18 and T19: what rides along with a file, and how many files there are.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  approved, assertAzureError, assertProblem, blobUrl, blockId, draftWith, getBlob, headBlob, listBlobs, namesOf, putBlob, putBlock, putBlockList, send, sha256,
  startTree,
} from './harness.mjs';
import { inLanes } from './lib/races.mjs';

const SECRET = 'SECRET-IN-THE-MARGIN';
const padding = (n) => SECRET.padEnd(n, 'x');

/** All that a client may send along, each with the secret in it. */
const RIDERS = {
  ...Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`x-ms-meta-note${i}`, padding(1000)])),
  'x-ms-meta-mtime': '1700000000',
  'x-ms-blob-content-language': SECRET,
  'x-ms-blob-content-encoding': SECRET,
  'x-ms-blob-content-disposition': `attachment; filename="${SECRET}"`,
  'x-ms-blob-cache-control': SECRET,
  'x-ms-client-request-id': SECRET,
  'user-agent': SECRET,
};

for (const type of ['export', 'import']) {
  test(`T18 what rides along with an ${type} is gone once it is sealed, or stands in the manifest`, async (t) => {
    const tree = await startTree(t, { set: { 'policy.kept_metadata': 'mtime' } });
    const request = await draftWith(tree, type, {});
    assert.equal((await putBlob(request.link, 'a.txt', 'content', { ...RIDERS, 'x-ms-blob-content-type': 'text/x-kept' })).status, 201);
    assert.equal((await headBlob(request.link, 'a.txt')).headers['x-ms-meta-note0'], padding(1000), 'it was stored');
    assert.equal((await tree.as('alice').submit(request)).status, 200);
    const sealed = await tree.as('alice').waitStatus(request, 'in_review');
    const forReview = await tree.as('bob').linkUrl(request);
    assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
    const seen = [];
    const look = async (link) => {
      for (const answer of [await getBlob(link, 'a.txt'), await headBlob(link, 'a.txt'), await listBlobs(link, 'include=metadata')]) {
        seen.push(JSON.stringify(answer.headers) + answer.text);
        if (answer.headers['x-ms-blob-type']) assert.equal(answer.headers['content-type'], 'text/x-kept');
        if (answer.headers['x-ms-blob-type']) assert.equal(answer.headers['x-ms-meta-mtime'], '1700000000', 'the one that is kept');
      }
    };
    assert.equal((await getBlob(forReview, 'a.txt')).status, 403, 'the review\'s link ended with the review');
    await tree.as('alice').waitStatus(request, 'approved');
    await look(await tree.as('alice').linkUrl(request));
    for (const text of seen) assert.ok(!text.includes(SECRET), text);
    assert.ok(!JSON.stringify(await tree.as('bob').show(request)).includes(SECRET));
  });
}

test('T18 block ids and the MD5 that a client claims do not survive the seal', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', {});
  const id = Buffer.from(padding(48)).toString('base64');
  const claimed = Buffer.from(SECRET.slice(0, 16)).toString('base64');
  assert.equal((await putBlock(request.link, 'a.txt', id, 'content')).status, 201);
  assert.equal((await putBlockList(request.link, 'a.txt', [id], { 'x-ms-blob-content-md5': claimed })).status, 201);
  assert.equal((await headBlob(request.link, 'a.txt')).headers['content-md5'], claimed, 'a list\'s MD5 is taken on trust, as Azure does');
  assert.equal((await tree.as('alice').submit(request)).status, 200);
  await tree.as('alice').waitStatus(request, 'in_review');
  const link = await tree.as('bob').linkUrl(request);
  const blocks = await send('GET', blobUrl(link, 'a.txt', 'comp=blocklist&blocklisttype=all'));
  for (const answer of [await getBlob(link, 'a.txt'), await listBlobs(link), blocks]) {
    assert.ok(!(JSON.stringify(answer.headers) + answer.text).includes(claimed), answer.text);
    assert.ok(!answer.text.includes(id), answer.text);
  }
});

test('T18 more metadata than 8 KiB, and names that are none, are refused', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', {});
  const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x-ms-meta-n${i}`, 'x'.repeat(1000)]));
  assertAzureError(await putBlob(link, 'a', 'x', nine), 400, 'MetadataTooLarge');
  for (const name of ['x-ms-meta-a-b', 'x-ms-meta-1a', 'x-ms-meta-']) assertAzureError(await putBlob(link, 'a', 'x', { [name]: 'v' }), 400, 'InvalidMetadata');
  assertAzureError(await putBlob(link, 'a', 'x', { 'x-ms-tags': 'a=b' }), 403, 'AuthorizationPermissionMismatch');
  assert.deepEqual(namesOf(await listBlobs(link)), []);
});

test('T19 how many files a request may have', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 3 } });
  const alice = tree.as('alice');
  const names = ['a', 'b', 'c', 'd'];

  for (const count of [0, 4]) {
    await t.test(`T19 ${count} of 1 to 3: refused, and it stays a draft`, async () => {
      const request = await draftWith(tree, 'export', Object.fromEntries(names.slice(0, count).map((name) => [name, name])));
      const link = request.link;
      assertProblem(await alice.submit(request), 409, count ? /more than 3 files/ : /did not contain any files/);
      assert.equal((await alice.show(request)).status, 'draft');
      assert.equal((await putBlob(link, 'a', 'still open')).status, 201);
    });
  }
  for (const count of [1, 2, 3]) {
    await t.test(`T19 ${count} of 1 to 3: taken`, async () => {
      const request = await draftWith(tree, 'export', Object.fromEntries(names.slice(0, count).map((name) => [name, name])));
      assert.equal((await alice.submit(request)).status, 200);
      assert.equal((await alice.waitStatus(request, 'in_review')).files.length, count);
    });
  }
  await t.test('T19 a file of 0 bytes is a file', async () => {
    const request = await approved(tree, 'import', { empty: Buffer.alloc(0) });
    assert.deepEqual(request.sealed.files, [{ name: 'empty', size: 0, sha256: sha256('') }]);
    assert.equal((await getBlob(await alice.linkUrl(request), 'empty')).bytes.length, 0);
  });
  await t.test('T19 names without end, as blobs and as blocks: a draft is bounded', async () => {
    const request = await draftWith(tree, 'export', {});
    const statuses = await inLanes(1100, async (i) => {
      const answer = i % 2 ? await putBlob(request.link, `n${i}`, '') : await putBlock(request.link, `n${i}`, blockId(1), 'x');
      return answer.status;
    });
    const taken = statuses.filter((status) => status === 201).length;
    assert.deepEqual([...new Set(statuses)].sort(), [201, 413]);
    assert.ok(taken >= 1000 && taken <= 1020, `${taken} names were taken`);
    assertProblem(await alice.submit(request), 409, /more than 3 files/);
  });
});
