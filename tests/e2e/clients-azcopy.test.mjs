// AzCopy, unmodified, against draft, review and approved links.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { azcopy, azcopyOk, blobUrl, filesBelow, putBlob, sha256, startTree } from './harness.mjs';

const UP = '--from-to=LocalBlob';
const DOWN = '--from-to=BlobLocal';

function write(dir, name, bytes) {
  const full = path.join(dir, name);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, bytes);
  return full;
}

/** Names in `azcopy list --output-type=json`: a JSON object a line, with JSON inside. */
function listedNames(text) {
  const messages = text.split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter((line) => line.MessageType === 'ListObject');
  return messages.map((line) => JSON.parse(line.MessageContent).Path).sort();
}

test('a file in blocks goes up, is reviewed, and comes down', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bytes = crypto.randomBytes(20 * 1024 * 1024 + 12345);
  const source = write(tree.scratch, 'data.bin', bytes);
  const request = await alice.createRequest(tree.first, 'export');
  const link = await alice.linkUrl(request);

  await azcopyOk(tree.scratch, ['copy', source, blobUrl(link, 'data.bin'), UP, '--put-md5']);
  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review');
  assert.deepEqual(sealed.files, [{ name: 'data.bin', size: bytes.length, sha256: sha256(bytes) }]);

  const target = path.join(tree.scratch, 'review.bin');
  const reading = await tree.as('bob').linkUrl(request);
  await azcopyOk(tree.scratch, ['copy', blobUrl(reading, 'data.bin'), target, DOWN]);
  assert.equal(sha256(fs.readFileSync(target)), sha256(bytes));

  const late = await azcopy(tree.scratch, ['copy', source, blobUrl(link, 'data.bin'), UP]);
  assert.notEqual(late.code, 0, 'a link used after submit is refused');
  const wrong = await azcopy(tree.scratch, ['copy', source, blobUrl(reading, 'data.bin'), UP]);
  assert.notEqual(wrong.code, 0, 'a review link writes nothing');
});

test('a directory goes up, is listed, thinned out, and comes down', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 100 } });
  const alice = tree.as('alice');
  const files = {
    'set/a.txt': Buffer.from('a'),
    'set/empty.dat': Buffer.alloc(0),
    'set/sub/plus+percent%hash#amp&eq=q.txt': Buffer.from('odd name'),
    'set/sub/ünï ☃ (1) [x] ~!@$,;\'.txt': Buffer.from('odder name'),
    'set/sub/deep/exactly8.bin': crypto.randomBytes(8 * 1024 * 1024),
    'set/sub/deep/over8.bin': crypto.randomBytes(8 * 1024 * 1024 + 1),
    'set/gone.txt': Buffer.from('removed again'),
    'set/sub2/gone.txt': Buffer.from('removed again'),
  };
  for (const [name, bytes] of Object.entries(files)) write(path.join(tree.scratch, 'up'), name, bytes);
  const request = await alice.createRequest(tree.first, 'import');
  const link = await alice.linkUrl(request);

  await azcopyOk(tree.scratch, ['copy', path.join(tree.scratch, 'up', 'set'), link, UP, '--recursive']);
  await azcopyOk(tree.scratch, ['remove', blobUrl(link, 'set/gone.txt'), '--from-to=BlobTrash']);
  await azcopyOk(tree.scratch, ['remove', blobUrl(link, 'set/sub2'), '--from-to=BlobTrash', '--recursive']);
  delete files['set/gone.txt'];
  delete files['set/sub2/gone.txt'];
  const listing = await azcopyOk(tree.scratch, ['list', link, '--location=Blob', '--output-type=json']);
  assert.deepEqual(listedNames(listing.stdout), Object.keys(files).sort());

  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review');
  assert.deepEqual(Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256])),
    Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])));

  const down = path.join(tree.scratch, 'down');
  fs.mkdirSync(down);
  await azcopyOk(tree.scratch, ['copy', `${await tree.as('bob').linkUrl(request)}`, down, DOWN, '--recursive']);
  const got = filesBelow(down);
  assert.equal(got.length, Object.keys(files).length);
  for (const file of got) {
    const name = file.path.slice(file.path.indexOf('/set/', down.length) + 1);
    assert.ok(fs.readFileSync(file.path).equals(files[name]), name);
  }
});

test('sync, overwriting and reading from standard input', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 10 } });
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.first, 'export');
  const link = await alice.linkUrl(request);
  const up = path.join(tree.scratch, 'up');
  write(up, 'one.txt', 'first');
  await azcopyOk(tree.scratch, ['sync', up, link, UP]);
  write(up, 'two.txt', 'second');
  await azcopyOk(tree.scratch, ['sync', up, link, UP]);
  write(up, 'one.txt', 'changed');
  await azcopyOk(tree.scratch, ['copy', path.join(up, 'one.txt'), blobUrl(link, 'one.txt'), UP, '--overwrite=true']);
  await azcopyOk(tree.scratch, ['copy', path.join(up, 'two.txt'), blobUrl(link, 'one.txt'), UP, '--overwrite=false']);
  await azcopyOk(tree.scratch, ['copy', blobUrl(link, 'three.txt'), '--from-to=PipeBlob'], { input: 'third' });
  assert.equal((await putBlob(link, 'four.txt', 'fourth')).status, 201);
  await alice.submit(request);
  const sealed = await alice.waitStatus(request, 'in_review');
  assert.deepEqual(Object.fromEntries(sealed.files.map((f) => [f.name, f.sha256])), {
    'one.txt': sha256('changed'), 'two.txt': sha256('second'), 'three.txt': sha256('third'), 'four.txt': sha256('fourth'),
  });
});
