// curl, and raw HTTP where it matters: what the data plane takes and what it refuses.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  assertAzureError, blobUrl, blockId, deleteBlob, draftWith, getBlob, headBlob, listBlobs, namesOf, putBlob,
  putBlock, putBlockList, runOk, send, sendRaw, sha256, startTree,
} from './harness.mjs';

test('curl uploads, reads, resumes and deletes', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bytes = crypto.randomBytes(3 * 1024 * 1024);
  const source = path.join(tree.scratch, 'up.bin');
  const target = path.join(tree.scratch, 'down.bin');
  fs.writeFileSync(source, bytes);
  const request = await alice.createRequest(tree.first, 'import');
  const url = blobUrl(await alice.linkUrl(request), 'up.bin');

  const up = await runOk('curl', ['-sS', '-w', '%{http_code}', '-T', source, '-H', 'x-ms-blob-type: BlockBlob', url]);
  assert.equal(up.stdout, '201');
  await runOk('curl', ['-sSf', '-o', target, '-r', '0-99999', url]);
  await runOk('curl', ['-sSf', '-o', target, '-C', '100000', url]);
  assert.equal(sha256(fs.readFileSync(target)), sha256(bytes));
  const head = await runOk('curl', ['-sSfI', url]);
  assert.match(head.stdout, new RegExp(`content-length: ${bytes.length}`, 'i'));
  const gone = await runOk('curl', ['-sS', '-w', '%{http_code}', '-X', 'DELETE', url]);
  assert.equal(gone.stdout, '202');
  assert.equal((await getBlob(url.split('/up.bin').join(''), 'up.bin')).status, 404);
});

test('what a link opens, and nothing else', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const other = await draftWith(tree, 'export', { 'b.txt': 'other' });
  const { link } = request;

  await t.test('another container, another zone, a changed parameter: 403', async () => {
    assertAzureError(await getBlob(link.replace(request.id, other.id), 'b.txt'), 403, 'AuthenticationFailed');
    const account = new URL(link).pathname.split('/')[1];
    assertAzureError(await getBlob(link.replace(account, account.replace('stalexint', 'stalexip')), 'a.txt'), 403, 'AuthenticationFailed');
    for (const zone of ['external', 'core']) {
      const answer = await getBlob(link.replace(tree.ready.blob.workspace, tree.ready.blob[zone]), 'a.txt');
      assert.equal(answer.status, 403, zone);
    }
    const narrow = await alice.linkUrl(request, '?permissions=rl');
    assertAzureError(await getBlob(narrow.replace('sp=rl', 'sp=rcwdl'), 'a.txt'), 403, 'AuthenticationFailed');
    assertAzureError(await putBlob(narrow, 'a.txt', 'x'), 403, 'AuthorizationPermissionMismatch');
    assertAzureError(await deleteBlob(narrow, 'a.txt'), 403, 'AuthorizationPermissionMismatch');
    assertAzureError(await getBlob(`${link}&sp=rcwdl`, 'a.txt'), 403, 'AuthenticationFailed');
    const bare = link.slice(0, link.indexOf('?'));
    assert.ok([401, 403].includes((await send('GET', `${bare}/a.txt`)).status));
  });
  await t.test('an expired link: 403', async () => {
    const stale = link.replace(/([?&]se=)[^&]*/, '$12020-01-01T00%3A00%3A00Z');
    assertAzureError(await getBlob(stale, 'a.txt'), 403, 'AuthenticationFailed');
  });
  await t.test('revoke-all kills every link of the draft', async () => {
    const answer = await alice.call('POST', alice.at(other, '/link/revoke-all'));
    assert.equal(answer.status, 200, answer.text);
    assertAzureError(await getBlob(other.link, 'b.txt'), 403, 'AuthenticationFailed');
    assert.equal((await getBlob(await alice.linkUrl(other), 'b.txt')).text, 'other');
  });
  await t.test('a large upload that is refused early reads why', async () => {
    const narrow = await alice.linkUrl(request, '?permissions=rl');
    for (let i = 0; i < 5; i++) assertAzureError(await putBlob(narrow, 'big.bin', Buffer.alloc(32 * 1024 * 1024)), 403, 'AuthorizationPermissionMismatch');
  });
  await t.test('a link asks about its container, and does nothing else to it', async () => {
    for (const method of ['PUT', 'DELETE']) {
      assertAzureError(await send(method, `${link}&restype=container`), 403, 'AuthorizationPermissionMismatch');
    }
    assert.equal((await send('GET', `${link}&restype=container`)).status, 200);
  });
});

test('Azure\'s answers', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'hello\n' });

  await t.test('put, head, ranges', async () => {
    const put = await putBlob(link, 'a.txt', 'hello\n', { 'x-ms-blob-content-type': 'text/plain', 'x-ms-client-request-id': 'abc' });
    assert.equal(put.status, 201);
    assert.equal(put.headers['content-md5'], 'sZRqySSS0jR8YjW00mERhA==');
    assert.match(put.headers.etag, /^"0x[0-9A-F]+"$/);
    assert.equal(put.headers['x-ms-client-request-id'], 'abc');
    assert.ok(put.headers['x-ms-request-id'] && put.headers['x-ms-version'] && put.headers['last-modified']);
    const head = await headBlob(link, 'a.txt');
    assert.equal(head.headers['content-length'], '6');
    assert.equal(head.headers['content-type'], 'text/plain');
    assert.equal(head.headers.etag, put.headers.etag);
    const range = await getBlob(link, 'a.txt', { 'x-ms-range': 'bytes=1-3', range: 'bytes=0-0', 'if-unmodified-since': head.headers['last-modified'] });
    assert.equal(range.status, 206);
    assert.equal(range.text, 'ell');
    assert.equal(range.headers['content-range'], 'bytes 1-3/6');
    const beyond = await getBlob(link, 'a.txt', { 'x-ms-range': 'bytes=6-9' });
    assertAzureError(beyond, 416, 'InvalidRange');
    assert.equal(beyond.headers['content-range'], 'bytes */6');
    await putBlob(link, 'empty', Buffer.alloc(0));
    assertAzureError(await getBlob(link, 'empty', { 'x-ms-range': 'bytes=0-99' }), 416, 'InvalidRange');
    assert.equal((await getBlob(link, 'empty')).bytes.length, 0);
    const missing = await headBlob(link, 'nope');
    assertAzureError(missing, 404, 'BlobNotFound');
  });
  await t.test('what cannot be taken', async () => {
    assertAzureError(await send('PUT', blobUrl(link, 'x'), { body: 'x' }), 400, 'MissingRequiredHeader');
    assertAzureError(await putBlob(link, 'x', 'x', { 'x-ms-blob-type': 'PageBlob' }), 400, 'InvalidHeaderValue');
    assertAzureError(await putBlob(link, 'x', 'x', { 'content-md5': 'sZRqySSS0jR8YjW00mERhA==' }), 400, 'Md5Mismatch');
    assertAzureError(await putBlob(link, 'x', 'x', { 'content-md5': 'zz' }), 400, 'InvalidMd5');
    assert.equal((await getBlob(link, 'x')).status, 404, 'nothing was stored');
    assertAzureError(await putBlockList(link, 'x', [blockId(7)]), 400, 'InvalidBlockList');
    assert.equal((await putBlock(link, 'x', blockId(1), 'one')).status, 201);
    assertAzureError(await putBlock(link, 'x', Buffer.from('other length').toString('base64'), 'two'), 400, 'InvalidBlobOrBlock');
    const noLength = await sendRaw(link, `PUT ${new URL(blobUrl(link, 'y')).pathname}${new URL(link).search} HTTP/1.1\r\nHost: x\r\n` +
      'x-ms-blob-type: BlockBlob\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
    assert.match(noLength, /^HTTP\/1\.1 (411|400|201) /);
  });
  await t.test('a list with odd names', async () => {
    for (const name of ['o&<>"\'.txt', 'dir/../up', 'ünï', '.hidden']) assert.equal((await putBlob(link, name, 'x')).status, 201, name);
    const names = namesOf(await listBlobs(link));
    for (const name of ['o&amp;&lt;&gt;', 'dir/../up', 'ünï', '.hidden']) assert.ok(names.some((n) => n.startsWith(name)), name);
    assertAzureError(await listBlobs(link, 'maxresults=0'), 400, 'OutOfRangeQueryParameterValue');
  });
});
