// Threats T22 and T23 over HTTP: conditions and ranges mean what RFC 9110 and Azure say, whatever is written in them.
// The full tables are in tests/unit/model/test_conditional.c and tests/unit/blob/test_range.c.
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertAzureError, deleteBlob, draftWith, getBlob, headBlob, putBlob, putBlock, putBlockList, blockId, send, blobUrl, startTree } from './harness.mjs';

const TEXT = '0123456789';
const LATER = new Date(Date.now() + 3_600_000).toUTCString();
const EARLIER = 'Sun, 06 Nov 1994 08:49:37 GMT';

test('T22 conditions in front of a write: what would overwrite is refused', async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', { 'a.txt': TEXT });
  const tag = (await headBlob(link, 'a.txt')).headers.etag;
  const stale = '"0x8D0000000000000"';
  await putBlock(link, 'a.txt', blockId(1), 'from a block');

  // [headers, the refusal]; nothing of it may change the blob.
  const refused = [
    [{ 'if-none-match': '*' }, 409], [{ 'if-match': stale }, 412], [{ 'if-match': `W/${tag}` }, 412], [{ 'if-match': `${stale}, W/${tag}` }, 412],
    [{ 'if-none-match': tag }, 412], [{ 'if-none-match': `W/${tag}` }, 412], [{ 'if-none-match': `${stale}, ${tag}` }, 412],
    [{ 'if-unmodified-since': EARLIER }, 412], [{ 'if-modified-since': LATER }, 412], [{ 'if-match': '"' }, 400], [{ 'if-match': `${tag} ${tag}` }, 400],
    [{ 'if-match': `"${'x'.repeat(2000)}"` }, 400], [{ 'if-unmodified-since': 'yesterday' }, 400], [{ 'if-modified-since': '1' }, 400],
    [{ 'if-none-match': '*, *' }, 400], [{ 'if-match': `*, ${tag}` }, 400],
  ];
  const writes = {
    'Put Blob': (headers) => putBlob(link, 'a.txt', 'overwritten', headers),
    'Put Block List': (headers) => putBlockList(link, 'a.txt', [blockId(1)], headers),
    'Delete Blob': (headers) => send('DELETE', blobUrl(link, 'a.txt'), { headers }),
  };
  for (const [name, write] of Object.entries(writes)) {
    await t.test(`T22 ${name}`, async () => {
      for (const [headers, status] of refused) {
        const answer = await write(headers);
        assert.ok(answer.status === status || (status < 412 && [400, 409, 412].includes(answer.status)), `${JSON.stringify(headers)}: ${answer.status} ${answer.text}`);
      }
      const twice = await write({ 'if-match': [tag, stale] });
      assert.ok([400, 412].includes(twice.status), `a condition given twice: ${twice.status}`);
      const still = await getBlob(link, 'a.txt');
      assert.equal(still.text, TEXT);
      assert.equal(still.headers.etag, tag);
    });
  }
  await t.test('T22 of many that want to be first, one is', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => putBlob(link, 'new.txt', `writer ${i}`, { 'if-none-match': '*' })));
    assert.deepEqual(answers.map((a) => a.status).sort(), [201, ...Array(19).fill(409)]);
    const winner = answers.findIndex((a) => a.status === 201);
    assert.equal((await getBlob(link, 'new.txt')).text, `writer ${winner}`);
  });
  await t.test('T22 of many that saw the same state, one changes it', async () => {
    const seen = (await headBlob(link, 'a.txt')).headers.etag;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => putBlob(link, 'a.txt', `writer ${i}`, { 'if-match': seen })));
    assert.deepEqual(answers.map((a) => a.status).sort(), [201, ...Array(19).fill(412)]);
    assert.equal((await putBlob(link, 'a.txt', TEXT, { 'if-match': '*' })).status, 201);
    assert.equal((await deleteBlob(link, 'a.txt')).status, 202);
    assert.equal((await putBlob(link, 'a.txt', TEXT, { 'if-match': '*' })).status, 412, 'there is none to match');
  });
});

const TWO = (power) => 2n ** BigInt(power);
const EDGES = [31, 32, 53, 63, 64].flatMap((power) => [TWO(power) - 1n, TWO(power), TWO(power) + 1n]);
const BEYOND = [...EDGES, TWO(65), TWO(128), 10n ** 400n];

/** What a range of a ten byte blob must give: the bytes, null for the whole with 200, or 416. */
const RANGES = [
  ['bytes=0-0', '0'], ['bytes=9-9', '9'], ['bytes=0-9', TEXT], ['bytes=3-', '3456789'], ['bytes=0-', TEXT], ['bytes=0-10', TEXT], ['bytes=10-10', 416], ['bytes=10-', 416],
  ['bytes=00000000000000000000000000003-4', '34'],
  ...BEYOND.flatMap((n) => [[`bytes=0-${n}`, TEXT], [`bytes=9-${n}`, '9'], [`bytes=${n}-`, 416], [`bytes=${n}-${n}`, 416], [`bytes=${n}-${n + 5n}`, 416], [`bytes=${n}-0`, null], [`bytes=-${n}`, null]]),
  ...['-0', '-1', '-', '', '5-4', '+1-2', '1-+2', '-1-2', '1--2', '0x1-2', '1.0-2', '1e0-2', ' 1-2', '1 -2', '1- 2', '1-2 x', 'a-b', '1-2-3', '١-٢', '0-0,1-1', '0-0, 5-', '-5, 0-',
    Array.from({ length: 1000 }, () => '0-').join(',')].map((text) => [`bytes=${text}`, null]),
  ['Bytes=1-2', '12'], ['bits=1-2', null], ['bytes', null], ['bytes 1-2', null], ['=1-2', null],
];

test(`T23 ${RANGES.length} ranges, each as Range and as x-ms-range: inside the blob, whole, or 416`, async (t) => {
  const tree = await startTree(t);
  const { link } = await draftWith(tree, 'export', { 'a.txt': TEXT, empty: '' });
  for (const [range, expected] of RANGES) {
    for (const header of ['range', 'x-ms-range']) {
      const value = Buffer.from(range).toString('latin1');
      const answer = await getBlob(link, 'a.txt', { [header]: value });
      const what = `${header}: ${range.slice(0, 60)} → ${answer.status} ${answer.text.slice(0, 100)}`;
      if (expected === 416) {
        assertAzureError(answer, 416, 'InvalidRange');
        assert.equal(answer.headers['content-range'], 'bytes */10', what);
      } else if (expected === null && /[^\x20-\x7e]/.test(value)) {
        assert.ok([200, 400].includes(answer.status), what);
      } else {
        assert.equal(answer.status, expected === null ? 200 : 206, what);
        assert.equal(answer.text, expected ?? TEXT, what);
        assert.equal(answer.headers['content-length'], String((expected ?? TEXT).length), what);
        const first = expected && TEXT.indexOf(expected);
        if (expected) assert.equal(answer.headers['content-range'], `bytes ${first}-${first + expected.length - 1}/10`, what);
      }
    }
  }
  for (const range of ['bytes=0-', 'bytes=0-0', `bytes=${TWO(64) - 1n}-`]) assertAzureError(await getBlob(link, 'empty', { range }), 416, 'InvalidRange');
  const md5 = await getBlob(link, 'a.txt', { range: `bytes=0-${TWO(64)}`, 'x-ms-range-get-content-md5': 'true' });
  assert.equal(md5.status, 206, md5.text);
});
