// The data plane's protocol beyond the everyday calls of the clients: every operation in every account, metadata and
// headers, digests, chunked bodies, lists, browsers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import {
  approved, assertAzureError, azcopyOk, blobUrl, blockId, containerDirs, draftWith, filesBelow, filesHolding, getBlob, headBlob, inReview,
  listBlobs, listUrl, namesOf, putBlob, putBlock, putBlockList, runOk, send, sendRaw, sha256, startTree,
} from './harness.mjs';
import { COPIES, OFFERED, REFUSED, runOperation } from './lib/operations.mjs';

const CRC_DIGITS = 'iJh5CoYUi64=';
const MD5_DIGITS = 'JfnnlDI7RTiF9RgfG2JNCw==';

/** Everything that lies in the request's containers, by path. */
function snapshot(tree, request) {
  return containerDirs(tree, request).flatMap((dir) => filesBelow(path.join(tree.dir, dir)))
    .map((file) => `${path.relative(tree.dir, file.path)} ${file.size} ${sha256(fs.readFileSync(file.path))}`).sort();
}

/** One byte of the sealed file is another: its request will be blocked. */
function spoil(tree, bytes) {
  const [file] = filesHolding(tree, bytes);
  const { mode } = fs.statSync(file);
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, Buffer.from(bytes).fill('x', 0, 1));
  fs.chmodSync(file, mode);
}

/** The same link, as if it were for another account of its zone. */
function inAccount(link, from, to) {
  assert.ok(link.includes(`/${from}`), link.split('?')[0]);
  return link.replace(`/${from}`, `/${to}`);
}

/** A container in each account and status that a link can be tried on: { status, account, may, link, request }. */
async function everyContainer(tree, type) {
  const [prefix, alice, bob] = [type === 'import' ? 'stalim' : 'stalex', tree.as('alice'), tree.as('bob')];
  const bytes = (what) => Buffer.from(`${type} ${what}`);
  const drafts = type === 'import' ? 'stalimex' : 'stalexint';
  const found = [];
  const add = (status, account, may, link, request) => found.push({ status, account, may, link, request });

  const draft = await draftWith(tree, type, { 'a.txt': bytes('draft') });
  add('draft', drafts, 'rcwdl', draft.link, draft);
  const review = await inReview(tree, type, { 'a.txt': bytes('review') });
  add('submitted', drafts, '', review.link, review); // the draft's link, as from the submit on
  add('in_review', `${prefix}ip`, 'rl', await bob.linkUrl(review), review);

  const rejected = await inReview(tree, type, { 'a.txt': bytes('rejected') });
  const rejectedLink = await bob.linkUrl(rejected);
  await bob.review(rejected, false, rejected.digest);
  await alice.waitStatus(rejected, 'rejected');
  add('rejected', `${prefix}rej`, '', inAccount(rejectedLink, `${prefix}ip`, `${prefix}rej`), rejected);

  const blocked = await inReview(tree, type, { 'a.txt': bytes('blocked') });
  const blockedLink = await bob.linkUrl(blocked);
  spoil(tree, bytes('blocked'));
  await bob.review(blocked, true, blocked.digest);
  await alice.waitStatus(blocked, 'blocked_by_scan');
  add('blocked_by_scan', `${prefix}blocked`, '', inAccount(blockedLink, `${prefix}ip`, `${prefix}blocked`), blocked);

  const done = await approved(tree, type, { 'a.txt': bytes('approved') });
  add('approved', `${prefix}app`, 'rl', await alice.linkUrl(done), done);
  const revoked = await approved(tree, type, { 'a.txt': bytes('revoked') });
  const revokedLink = await alice.linkUrl(revoked);
  assert.equal((await bob.revoke(revoked)).status, 200);
  await alice.waitStatus(revoked, 'revoked');
  add('revoked', `${prefix}app`, '', revokedLink, revoked);
  const cancelled = await draftWith(tree, type, { 'a.txt': bytes('cancelled') });
  assert.equal((await alice.cancel(cancelled)).status, 200);
  add('cancelled', drafts, '', cancelled.link, cancelled);
  return found;
}

test('T05 every operation of Azure in every account and status', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const containers = [...await everyContainer(tree, 'import'), ...await everyContainer(tree, 'export')];
  const names = new Set(containers.map((c) => c.account));
  assert.equal(names.size, 10, [...names].join(' '));
  const audits = () => tree.as('admin').ok('GET', '/admin/audit?limit=1000');

  for (const { status, account, may, link, request } of containers) {
    await t.test(`${account}, ${status}`, async () => {
      const before = snapshot(tree, request);
      for (const operation of REFUSED) {
        assertAzureError(await runOperation(operation, link), operation.status, operation.code);
      }
      for (const operation of COPIES) {
        const answer = await runOperation(operation, link);
        assert.ok(answer.status >= 400 && answer.status <= 501 && answer.headers['x-ms-error-code'], `${operation.name}: ${answer.status}`);
      }
      assert.deepEqual(snapshot(tree, request), before, 'nothing changed');
      for (const operation of OFFERED) {
        const answer = await runOperation(operation, link);
        const open = may && (operation.needs === '*' || [...operation.needs].some((letter) => may.includes(letter)));
        if (operation.anywhere) assert.equal(answer.status, 403, operation.name); // the link is a container's
        else if (open) assert.equal(answer.status, operation.status, `${operation.name}: ${answer.text}`);
        else assertAzureError(answer, 403, may ? 'AuthorizationPermissionMismatch' : 'AuthenticationFailed');
      }
      if (!may.includes('w')) assert.deepEqual(snapshot(tree, request), before, 'nothing changed');
      else assert.notDeepEqual(snapshot(tree, request), before);
    });
  }
  const after = (await audits()).entries.filter((entry) => entry.kind === 'upload' && entry.detail.name !== 'a.txt').map((entry) => entry.request);
  const drafts = containers.filter((c) => c.may.includes('w')).map((c) => c.request.id);
  assert.deepEqual([...new Set(after)].sort(), drafts.sort(), 'only drafts took bytes');
});

test('each operation needs its letter', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const request = await draftWith(tree, 'export', { 'a.txt': 'bytes' });
  for (const letter of 'rcwdl') {
    const link = await tree.as('alice').linkUrl(request, `?permissions=${letter}`);
    await send('DELETE', blobUrl(request.link, 'b.txt'));
    if (letter !== 'c') await putBlob(request.link, 'b.txt', 'there');
    for (const operation of OFFERED.filter((o) => !o.anywhere)) {
      const answer = await runOperation(operation, link);
      const over = operation.name === 'Put Blob' && letter === 'c' ? 'c' : operation.name === 'Put Blob' ? 'w' : operation.needs;
      if (operation.needs === '*' || over.includes(letter)) assert.equal(answer.status, operation.status, `${letter}: ${operation.name}: ${answer.text}`);
      else assertAzureError(answer, 403, 'AuthorizationPermissionMismatch');
    }
  }
});

test('metadata and headers', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const set = (comp, headers) => send('PUT', blobUrl(link, 'a.txt', `comp=${comp}`), { headers });
  const get = (headers) => send('GET', blobUrl(link, 'a.txt', 'comp=metadata'), { headers });

  await t.test('metadata is replaced as a whole, its names keep their case', async () => {
    const before = await headBlob(link, 'a.txt');
    const first = await set('metadata', { 'x-ms-meta-Foo': 'bar', 'x-ms-meta-x_1': 'v' });
    assert.equal(first.status, 200, first.text);
    assert.notEqual(first.headers.etag, before.headers.etag);
    assert.ok(first.headers['last-modified']);
    const raw = await sendRaw(link, `HEAD ${new URL(blobUrl(link, 'a.txt')).pathname}${new URL(link).search} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.match(raw, /x-ms-meta-Foo: bar\r\n/);
    assert.equal((await set('metadata', { 'x-ms-meta-other': '1' })).status, 200);
    const now = await get();
    assert.equal(now.headers['x-ms-meta-other'], '1');
    assert.equal(now.headers['x-ms-meta-foo'], undefined);
    assert.equal(now.bytes.length, 0);
    assert.equal((await getBlob(link, 'a.txt')).text, 'hello');
  });
  await t.test('HTTP headers are replaced as a whole: what is not said is cleared', async () => {
    const all = { 'x-ms-blob-content-type': 'text/plain', 'x-ms-blob-content-encoding': 'identity', 'x-ms-blob-content-language': 'en',
      'x-ms-blob-content-disposition': 'inline', 'x-ms-blob-cache-control': 'no-cache' };
    assert.equal((await set('properties', all)).status, 200);
    const full = (await headBlob(link, 'a.txt')).headers;
    assert.deepEqual([full['content-type'], full['content-encoding'], full['content-language'], full['content-disposition'], full['cache-control']],
      ['text/plain', 'identity', 'en', 'inline', 'no-cache']);
    assert.equal((await set('properties', { 'x-ms-blob-cache-control': '' })).status, 200);
    const bare = (await headBlob(link, 'a.txt')).headers;
    assert.deepEqual([bare['content-type'], bare['content-encoding'], bare['content-disposition'], bare['cache-control'], bare['content-md5']],
      ['application/octet-stream', undefined, 'attachment', 'no-store', undefined]);
    assert.equal(bare['x-ms-meta-other'], '1', 'metadata stays');
  });
  await t.test('refusals', async () => {
    assertAzureError(await set('metadata', { 'x-ms-meta-a-b': 'v' }), 400, 'InvalidMetadata');
    assertAzureError(await set('metadata', { 'x-ms-meta-a': 'v'.repeat(8192) }), 400, 'MetadataTooLarge');
    assert.equal((await set('metadata', { 'x-ms-meta-a': 'v'.repeat(8191) })).status, 200);
    assertAzureError(await set('properties', { 'x-ms-blob-content-md5': 'zz' }), 400, 'InvalidMd5');
    assertAzureError(await send('PUT', blobUrl(link, 'nope', 'comp=metadata')), 404, 'BlobNotFound');
  });
});

test('conditions on every operation of a blob', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const at = (query) => blobUrl(link, 'a.txt', query);
  const past = 'Mon, 01 Jan 2024 00:00:00 GMT';
  const reads = [['GET', at('')], ['HEAD', at('')], ['GET', at('comp=metadata')], ['HEAD', at('comp=metadata')]];
  for (const [method, url] of reads) {
    const { etag, 'last-modified': modified } = (await send(method, url)).headers;
    const ask = (headers) => send(method, url, { headers });
    assert.equal((await ask({ 'if-match': etag, 'if-unmodified-since': modified })).status, 200);
    assertAzureError(await ask({ 'if-match': '"0x1"' }), 412, 'ConditionNotMet');
    assertAzureError(await ask({ 'if-unmodified-since': past }), 412, 'ConditionNotMet');
    assertAzureError(await ask({ 'if-none-match': '*' }), 400, 'UnsatisfiableCondition');
    const same = await ask({ 'if-none-match': etag });
    assertAzureError(same, 304, 'ConditionNotMet');
    assert.equal(same.headers.etag, etag);
    assert.equal(same.bytes.length, 0);
    assertAzureError(await ask({ 'if-modified-since': modified }), 304, 'ConditionNotMet');
  }
  const xml = `<BlockList><Latest>${blockId(1)}</Latest></BlockList>`;
  const writes = [['PUT', at(''), 201, 'text', { 'x-ms-blob-type': 'BlockBlob' }], ['PUT', at('comp=metadata'), 200, '', {}],
    ['PUT', at('comp=properties'), 200, '', {}], ['PUT', at('comp=blocklist'), 201, xml, {}], ['DELETE', at(''), 202, undefined, {}]];
  for (const [method, url, ok, body, common] of writes) {
    await putBlock(link, 'a.txt', blockId(1), 'block');
    const { etag, 'last-modified': modified } = (await headBlob(link, 'a.txt')).headers;
    const ask = (headers) => send(method, url, { headers: { ...common, ...headers }, body });
    assertAzureError(await ask({ 'if-match': '"0x1"' }), 412, 'ConditionNotMet');
    assertAzureError(await ask({ 'if-none-match': etag }), 412, 'ConditionNotMet');
    assertAzureError(await ask({ 'if-unmodified-since': past }), 412, 'ConditionNotMet');
    assertAzureError(await ask({ 'if-modified-since': modified }), 412, 'ConditionNotMet');
    const star = await ask({ 'if-none-match': '*' });
    assertAzureError(star, 409, 'BlobAlreadyExists');
    assert.match(star.text, /\nRequestId:[0-9a-f-]{36}\nTime:\d{4}-\d\d-\d\dT[\d:.]+Z<\/Message>/);
    assert.equal((await ask({ 'if-match': etag, 'if-unmodified-since': modified })).status, ok);
  }
});

test('digests of bodies and ranges', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const { link } = await draftWith(tree, 'export', {});
  const digits = '123456789';

  const blob = await putBlob(link, 'a', digits, { 'x-ms-content-crc64': CRC_DIGITS });
  assert.deepEqual([blob.status, blob.headers['content-md5'], blob.headers['x-ms-content-crc64']], [201, MD5_DIGITS, CRC_DIGITS]);
  const plain = await putBlock(link, 'b', blockId(1), digits);
  assert.deepEqual([plain.headers['content-md5'], plain.headers['x-ms-content-crc64']], [undefined, CRC_DIGITS]);
  const summed = await putBlock(link, 'b', blockId(1), digits, { 'content-md5': MD5_DIGITS });
  assert.deepEqual([summed.headers['content-md5'], summed.headers['x-ms-content-crc64']], [MD5_DIGITS, undefined]);
  assertAzureError(await putBlock(link, 'b', blockId(2), '12345678', { 'x-ms-content-crc64': CRC_DIGITS }), 400, 'Crc64Mismatch');
  assertAzureError(await putBlock(link, 'b', blockId(2), '12345678', { 'content-md5': MD5_DIGITS }), 400, 'Md5Mismatch');
  assertAzureError(await putBlob(link, 'c', '12345678', { 'x-ms-content-crc64': CRC_DIGITS }), 400, 'Crc64Mismatch');
  assertAzureError(await putBlob(link, 'c', '12345678', { 'x-ms-blob-content-md5': MD5_DIGITS }), 400, 'Md5Mismatch');
  assertAzureError(await putBlob(link, 'c', digits, { 'x-ms-content-crc64': CRC_DIGITS, 'content-md5': MD5_DIGITS }), 400, 'BothCrc64AndMd5HeaderPresent');
  assertAzureError(await putBlob(link, 'c', digits, { 'x-ms-content-crc64': 'YQ==' }), 400, 'InvalidHeaderValue');
  assertAzureError(await putBlockList(link, 'b', [blockId(1)], { 'x-ms-content-crc64': CRC_DIGITS }), 400, 'Crc64Mismatch');
  assertAzureError(await putBlockList(link, 'b', [blockId(2)]), 400, 'InvalidBlockList');
  const list = await putBlockList(link, 'b', [blockId(1)], { 'x-ms-blob-content-md5': 'oA4t1CvHA7kmTtLlq/c/lA==' });
  assert.equal(list.status, 201, 'the MD5 of the blob is the client\'s word');
  assert.equal((await headBlob(link, 'b')).headers['content-md5'], 'oA4t1CvHA7kmTtLlq/c/lA==');

  const range = (headers) => getBlob(link, 'a', { 'x-ms-range': 'bytes=0-8', ...headers });
  const crc = await range({ 'x-ms-range-get-content-crc64': 'true' });
  assert.deepEqual([crc.status, crc.headers['x-ms-content-crc64'], crc.headers['content-md5']], [206, CRC_DIGITS, undefined]);
  assert.equal((await range({ 'x-ms-range-get-content-md5': 'true' })).headers['content-md5'], MD5_DIGITS);
  assertAzureError(await range({ 'x-ms-range-get-content-md5': 'true', 'x-ms-range-get-content-crc64': 'true' }), 400, 'InvalidHeaderValue');
  assertAzureError(await getBlob(link, 'a', { 'x-ms-range-get-content-crc64': 'true' }), 400, 'InvalidHeaderValue');
});

test('chunked bodies', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20, 'policy.max_bytes': 100 * 1024 * 1024 } });
  const { link } = await draftWith(tree, 'export', {});
  const chunked = (url, body, headers = {}) => runOk('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code} %header{x-ms-error-code}', '-T', '-',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), url], { input: body });
  const type = { 'x-ms-blob-type': 'BlockBlob' };

  for (const size of [0, 1, 600_001, 90 * 1024 * 1024 + 3]) {
    const bytes = Buffer.alloc(size, 'piece of a pipe ');
    assert.match((await chunked(blobUrl(link, 'piped'), bytes, type)).stdout, /^201/);
    const back = await getBlob(link, 'piped');
    assert.equal(back.bytes.length, size);
    assert.equal(sha256(back.bytes), sha256(bytes));
    assert.equal((await headBlob(link, 'piped')).headers['content-length'], String(size));
    const sizes = containerDirs(tree, { id: new URL(link).pathname.split('/')[2] }).flatMap((dir) => filesBelow(path.join(tree.dir, dir))).map((f) => f.size);
    assert.deepEqual(sizes, [size], 'the file ends with the blob');
  }
  const much = await chunked(blobUrl(link, 'too-much'), Buffer.alloc(300 * 1024 * 1024, 'x'), type).catch((error) => ({ stdout: String(error) }));
  assert.match(much.stdout, /413 RequestBodyTooLarge/);
  assertAzureError(await headBlob(link, 'too-much'), 404, 'BlobNotFound');
  assert.match((await chunked(blobUrl(link, 'b', `comp=block&blockid=${blockId(1)}`), 'x')).stdout, /^411 MissingContentLengthHeader/);
  await putBlock(link, 'b', blockId(1), 'block');
  assert.match((await chunked(blobUrl(link, 'b', 'comp=blocklist'), `<BlockList><Latest>${blockId(1)}</Latest></BlockList>`)).stdout, /^201/);
  assert.equal((await getBlob(link, 'b')).text, 'block');
  const endless = Buffer.from(`<BlockList>${' '.repeat(9 * 1024 * 1024)}</BlockList>`);
  assert.match((await chunked(blobUrl(link, 'b', 'comp=blocklist'), endless).catch((error) => ({ stdout: String(error) }))).stdout, /413 RequestBodyTooLarge/);
});

test('lists', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const { link } = await draftWith(tree, 'export', { b: '1', 'dir/x': '1', 'dir/y': '1', a: '1', 'tab\there': '1' });
  await putBlock(link, 'aa-staged', blockId(1), 'block');
  await putBlock(link, 'dir2/staged', blockId(1), 'block');

  await t.test('committed blobs in order; the others when they are asked for', async () => {
    assert.deepEqual(namesOf(await listBlobs(link)), ['a', 'b', 'dir/x', 'dir/y', 'tab\there']);
    const all = await listBlobs(link, 'include=copy,uncommittedblobs,metadata,whatever');
    assert.deepEqual(namesOf(all), ['a', 'aa-staged', 'b', 'dir/x', 'dir/y', 'dir2/staged', 'tab\there']);
    assert.doesNotMatch(all.text, /1970/);
    const flat = await listBlobs(link, 'include=uncommittedblobs&delimiter=%2F');
    assert.deepEqual([...flat.text.matchAll(/<BlobPrefix><Name>([^<]*)/g)].map((m) => m[1]), ['dir/', 'dir2/']);
  });
  await t.test('pages, with and without a delimiter', async () => {
    for (const query of ['', '&delimiter=%2F', '&include=uncommittedblobs', '&include=uncommittedblobs&delimiter=%2F']) {
      const names = (text) => [...text.matchAll(/<Name[^>]*>([^<]*)<\/Name>/g)].map((m) => m[1]);
      const whole = names((await send('GET', listUrl(link) + query)).text);
      const paged = [];
      for (let marker = '', more = true; more; ) {
        const page = (await send('GET', `${listUrl(link)}${query}&maxresults=1&marker=${encodeURIComponent(marker)}`)).text;
        paged.push(...names(page));
        marker = /<NextMarker>([^<]+)/.exec(page)?.[1] ?? '';
        more = marker !== '';
      }
      assert.deepEqual(paged.sort(), whole.sort(), query);
    }
  });
  await t.test('limits', async () => {
    assert.match((await listBlobs(link, 'maxresults=99999999999999999999')).text, /<MaxResults>5000</);
    assert.match((await listBlobs(link, 'maxresults=&prefix=&delimiter=&marker=&include=')).text, /<MaxResults>5000</);
    for (const name of ['with space/a+b', 'with+plus/c']) assert.equal((await putBlob(link, name, 'x')).status, 201);
    for (const space of ['+', '%20']) assert.deepEqual(namesOf(await listBlobs(link, `prefix=with${space}space%2F`)), ['with space/a+b']);
    assert.deepEqual(namesOf(await listBlobs(link, 'prefix=with%2Bplus%2F')), ['with+plus/c']);
    assertAzureError(await listBlobs(link, 'maxresults=0'), 400, 'OutOfRangeQueryParameterValue');
    assertAzureError(await listBlobs(link, 'maxresults=-1'), 400, 'InvalidQueryParameterValue');
    assertAzureError(await listBlobs(link, 'marker=abc'), 400, 'InvalidQueryParameterValue');
  });
  await t.test('block lists', async () => {
    const ask = (query) => send('GET', blobUrl(link, 'aa-staged', `comp=blocklist${query}`));
    assert.match((await ask('&blocklisttype=all')).text, /<CommittedBlocks\/><UncommittedBlocks><Block><Name>[^<]+<\/Name><Size>5</);
    assert.match((await ask('')).text, /<BlockList><CommittedBlocks\/><\/BlockList>/);
    assert.equal((await ask('')).headers['x-ms-blob-content-length'], '0');
    assertAzureError(await ask('&blocklisttype=some'), 400, 'InvalidQueryParameterValue');
    assertAzureError(await send('GET', blobUrl(link, 'nope', 'comp=blocklist')), 404, 'BlobNotFound');
  });
});

test('what every answer carries', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const sent = { 'x-ms-version': '2026-04-06', 'x-ms-client-request-id': 'mine-1', connection: 'keep-alive' };
  for (const [method, url] of [['GET', blobUrl(link, 'a.txt')], ['HEAD', blobUrl(link, 'nope')], ['GET', listUrl(link)], ['PUT', `${link}&restype=container`]]) {
    const { headers } = await send(method, url, { headers: sent });
    assert.equal(headers['x-ms-version'], '2026-04-06');
    assert.equal(headers['x-ms-client-request-id'], 'mine-1');
    assert.match(headers['x-ms-request-id'], /^[0-9a-f-]{36}$/);
    assert.equal(headers['content-security-policy'], "sandbox; default-src 'none'");
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.ok(headers.date);
  }
  assert.equal((await getBlob(link, 'a.txt')).headers['content-disposition'], 'attachment');
  const long = await headBlob(link, 'a.txt', { 'x-ms-client-request-id': 'x'.repeat(1025) });
  assert.equal(long.headers['x-ms-client-request-id'], undefined);
  assertAzureError(await headBlob(link, 'a.txt', { 'x-ms-version': 'newest' }), 400, 'InvalidHeaderValue');
});

test('browsers: preflights and answers', async (t) => {
  const tree = await startTree(t, { set: { 'blob.cors_origins': 'https://portal.example http://localhost:3000' } });
  const { link } = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const url = blobUrl(link, 'a.txt');
  const bare = url.split('?')[0];
  const asks = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-ms-blob-type,content-type,x-ms-version' };

  for (const origin of [tree.ready.api, 'https://portal.example', 'http://localhost:3000']) {
    const { status, headers } = await send('OPTIONS', bare, { headers: { origin, ...asks } });
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-methods'], 'PUT');
    assert.equal(headers['access-control-allow-headers'], asks['access-control-request-headers']);
    assert.match(headers['access-control-max-age'], /^\d+$/);
    assert.equal(headers['access-control-allow-credentials'], undefined);
    for (const target of [url, blobUrl(link, 'nope')]) {
      const answer = await send('GET', target, { headers: { origin } });
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      assert.equal(answer.headers.vary, 'Origin');
      assert.match(answer.headers['access-control-expose-headers'], /ETag.*x-ms-request-id.*x-ms-error-code/);
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    }
  }
  const refuse = async (headers, status, code) => {
    const answer = await send('OPTIONS', bare, { headers });
    assertAzureError(answer, status, code);
    assert.equal(answer.headers['access-control-allow-methods'], undefined);
  };
  await refuse({ origin: 'https://evil.example', ...asks }, 403, 'CorsPreflightFailure');
  await refuse({ origin: 'null', ...asks }, 403, 'CorsPreflightFailure');
  await refuse({ origin: tree.ready.api, 'access-control-request-method': 'POST' }, 403, 'CorsPreflightFailure');
  await refuse({ origin: tree.ready.api, ...asks, 'access-control-request-headers': 'authorization' }, 403, 'CorsPreflightFailure');
  await refuse({ ...asks }, 400, 'InvalidHeaderValue');
  await refuse({ origin: tree.ready.api }, 400, 'InvalidHeaderValue');
  const stranger = await send('GET', url, { headers: { origin: 'https://evil.example' } });
  assert.equal(stranger.headers['access-control-allow-origin'], undefined);
  assert.equal(stranger.headers.vary, 'Origin');
  assertAzureError(await send('GET', bare, { headers: { origin: tree.ready.api } }), 401, 'NoAuthenticationInformation');
});

test('clients that look at the container first', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 20 } });
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', {});
  const { link } = request;
  const client = new ContainerClient(link, new AnonymousCredential());
  const local = path.join(tree.scratch, 'files');
  fs.mkdirSync(path.join(local, 'deep'), { recursive: true });
  fs.writeFileSync(path.join(local, 'deep', 'one.txt'), 'one');
  fs.writeFileSync(path.join(local, 'two.txt'), '');

  await t.test('the SDK: exists, properties, setters', async () => {
    assert.equal(await client.exists(), true);
    const properties = await client.getProperties();
    assert.ok(properties.etag && properties.lastModified instanceof Date);
    assert.equal(properties.leaseState, 'available');
    assert.equal(properties.hasLegalHold, false);
    const blob = client.getBlockBlobClient('sdk.txt');
    await blob.upload('text', 4);
    await blob.setMetadata({ stage: 'one' });
    await blob.setHTTPHeaders({ blobContentType: 'text/x-one', blobContentDisposition: 'inline' });
    const now = await blob.getProperties();
    assert.deepEqual([now.metadata.stage, now.contentType, now.contentDisposition], ['one', 'text/x-one', 'inline']);
  });
  await t.test('AzCopy copies a directory into it and out of it', async () => {
    await azcopyOk(tree.scratch, ['copy', `${local}/*`, link, '--recursive', '--from-to=LocalBlob']);
    const back = path.join(tree.scratch, 'azcopy-back');
    await azcopyOk(tree.scratch, ['copy', link, back, '--recursive', '--from-to=BlobLocal']);
    assert.equal(filesBelow(back).map((f) => fs.readFileSync(f.path, 'utf8')).filter((text) => text === 'one').length, 1);
  });
  await t.test('rclone copies a directory into it and out of it', async () => {
    const container = new URL(link).pathname.split('/').pop();
    const options = { env: { HOME: tree.scratch, RCLONE_CONFIG: path.join(tree.scratch, 'rclone.conf') } };
    const remote = (dir) => `:azureblob,sas_url='${link}':${container}/${dir}`;
    await runOk('rclone', ['copy', local, remote('rc')], options);
    const back = path.join(tree.scratch, 'rclone-back');
    await runOk('rclone', ['copy', remote('rc'), back], options);
    assert.deepEqual(filesBelow(back).map((f) => path.relative(back, f.path)).sort(), ['deep/one.txt', 'two.txt']);
  });
  await t.test('a link that may only write does not see it', async () => {
    const narrow = new ContainerClient(await alice.linkUrl(request, '?permissions=cw'), new AnonymousCredential());
    await assert.rejects(narrow.exists(), (error) => error.code === 'AuthorizationPermissionMismatch' || error.statusCode === 403);
  });
});
