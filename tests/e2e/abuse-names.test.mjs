// Threats T15 to T17: a blob's name is text. It is never a path, whatever is written in it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  airlock, approved, assertAzureError, assertProblem, draftWith, filesBelow, getBlob, listBlobs, namesOf, putBlob, send, startTree, until,
} from './harness.mjs';
import { inLanes } from './lib/races.mjs';

const NAMES = 2000;
const MARK = 'zqNAMEqz'; // stands in every name, and nowhere else
const PIECES = ['..', '%2e%2e', '%2E.', '.%2e', '/', '%2f', '%2F', '%5c', '%5C', '//', '/./', '/../', '%252e%252e', '%252f', '.', '%20', '~', '%24HOME', 'etc/passwd', 'C:',
  '%00', '%0a', '%c0%ae', '%c0%af', '%e0%80%ae', '%ef%bc%8f', '%e2%80%ae', '%7c', '%60id%60', '%3b', '*', '%2a', '%3f', '%25', 'proc/self/fd', '%09', '...', '%2e'];

/** A small generator of its own, so that a failure can be repeated. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function hostileNames(count) {
  const pick = random(20261122);
  const some = (most) => Array.from({ length: pick(most + 1) }, () => PIECES[pick(PIECES.length)]).join('');
  return Array.from({ length: count }, (_, i) => `${some(5)}${MARK}${i}${some(5)}`);
}

/** Every path that a tree's processes hand to the kernel, from now on. */
async function watchPaths(t, tree) {
  const log = path.join(tree.scratch, 'paths.strace');
  const pids = tree.processes().flatMap((p) => ['-p', String(p.pid)]);
  const child = spawn('strace', ['-f', '-qq', '-s', '8192', '-e', 'trace=%file,openat2,linkat,symlinkat', '-o', log, ...pids], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  t.after(() => child.kill('SIGKILL'));
  const tasks = tree.processes().map((p) => `/proc/${p.pid}/status`);
  await until('strace to be attached', () => tasks.every((file) => /^TracerPid:\s+[1-9]/m.test(fs.readFileSync(file, 'utf8'))));
  return async () => {
    child.kill('SIGINT');
    await exit;
    return fs.readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('"'));
  };
}

const rawUrl = (link, encoded) => link.replace('?', `/${encoded}?`);
const put = (link, encoded) => send('PUT', rawUrl(link, encoded), { headers: { 'x-ms-blob-type': 'BlockBlob' }, body: encoded });

test(`T15 ${NAMES} names that try to be paths: no open, no rename ever sees one`, { timeout: 300_000 }, async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': NAMES } });
  const request = await draftWith(tree, 'export', { 'plain.txt': 'plain' });
  const paths = await watchPaths(t, tree);
  const names = hostileNames(NAMES);
  const statuses = await inLanes(NAMES, async (i) => (await put(request.link, names[i])).status);
  const taken = names.filter((_, i) => statuses[i] === 201);
  // What climbs above the account, or is no UTF-8, is refused; a name that leaves the container on the way is another container's.
  assert.deepEqual([...new Set(statuses)].filter((status) => ![201, 400, 403].includes(status)), []);
  assert.ok(taken.length > NAMES / 10 && taken.length < NAMES, `${taken.length} were taken`);
  for (const name of taken.slice(0, 100)) assert.equal((await send('GET', rawUrl(request.link, name))).text, name);
  const alice = tree.as('alice');
  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review', 120_000);
  assert.equal(sealed.files.length, taken.length + 1);
  assert.equal((await tree.as('bob').review(request, true, sealed.properties.manifestDigest)).status, 200);
  await alice.waitStatus(request, 'approved', 120_000);

  const opened = await paths();
  assert.ok(opened.some((line) => /openat2?\(/.test(line)) && opened.some((line) => /rename/.test(line)), 'paths were seen');
  for (const line of opened) {
    assert.ok(!line.includes(MARK), line);
    assert.ok(!/"[^"]*\.\.[^"]*"/.test(line) && !/passwd|HOME/.test(line), line);
  }
  for (const file of filesBelow(tree.dir)) assert.ok(!file.path.includes(MARK), file.path);
});

test('T15 an import whose names are no file tree is refused at submit, naming the file', async (t) => {
  const tree = await startTree(t);
  for (const name of ['a/../../../etc/passwd', '../a', 'a//b', './a', 'a/.', 'a/', '/etc/passwd', '..']) {
    const request = await draftWith(tree, 'import', {});
    const encoded = name.replaceAll('.', '%2e').replaceAll('/', '%2f');
    const stored = await put(request.link, encoded);
    if (stored.status !== 201) {
      assert.equal(stored.status, 400, `${name}: ${stored.text}`);
      continue;
    }
    const answer = await tree.as('alice').submit(request);
    assert.ok([409, 422].includes(answer.status), `${name}: ${answer.text}`);
    assertProblem(answer, answer.status, /cannot be a file's path/);
    assert.equal((await tree.as('alice').show(request)).status, 'draft');
  }
});

test('T16 what is no text, or looks like another name', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const { link } = await draftWith(tree, 'export', {});
  const four = '\u{1f512}';

  await t.test('T16 NUL, controls, broken and overlong UTF-8, surrogates, 1,025 characters: refused', async () => {
    const bad = ['a%00b', '%00', 'a%01', 'a%1f', 'a%0d%0a', 'a%7f', 'a%c2%80', 'a%c2%9f', '%ff', '%fe%ff', 'a%c3', '%c3%28', '%a0%a1', '%c0%af', '%c1%bf', '%e0%80%af', '%e0%9f%bf',
      '%f0%80%80%af', '%f0%8f%bf%bf', '%ed%a0%80', '%ed%bf%bf', '%ed%a0%80%ed%b0%80', '%f4%90%80%80', '%f8%88%80%80%80', '%fc%84%80%80%80%80', 'a'.repeat(1025), encodeURIComponent(four.repeat(1025))];
    for (const name of bad) assert.equal((await put(link, name)).status, 400, name.slice(0, 60));
    assert.deepEqual(namesOf(await listBlobs(link)), []);
  });
  await t.test('T16 1,024 characters of four bytes each, and a tab: taken and read back', async () => {
    for (const name of [four.repeat(1024), 'a'.repeat(1024), 'a\tb']) {
      assert.equal((await putBlob(link, name, 'x')).status, 201);
      assert.equal((await getBlob(link, name)).text, 'x');
    }
  });
  await t.test('T16 twins: the second spelling is refused, the first can be written again', async () => {
    for (const [first, twin] of [['caf\u00e9', 'cafe\u0301'], ['README', 'readme'], ['stra\u00dfe', 'STRASSE'], ['\u212bngstr\u00f6m', '\u00e5ngstr\u00f6m'], ['\u03c3\u03c2', '\u03a3\u03a3'], ['\ufb01le', 'FILE']]) {
      assert.equal((await putBlob(link, first, 'first')).status, 201, first);
      assertAzureError(await putBlob(link, twin, 'twin'), 409, 'InvalidOperation');
      assert.equal((await putBlob(link, first, 'again')).status, 201, first);
      assertAzureError(await getBlob(link, twin), 404, 'BlobNotFound');
    }
  });
});

test('T16 marks that turn a line around reach the reviewer as visible escapes', async (t) => {
  const tree = await startTree(t);
  const name = 'report\u202etxt.exe';
  const request = await draftWith(tree, 'export', { [name]: 'x' });
  assert.equal((await tree.as('alice').submit(request)).status, 200);
  await tree.as('alice').waitStatus(request, 'in_review');
  const home = path.join(tree.scratch, 'bob');
  fs.mkdirSync(home);
  const { client_id, client_secret } = tree.as('bob').account;
  const logIn = ['login', '--url', tree.ready.api, '--client-id', client_id, '--client-secret-file', '-'];
  assert.equal((await airlock(home, logIn, { input: client_secret })).code, 0);
  const shown = await airlock(home, ['request', 'show', request.id]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.ok(!shown.stdout.includes('\u202e'), shown.stdout);
  assert.match(shown.stdout, /report\S*202e\S*txt\.exe/i);
  const bob = tree.as('bob');
  assert.equal((await bob.show(request)).files[0].name, name, 'for programs it is the same name');
});

test('T17 names that are dangerous elsewhere stay names, and come as attachments', async (t) => {
  const names = ['CON', 'nul.txt', 'a:b', 'x.', 'x ', 'file.txt::$DATA', '"quoted".txt', 'semi;colon', 'percent%41', '<script>.html', '-rf', '=cmd|x', 'a\'b', 'ünï.txt'];
  const tree = await startTree(t, { set: { 'policy.max_files': 50 } });
  const request = await approved(tree, 'export', Object.fromEntries(names.map((name) => [name, name])));
  const link = await tree.as('alice').linkUrl(request);
  assert.deepEqual(request.sealed.files.map((f) => f.name).sort(), [...names].sort());
  for (const name of names) {
    const answer = await getBlob(link, name);
    assert.equal(answer.text, name);
    assert.equal(answer.headers['content-disposition'], 'attachment');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(answer.headers['content-security-policy'], /sandbox/);
  }
  const { link: draft } = await draftWith(tree, 'export', { 'a.txt': 'x' });
  assert.equal((await put(draft, 'back%5cslash')).status, 201);
  assert.ok(namesOf(await listBlobs(draft)).includes('back/slash'), 'a backslash separates, as Azure has it');
  for (const header of ['attachment; filename="a\r\nX: y"', 'x\x7f']) {
    const stored = await putBlob(draft, 'b.txt', 'x', { 'x-ms-blob-content-disposition': header }).catch(() => ({ status: 400 }));
    assert.equal(stored.status, 400, 'no header of a client\'s making');
  }
});
