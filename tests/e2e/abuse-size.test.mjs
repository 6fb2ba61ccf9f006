// Threats T58 and T60 at the real listeners: more than anybody needs is refused early, and a body that falls short leaves nothing.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertAzureError, assertProblem, blobUrl, draftWith, filesBelow, getBlob, listBlobs, namesOf, send, sendRaw, startTree, until,
} from './harness.mjs';
import { memoryOf } from './lib/memory.mjs';

const MiB = 1024 * 1024;

test('T58 heads of every listener: 414 and 431', async (t) => {
  const tree = await startTree(t);
  for (const url of [tree.ready.api, ...Object.values(tree.ready.blob), tree.ready.issuer]) {
    const base = new URL(url).origin;
    const long = await sendRaw(base, `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.match(long, /^HTTP\/1\.1 414 /, base);
    for (const lines of [`X: ${'a'.repeat(33_000)}\r\n`, 'X: a\r\n'.repeat(100), 'X: a\r\n'.repeat(10_000)]) {
      assert.match(await sendRaw(base, `GET / HTTP/1.1\r\nHost: x\r\n${lines}\r\n`), /^HTTP\/1\.1 431 /, base);
    }
  }
});

test('T58 heads of exactly the size that is allowed are read, of one byte or line more refused', async (t) => {
  const tree = await startTree(t);
  const KiB = 1024;
  const head = ({ target = '/', lines = [], size }) => {
    const text = (filler) => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${[...lines, ...filler].map((line) => `${line}\r\n`).join('')}\r\n`;
    return size ? text([`X-Filler: ${'a'.repeat(size - text(['X-Filler: ']).length)}`]) : text([]);
  };
  const many = (count) => Array.from({ length: count - 2 }, (_, i) => `X-Line-${i}: a`); // beside Host and Connection
  const rows = [
    [414, 'target of 16 KiB', (more) => head({ target: `/${'a'.repeat(16 * KiB - 1 + more)}` })],
    [431, 'head of 32 KiB', (more) => head({ size: 32 * KiB + more })],
    [431, '100 headers', (more) => head({ lines: many(100 + more) })],
  ];
  for (const url of [tree.ready.api, ...Object.values(tree.ready.blob), tree.ready.issuer]) {
    for (const [status, name, request] of rows) {
      assert.doesNotMatch(await sendRaw(url, request(0)), new RegExp(`^(HTTP/1.1 ${status} |$)`), `${url}: ${name}`);
      assert.match(await sendRaw(url, request(1)), new RegExp(`^HTTP/1.1 ${status} `), `${url}: ${name}, and one more`);
    }
  }
});

test('T58 JSON: depth, numbers, size', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const list = `/workspaces/${tree.first.id}/requests`;
  const nested = (open, close, depth) => `{"type":"export","x":${open.repeat(depth)}1${close.repeat(depth)}}`;
  const refused = [
    nested('[', ']', 40), nested('{"a":', '}', 40), nested('[', ']', 100_000), '['.repeat(200_000), '{"type":1e999}', '{"type":"export","x":1e999}',
    `{"type":"export","x":${'9'.repeat(400)}}`, '{"type":"export","x":9223372036854775808}', '{"type":"export","x":0x10}', '{"type":"export","x":NaN}', '{"type":"export","x":01}',
    '{"type":"export","x":"\\ud800"}', '{"type":"export","x":"\\u0000"}', '{"type":"export","type":"import"}', '\ufeff{"type":"export"}', `{"type":"${'x'.repeat(200_000)}"}`,
  ];
  for (const body of refused) {
    const answer = await alice.call('POST', list, body, { headers: { 'content-type': 'application/json' } });
    assert.ok([400, 413, 422].includes(answer.status), `${body.slice(0, 60)}: ${answer.status}`);
    assertProblem(answer, answer.status);
  }
  const big = await alice.call('POST', list, `{"type":"export","x":"${'x'.repeat(2 * MiB)}"}`, { headers: { 'content-type': 'application/json' } });
  assertProblem(big, 413);
  assert.deepEqual((await alice.ok('GET', list)).airlockRequests, []);
});

test('T58 the block list: no document type, no entities, no depth, no end', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', {});
  const blob = tree.find('airlock-blob workspace').pid;
  const before = memoryOf(blob).rss;
  const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
  const documents = [
    `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY l0 "lol">${lol}]><BlockList><Latest>&l9;</Latest></BlockList>`,
    '<!DOCTYPE b SYSTEM "file:///etc/passwd"><BlockList/>', '<!DOCTYPE b [<!ENTITY x SYSTEM "http://127.0.0.1/">]><BlockList><Latest>&x;</Latest></BlockList>',
    '<BlockList><Latest>&lt;</Latest></BlockList>', '<BlockList><Latest><a/></Latest></BlockList>', `${'<BlockList>'.repeat(100_000)}`, '<BlockList>', '', 'x', '<a/>',
    '<BlockList><Latest>AAAA</Latest></BlockList><BlockList/>', `<BlockList><Latest>${'A'.repeat(100_000)}</Latest></BlockList>`, `<BlockList><Latest ${'a="b" '.repeat(10_000)}>AAAA</Latest></BlockList>`,
    '<?xml version="1.0" encoding="utf-16"?><BlockList/>', `<BlockList>${'<Latest>AAAA</Latest>'.repeat(50_001)}</BlockList>`,
  ];
  for (const body of documents) {
    const answer = await send('PUT', blobUrl(link, 'x', 'comp=blocklist'), { body, headers: { 'content-type': 'application/xml' } });
    assert.equal(answer.status, 400, `${body.slice(0, 80)}: ${answer.text}`);
  }
  const endless = await sendRaw(link, `PUT ${new URL(blobUrl(link, 'x', 'comp=blocklist')).pathname}${new URL(blobUrl(link, 'x', 'comp=blocklist')).search} HTTP/1.1\r\nHost: x\r\nContent-Length: ${64 * MiB}\r\n\r\n`);
  assert.match(endless, /^HTTP\/1\.1 413 /);
  assert.ok(memoryOf(blob).rss < before + 32 * MiB, `${memoryOf(blob).rss - before} bytes more`);
  assertAzureError(await getBlob(link, 'x'), 404, 'BlobNotFound');
});

test('T60 an upload that is shorter than it said leaves no blob and no file', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', {});
  const before = filesBelow(tree.dir).length;
  const { pathname, search, hostname, port } = new URL(blobUrl(request.link, 'half.bin'));
  await new Promise((resolve, reject) => {
    const socket = net.connect({ host: hostname, port }, () => {
      socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 8000000\r\n\r\n`);
      socket.write(Buffer.alloc(4_000_000), () => setTimeout(() => socket.destroy(), 100));
    });
    socket.once('close', resolve);
    socket.once('error', reject);
  });
  await sleep(100);
  assertAzureError(await getBlob(request.link, 'half.bin'), 404, 'BlobNotFound');
  assert.deepEqual(namesOf(await listBlobs(request.link)), []);
  await until('the half file to be removed', () => filesBelow(tree.dir).filter((f) => f.size > 1_000_000).length === 0 || null);
  assert.ok(filesBelow(tree.dir).length <= before + 2);
});

test('T60 what is longer than it said is the next request, and nothing of the blob', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', {});
  const { pathname, search } = new URL(blobUrl(link, 'a.txt'));
  const answer = await sendRaw(link, `PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 4\r\n\r\nbodyTAIL\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 201 [\s\S]*HTTP\/1\.1 400 /);
  assert.equal((await getBlob(link, 'a.txt')).text, 'body');
});
