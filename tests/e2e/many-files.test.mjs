// Ten thousand files in one request: names of every kind that is allowed, sent, listed in every way, sealed, approved,
// delivered.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { filesBelow, getBlob, listBlobs, putBlob, sha256, startTree, UNLIMITED, until } from './harness.mjs';
import { manyNames, oddNames, xmlText } from './lib/names.mjs';
import { inParallel } from './lib/pool.mjs';

const COUNT = 10_000;
const AT_A_TIME = 32;
const contentOf = (name) => Buffer.from(`the content of ${name}`);
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Every page of a list: { blobs, prefixes, pages }. */
async function listAll(link, query = '') {
  const found = { blobs: [], prefixes: [], pages: 0 };
  for (let marker = '', more = true; more; found.pages++) {
    const answer = await listBlobs(link, `${query}&marker=${encodeURIComponent(marker)}`);
    assert.equal(answer.status, 200, answer.text);
    const names = (element) => [...answer.text.matchAll(new RegExp(`<${element}><Name>([^<]*)</Name>`, 'g'))].map((m) => xmlText(m[1]));
    found.blobs.push(...names('Blob'));
    found.prefixes.push(...names('BlobPrefix'));
    marker = xmlText(/<NextMarker>([^<]*)/.exec(answer.text)?.[1] ?? '');
    more = marker !== '';
  }
  return found;
}

/** The names below a prefix, going down one directory after the other. */
async function walk(link, prefix = '') {
  const level = await listAll(link, `maxresults=300&delimiter=%2F&prefix=${encodeURIComponent(prefix)}`);
  const below = [];
  await inParallel(level.prefixes, 8, async (next) => below.push(...(await walk(link, next))));
  return [...level.blobs, ...below];
}

test(`${COUNT} files go in`, { timeout: 600_000 }, async (t) => {
  // Ten thousand checks, a process each, would be most of the time; tests/e2e/gates has the gates.
  const off = 'archive=off types=off disclosure=off identifiers=off';
  const tree = await startTree(t, { set: { ...UNLIMITED, 'policy.max_files': 10_000, 'gates.import': off, 'gates.export': off } });
  const alice = tree.as('alice');
  const names = manyNames(COUNT);
  const sorted = [...names].sort(byBytes);
  const request = await alice.createRequest(tree.first, 'import');
  const link = await alice.linkUrl(request);

  await t.test('sent', async () => {
    await inParallel(names, AT_A_TIME, async (name) => {
      const answer = await putBlob(link, name, contentOf(name));
      assert.equal(answer.status, 201, `${name}: ${answer.text}`);
    });
  });
  await t.test('listed flat, in pages of every size', async () => {
    for (const size of [5000, 777]) {
      const all = await listAll(link, `maxresults=${size}`);
      assert.deepEqual(all.blobs, sorted);
      assert.ok(all.pages >= Math.ceil(COUNT / size) && all.pages <= Math.ceil(COUNT / size) + 1);
    }
  });
  await t.test('listed by hierarchy', async () => {
    assert.deepEqual((await walk(link)).sort(byBytes), sorted);
  });
  await t.test('sealed with every digest, read by the manager', async () => {
    assert.equal((await alice.submit(request)).status, 200);
    const sealed = await alice.waitStatus(request, 'in_review', 120_000);
    assert.deepEqual(sealed.files.map((f) => `${f.name} ${f.size} ${f.sha256}`).sort(byBytes),
      names.map((name) => `${name} ${contentOf(name).length} ${sha256(contentOf(name))}`).sort(byBytes));
    request.digest = sealed.properties.manifestDigest;
    const reading = await tree.as('bob').linkUrl(request);
    await inParallel(oddNames(), AT_A_TIME, async (name) => {
      const answer = await getBlob(reading, name);
      assert.equal(answer.text, contentOf(name).toString(), name);
    });
  });
  await t.test('delivered under their names', async () => {
    assert.equal((await tree.as('bob').review(request, true, request.digest)).status, 200);
    await alice.waitStatus(request, 'approved', 120_000);
    await until('the delivery', async () => (await alice.show(request)).properties.deliveredWhen, { timeout: 120_000, step: 200 });
    const found = filesBelow(tree.dir).map((f) => f.path);
    const top = found.find((file) => file.endsWith(`${request.id}/.hidden`)).slice(0, -'.hidden'.length);
    const delivered = found.filter((file) => file.startsWith(top));
    assert.deepEqual(delivered.map((file) => path.relative(top, file)).sort(byBytes), sorted);
    for (const name of names) assert.equal(fs.readFileSync(path.join(top, name), 'utf8'), contentOf(name).toString(), name);
  });
});
