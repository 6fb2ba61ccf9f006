// Copies between containers of one zone, by hand, with AzCopy and with the SDK: bytes move inside the server, under the
// source's own link, and nothing is ever fetched from anywhere else.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import { approved, assertAzureError, azcopyOk, blobUrl, draftWith, getBlob, headBlob, putBlockList, blockId, send, sha256, startTree } from './harness.mjs';

const MiB = 1024 * 1024;
const md5 = (bytes) => crypto.createHash('md5').update(bytes).digest('base64');

/** PUT of a blob from a source, by headers. */
function copy(link, name, source, headers = {}, query = '') {
  return send('PUT', blobUrl(link, name, query), { headers: { 'x-ms-copy-source': source, 'content-length': '0', ...headers } });
}

test('the four forms of a copy', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const bytes = crypto.randomBytes(9 * MiB + 5);
  const out = await approved(tree, 'export', { 'result.bin': bytes });
  const readable = blobUrl(await tree.as('alice').linkUrl(out), 'result.bin');
  const { link } = await draftWith(tree, 'import', { 'first.txt': Buffer.from('first') });

  await t.test('Copy Blob, both ways of asking, is done when it is answered', async () => {
    for (const [name, headers] of [['sync.bin', { 'x-ms-requires-sync': 'true' }], ['async.bin', {}]]) {
      const answer = await copy(link, name, readable, headers);
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.headers['x-ms-copy-status'], 'success');
      assert.match(answer.headers['x-ms-copy-id'], /^[0-9a-f-]{36}$/);
      assert.ok(answer.headers.etag && answer.headers['last-modified']);
      const head = await headBlob(link, name);
      assert.equal(head.headers['x-ms-copy-status'], 'success');
      assert.equal(head.headers['x-ms-copy-id'], answer.headers['x-ms-copy-id']);
      assert.equal(head.headers['x-ms-copy-progress'], `${bytes.length}/${bytes.length}`);
      assert.equal(head.headers['x-ms-copy-source'], readable.split('?')[0], 'the source is shown without its link');
      assert.equal(sha256((await getBlob(link, name)).bytes), sha256(bytes));
    }
  });
  await t.test('Put Blob From URL takes the client\'s headers and checks the source\'s MD5', async () => {
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'x-ms-blob-content-type': 'application/x-thing', 'x-ms-meta-origin': 'lab', 'x-ms-access-tier': 'Hot' };
    const answer = await copy(link, 'from-url.bin', readable, { ...headers, 'x-ms-source-content-md5': md5(bytes) });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers['content-md5'], md5(bytes));
    const head = await headBlob(link, 'from-url.bin');
    assert.equal(head.headers['content-type'], 'application/x-thing');
    assert.equal(head.headers['x-ms-meta-origin'], 'lab');
    assertAzureError(await copy(link, 'wrong.bin', readable, { ...headers, 'x-ms-source-content-md5': md5('other') }), 400, 'Md5Mismatch');
    assert.equal((await headBlob(link, 'wrong.bin')).status, 404, 'nothing of a wrong copy is left');
  });
  await t.test('Put Block From URL in ranges, committed out of order', async () => {
    const half = 5 * MiB + 1;
    const put = (n, range) => copy(link, 'blocks.bin', readable, { 'x-ms-source-range': range }, `comp=block&blockid=${encodeURIComponent(blockId(n))}`);
    assert.equal((await put(1, `bytes=${half}-`)).status, 201);
    assert.equal((await put(2, `bytes=0-${half - 1}`)).status, 201);
    assert.equal((await putBlockList(link, 'blocks.bin', [blockId(2), blockId(1)])).status, 201);
    assert.equal(sha256((await getBlob(link, 'blocks.bin')).bytes), sha256(bytes));
    assertAzureError(await put(3, `bytes=${bytes.length}-`), 416, 'InvalidRange');
    assertAzureError(await put(3, 'bytes=5-1'), 400, 'InvalidHeaderValue');
  });
  await t.test('within one container, empty blobs, metadata and properties of the source', async () => {
    const { link: own } = await draftWith(tree, 'export', { empty: Buffer.alloc(0) });
    const named = { 'x-ms-blob-type': 'BlockBlob', 'x-ms-blob-content-type': 'text/x-own', 'x-ms-meta-Colour': 'blue' };
    assert.equal((await send('PUT', blobUrl(own, 'a'), { headers: named, body: 'abc' })).status, 201);
    assert.equal((await copy(own, 'b', blobUrl(own, 'a'))).status, 202);
    assert.equal((await copy(own, 'c', blobUrl(own, 'a'), { 'x-ms-meta-Shape': 'round' })).status, 202);
    assert.equal((await copy(own, 'd', blobUrl(own, 'empty'))).status, 202);
    const [b, c, d] = [await headBlob(own, 'b'), await headBlob(own, 'c'), await headBlob(own, 'd')];
    assert.equal(b.headers['content-type'], 'text/x-own');
    assert.equal(b.headers['x-ms-meta-colour'], 'blue');
    assert.equal(c.headers['x-ms-meta-shape'], 'round');
    assert.equal(c.headers['x-ms-meta-colour'], undefined);
    assert.equal(d.headers['content-length'], '0');
    assert.equal((await copy(own, 'a', blobUrl(own, 'a'))).status, 202, 'onto itself');
    assert.equal((await getBlob(own, 'a')).text, 'abc');
  });
  await t.test('conditions on both sides', async () => {
    const { etag } = (await send('HEAD', readable)).headers;
    assertAzureError(await copy(link, 'first.txt', readable, { 'if-none-match': '*' }), 409, 'BlobAlreadyExists');
    assertAzureError(await copy(link, 'x', readable, { 'x-ms-source-if-match': '"0x1"' }), 412, 'SourceConditionNotMet');
    assertAzureError(await copy(link, 'x', readable, { 'x-ms-source-if-none-match': etag }), 412, 'SourceConditionNotMet');
    assert.equal((await copy(link, 'x', readable, { 'x-ms-source-if-match': etag })).status, 202);
  });
  await t.test('there is never a copy to abort', async () => {
    const headers = { 'x-ms-copy-action': 'abort', 'content-length': '0' };
    const answer = await send('PUT', blobUrl(link, 'x', `comp=copy&copyid=${crypto.randomUUID()}`), { headers });
    assertAzureError(answer, 409, 'NoPendingCopyOperation');
  });
  await t.test('the source\'s reading is on record as a copy', async () => {
    const { entries } = await tree.as('admin').ok('GET', `/admin/audit?request=${out.id}&limit=500`);
    const copies = entries.filter((e) => e.kind === 'download' && e.detail.copy === true && e.detail.name === 'result.bin');
    assert.ok(copies.length > 0, JSON.stringify(entries.map((e) => [e.kind, e.detail])));
  });
});

test('a copy needs a link on its source, of this zone, for these bytes', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const alice = tree.as('alice');
  const other = await draftWith(tree, 'import', { 'secret.bin': Buffer.from('not yours') });
  const secret = blobUrl(other.link, 'secret.bin');
  const { link } = await draftWith(tree, 'import', {});
  const refused = async (source, status, headers) => {
    const answer = await copy(link, 'stolen', source, headers);
    assertAzureError(answer, status, 'CannotVerifyCopySource');
    assert.equal((await headBlob(link, 'stolen')).status, 404);
    return answer;
  };

  await t.test('no link, another container\'s link, a link without r, a missing blob', async () => {
    const plain = secret.split('?')[0];
    await refused(plain, 403);
    await refused(plain + link.slice(link.indexOf('?')), 403);
    const write = await alice.linkUrl(other, '?permissions=wl');
    const answer = await refused(blobUrl(write, 'secret.bin'), 403);
    assert.equal(answer.headers['x-ms-copy-source-error-code'], 'AuthorizationPermissionMismatch');
    assert.equal(answer.headers['x-ms-copy-source-status-code'], '403');
    await refused(blobUrl(other.link, 'nope'), 404);
  });
  await t.test('no account of another zone, by whatever name', async () => {
    const inside = await draftWith(tree, 'export', { 'inside.bin': Buffer.from('inside') });
    const foreign = blobUrl(inside.link, 'inside.bin');
    await refused(foreign, 403);
    const here = new URL(foreign);
    here.host = new URL(link).host; /* the right listener, the wrong account */
    await refused(here.href, 403);
  });
  await t.test('a source that was submitted meanwhile', async () => {
    assert.equal((await copy(link, 'fine', secret)).status, 202);
    assert.equal((await alice.submit(other)).status, 200);
    await refused(secret, 403);
  });
  await t.test('a body, or no source, is a mistake', async () => {
    const answer = await send('PUT', blobUrl(link, 'x'), { headers: { 'x-ms-copy-source': blobUrl(link, 'fine') }, body: 'abc' });
    assertAzureError(answer, 400, 'InvalidHeaderValue');
    assertAzureError(await send('PUT', blobUrl(link, 'x'), { headers: { 'x-ms-requires-sync': 'true', 'content-length': '0' } }), 400, 'MissingRequiredHeader');
  });
});

test('AzCopy and the SDK copy from container to container', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const small = crypto.randomBytes(100_000);
  const large = crypto.randomBytes(20 * MiB + 3);
  const source = await draftWith(tree, 'import', { 'dir/small.bin': small, 'large.bin': large, 'empty.dat': Buffer.alloc(0) });
  const target = await draftWith(tree, 'import', {});

  await t.test('AzCopy: one blob, then everything', async () => {
    const both = ['--from-to=BlobBlob', '--s2s-preserve-access-tier=false'];
    await azcopyOk(tree.scratch, ['copy', blobUrl(source.link, 'large.bin'), blobUrl(target.link, 'large-again.bin'), ...both]);
    await azcopyOk(tree.scratch, ['copy', source.link, target.link, ...both, '--recursive', '--as-subdir=false']);
    assert.equal(sha256((await getBlob(target.link, 'large-again.bin')).bytes), sha256(large));
    assert.equal(sha256((await getBlob(target.link, 'large.bin')).bytes), sha256(large));
    assert.equal(sha256((await getBlob(target.link, 'dir/small.bin')).bytes), sha256(small));
    assert.equal((await getBlob(target.link, 'empty.dat')).bytes.length, 0);
  });
  await t.test('the SDK: every call that copies', async () => {
    const container = new ContainerClient(target.link, new AnonymousCredential());
    const from = blobUrl(source.link, 'large.bin');
    const blob = (name) => container.getBlockBlobClient(name);
    assert.equal((await blob('sync').syncCopyFromURL(from)).copyStatus, 'success');
    const done = await (await blob('poll').beginCopyFromURL(from)).pollUntilDone();
    assert.equal(done.copyStatus, 'success');
    await blob('upload').syncUploadFromURL(from);
    const id = blockId(1);
    await blob('staged').stageBlockFromURL(id, from, 0, MiB);
    await blob('staged').commitBlockList([id]);
    for (const name of ['sync', 'poll', 'upload']) assert.equal(sha256(await blob(name).downloadToBuffer()), sha256(large), name);
    assert.ok((await blob('staged').downloadToBuffer()).equals(large.subarray(0, MiB)));
    const properties = await blob('sync').getProperties();
    assert.equal(properties.copyStatus, 'success');
    assert.ok(properties.copyCompletedOn instanceof Date);
  });
});
