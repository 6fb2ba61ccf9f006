// Microsoft's JavaScript SDK, @azure/storage-blob, against a draft link.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { Readable } from 'node:stream';
import test from 'node:test';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import { sha256, startTree } from './harness.mjs';

const MiB = 1024 * 1024;

test('the SDK\'s everyday calls', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 100 } });
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.first, 'export');
  const container = new ContainerClient(await alice.linkUrl(request), new AnonymousCredential());
  const bytes = crypto.randomBytes(9 * MiB + 77);
  const big = container.getBlockBlobClient('dir/big ü+%.bin');

  await t.test('upload in blocks, properties, metadata', async () => {
    await big.uploadData(bytes, {
      maxSingleShotSize: MiB, blockSize: 2 * MiB, concurrency: 4,
      blobHTTPHeaders: { blobContentType: 'application/x-thing' }, metadata: { origin: 'lab' },
    });
    const properties = await big.getProperties();
    assert.equal(properties.contentLength, bytes.length);
    assert.equal(properties.contentType, 'application/x-thing');
    assert.equal(properties.metadata.origin, 'lab');
    assert.equal(properties.blobType, 'BlockBlob');
    assert.ok(properties.etag && properties.lastModified instanceof Date);
    assert.equal(await big.exists(), true);
    assert.equal(await container.getBlobClient('nope').exists(), false);
  });
  await t.test('download whole, by range, into a buffer', async () => {
    assert.equal(sha256(await big.downloadToBuffer()), sha256(bytes));
    const part = await big.downloadToBuffer(MiB, 50);
    assert.ok(part.equals(bytes.subarray(MiB, MiB + 50)));
    const stream = (await big.download()).readableStreamBody;
    const hash = crypto.createHash('sha256');
    for await (const chunk of stream) hash.update(chunk);
    assert.equal(hash.digest('hex'), sha256(bytes));
  });
  await t.test('a stream of unknown length goes up', async () => {
    const streamed = container.getBlockBlobClient('streamed.bin');
    const pieces = Array.from({ length: 7 }, (_, i) => bytes.subarray(i * MiB, (i + 1) * MiB));
    await streamed.uploadStream(Readable.from(pieces), 2 * MiB, 3, { blobHTTPHeaders: { blobContentType: 'text/csv' } });
    assert.equal((await streamed.getProperties()).contentType, 'text/csv');
    assert.equal(sha256(await streamed.downloadToBuffer()), sha256(Buffer.concat(pieces)));
    await streamed.uploadStream(Readable.from([]));
    assert.equal((await streamed.getProperties()).contentLength, 0);
  });
  await t.test('metadata and headers are changed, each alone', async () => {
    const blob = container.getBlockBlobClient('changed.txt');
    const { etag } = await blob.upload('text', 4, { metadata: { first: '1' }, blobHTTPHeaders: { blobContentType: 'text/plain' } });
    const next = await blob.setMetadata({ second: '2', Third: 'drei' }, { conditions: { ifMatch: etag } });
    assert.notEqual(next.etag, etag);
    await assert.rejects(blob.setMetadata({}, { conditions: { ifMatch: etag } }), (e) => e.statusCode === 412);
    assert.deepEqual((await blob.getProperties()).metadata, { second: '2', third: 'drei' });
    await blob.setHTTPHeaders({ blobContentType: 'text/csv', blobContentLanguage: 'de', blobCacheControl: 'no-store' });
    const now = await blob.getProperties();
    assert.deepEqual([now.contentType, now.contentLanguage, now.cacheControl, now.contentLength], ['text/csv', 'de', 'no-store', 4]);
    assert.deepEqual(now.metadata, { second: '2', third: 'drei' });
    await blob.setMetadata();
    assert.deepEqual((await blob.getProperties()).metadata, {});
    await assert.rejects(container.getBlobClient('nope').setMetadata({ a: '1' }), (e) => e.code === 'BlobNotFound');
    for await (const item of container.listBlobsFlat({ prefix: 'changed', includeMetadata: true })) assert.equal(item.properties.contentType, 'text/csv');
  });
  await t.test('the container is there', async () => {
    assert.equal(await container.exists(), true);
    const properties = await container.getProperties();
    assert.ok(properties.etag && properties.lastModified instanceof Date);
    await assert.rejects(container.create(), (e) => e.statusCode === 403);
    await assert.rejects(container.delete(), (e) => e.statusCode === 403);
  });
  await t.test('blocks by hand, block lists, overwriting', async () => {
    const blob = container.getBlockBlobClient('by-hand.bin');
    const id = (n) => Buffer.from(`block-${n}`).toString('base64');
    await blob.stageBlock(id(2), 'world', 5);
    await blob.stageBlock(id(1), 'hello ', 6);
    const staged = await blob.getBlockList('uncommitted');
    assert.deepEqual(staged.uncommittedBlocks.map((b) => [b.name, b.size]).sort(), [[id(1), 6], [id(2), 5]]);
    assert.equal(await blob.exists(), false, 'staged blocks are not a blob');
    await blob.commitBlockList([id(1), id(2)]);
    assert.equal((await blob.downloadToBuffer()).toString(), 'hello world');
    await blob.stageBlock(id(3), 'there', 5);
    await blob.commitBlockList([id(1), id(3), id(1)]);
    assert.equal((await blob.downloadToBuffer()).toString(), 'hello therehello ');
    await assert.rejects(blob.commitBlockList([id(9)]), (e) => e.code === 'InvalidBlockList');
    assert.equal((await blob.downloadToBuffer()).toString(), 'hello therehello ');
  });
  await t.test('conditions', async () => {
    const blob = container.getBlockBlobClient('conditional.txt');
    const { etag } = await blob.upload('one', 3, { conditions: { ifNoneMatch: '*' } });
    await assert.rejects(blob.upload('two', 3, { conditions: { ifNoneMatch: '*' } }), (e) => e.code === 'BlobAlreadyExists');
    await assert.rejects(blob.upload('two', 3, { conditions: { ifMatch: '"0x1"' } }), (e) => e.statusCode === 412);
    await blob.upload('two', 3, { conditions: { ifMatch: etag } });
    await assert.rejects(blob.download(0, undefined, { conditions: { ifMatch: etag } }), (e) => e.statusCode === 412);
  });
  await t.test('listing flat, by hierarchy, in pages; deleting', async () => {
    for (let i = 0; i < 12; i++) await container.getBlockBlobClient(`many/f${String(i).padStart(2, '0')}`).upload('x', 1);
    const names = [];
    for await (const page of container.listBlobsFlat({ prefix: 'many/' }).byPage({ maxPageSize: 5 })) {
      assert.ok(page.segment.blobItems.length <= 5);
      names.push(...page.segment.blobItems.map((b) => b.name));
    }
    assert.deepEqual(names, Array.from({ length: 12 }, (_, i) => `many/f${String(i).padStart(2, '0')}`));
    const prefixes = [];
    for await (const item of container.listBlobsByHierarchy('/')) if (item.kind === 'prefix') prefixes.push(item.name);
    assert.deepEqual(prefixes, ['dir/', 'many/']);
    await container.getBlobClient('many/f00').delete();
    assert.equal((await container.getBlobClient('many/f00').deleteIfExists()).succeeded, false);
  });
});
