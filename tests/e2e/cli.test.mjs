// The command line: the whole life with `airlock`, its exit codes, its files, and both ways to log in.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { airlock, getBlob, listUrl, program, run, send, sha256, startTree, until } from './harness.mjs';
import { logIn } from './lib/login.mjs';

const MiB = 1024 * 1024;
const EXIT = { usage: 64, data: 65, notFound: 66, temporary: 75, permission: 77 };

/** A person with a home of their own, logged in by client credentials. */
async function terminal(tree, name) {
  const home = path.join(tree.scratch, 'home', name);
  fs.mkdirSync(home, { recursive: true });
  const { client_id, client_secret } = tree.as(name).account;
  const at = (args, options) => airlock(home, args, options);
  const ok = async (args, options) => {
    const result = await at(args, options);
    assert.equal(result.code, 0, `airlock ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  };
  const json = async (args, options) => JSON.parse(await ok([...args, '--output', 'json'], options));
  await ok(['login', '--url', tree.ready.api, '--client-id', client_id, '--client-secret-file', '-'], { input: client_secret });
  return { home, at, ok, json };
}

test('the whole life of an export', async (t) => {
  const tree = await startTree(t);
  const alice = await terminal(tree, 'alice');
  const bob = await terminal(tree, 'bob');
  const bytes = crypto.randomBytes(20 * MiB + 7);
  const source = path.join(tree.scratch, 'figure 2.bin');
  fs.writeFileSync(source, bytes);

  assert.match(await alice.ok(['whoami']), /alice/);
  assert.ok((await alice.ok(['workspace', 'list'])).includes(tree.first.id));
  const made = await alice.json(['request', 'new', '--workspace', tree.first.id, '--type', 'export', '--title', 'Figure 2', '--justification', 'Paper']);
  const { id } = made.airlockRequest;
  await alice.ok(['request', 'upload', id, source]);
  assert.equal((await alice.json(['request', 'submit', id])).airlockRequest.status, 'submitted');
  const sealed = (await alice.json(['request', 'wait', id, '--status', 'in_review'])).airlockRequest;
  assert.deepEqual(sealed.files, [{ name: 'figure 2.bin', size: bytes.length, sha256: sha256(bytes) }]);
  assert.match(await alice.ok(['request', 'list']), /Figure 2/);
  const shown = await bob.ok(['request', 'show', id]);
  for (const word of ['in_review', 'figure 2.bin', sealed.files[0].sha256, sealed.properties.manifestDigest]) assert.ok(shown.includes(word), word);

  const review = path.join(tree.scratch, 'review');
  await bob.ok(['request', 'download', id, '--to', review]);
  assert.equal(sha256(fs.readFileSync(path.join(review, 'figure 2.bin'))), sha256(bytes));
  const stale = await bob.at(['request', 'review', id, '--approve', '--reason', 'r', '--manifest-digest', '0'.repeat(64), '--yes']);
  assert.equal(stale.code, EXIT.temporary, stale.stderr);
  await bob.ok(['request', 'review', id, '--approve', '--reason', 'Fine', '--yes']);
  await alice.ok(['request', 'wait', id, '--status', 'approved']);
  const out = path.join(tree.scratch, 'out');
  await alice.ok(['request', 'download', id, '--to', out]);
  assert.equal(sha256(fs.readFileSync(path.join(out, 'figure 2.bin'))), sha256(bytes));
  const link = (await alice.json(['request', 'link', id])).containerUrl;
  assert.ok((await getBlob(link, 'figure 2.bin')).bytes.equals(bytes));
  assert.equal((await bob.json(['request', 'revoke', id, '--reason', 'Changed my mind', '--yes'])).airlockRequest.status, 'revoked');
});

test('exit codes and messages', async (t) => {
  const tree = await startTree(t);
  const alice = await terminal(tree, 'alice');
  const made = await alice.json(['request', 'new', '--workspace', tree.first.id, '--type', 'export', '--title', 'T', '--justification', 'J']);
  const { id } = made.airlockRequest;

  for (const [args, code, words] of [
    [['request', 'submit', id], EXIT.temporary, /did not contain any files/],
    [['request', 'show', crypto.randomUUID()], EXIT.notFound, /./],
    [['request', 'show', 'nonsense'], EXIT.usage, /./],
    [['request', 'review', id, '--approve', '--reason', 'mine', '--yes'], EXIT.permission, /role/],
    [['request', 'upload', id, '/no/such/file'], undefined, /no\/such\/file/],
    [['nonsense'], EXIT.usage, /./],
    [['request', 'list', '--nonsense'], EXIT.usage, /./],
    [['admin', 'audit'], EXIT.permission, /./],
  ]) {
    const result = await alice.at(args);
    if (code === undefined) assert.notEqual(result.code, 0, args.join(' '));
    else assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    assert.match(result.stderr, words);
    assert.equal(result.stdout, '', 'errors go to standard error');
  }
  const offline = await airlock(alice.home, ['request', 'list'], { env: { AIRLOCK_URL: 'http://127.0.0.1:1' } });
  assert.notEqual(offline.code, 0);
  for (const args of [['--help'], ['request', '--help'], ['request', 'upload', '--help'], ['help', 'exit-codes']]) {
    const help = await alice.ok(args);
    assert.match(help, /Usage|exit codes/);
  }
  assert.match(await alice.ok(['request', 'cancel', id]), /cancelled/);
  const admin = await terminal(tree, 'admin');
  assert.match(JSON.stringify(await admin.json(['admin', 'audit'])), new RegExp(id));
  await admin.ok(['admin', 'jobs']);
});

test('logins are kept for their owner alone, and go with logout', async (t) => {
  const tree = await startTree(t);
  const alice = await terminal(tree, 'alice');
  await alice.ok(['workspace', 'list']);
  const files = fs.readdirSync(alice.home, { recursive: true }).map((name) => path.join(alice.home, name)).filter((f) => fs.statSync(f).isFile());
  assert.ok(files.length > 0);
  for (const file of files) assert.equal(fs.statSync(file).mode & 0o077, 0, file);
  const wrong = await airlock(path.join(tree.scratch, 'home', 'nobody'), ['login', '--url', tree.ready.api,
    '--client-id', tree.as('alice').account.client_id, '--client-secret-file', '-'], { input: 'wrong' });
  assert.equal(wrong.code, EXIT.permission, wrong.stderr);
  await alice.ok(['logout']);
  assert.notEqual((await alice.at(['workspace', 'list'])).code, 0);
  for (const file of files) {
    if (fs.existsSync(file)) assert.ok(!fs.readFileSync(file, 'utf8').includes(tree.as('alice').account.client_secret), file);
  }
});

test('an upload that was interrupted is taken up again', async (t) => {
  const tree = await startTree(t);
  const alice = await terminal(tree, 'alice');
  const bytes = crypto.randomBytes(200 * MiB);
  const source = path.join(tree.scratch, 'large.bin');
  fs.writeFileSync(source, bytes);
  const { id } = (await alice.json(['request', 'new', '--workspace', tree.first.id, '--type', 'import', '--title', 'T', '--justification', 'J'])).airlockRequest;
  const link = (await alice.json(['request', 'link', id])).containerUrl;
  const staged = async () => {
    const list = await send('GET', listUrl(link, 'include=uncommittedblobs'));
    if (!list.text.includes('large.bin')) return 0;
    const at = link.indexOf('?');
    const blocks = await send('GET', `${link.slice(0, at)}/large.bin${link.slice(at)}&comp=blocklist&blocklisttype=uncommitted`);
    return (blocks.text.match(/<Block>/g) ?? []).length;
  };

  const first = await alice.at(['request', 'upload', id, source], {
    onStart: (child) => until('some blocks', staged, { step: 5 }).then(() => child.kill('SIGKILL'), () => child.kill('SIGKILL')),
  });
  const before = await staged();
  assert.ok(first.signal === 'SIGKILL' && before > 0, `interrupted after ${before} blocks`);
  const second = await alice.at(['request', 'upload', id, source]);
  assert.equal(second.code, 0, second.stderr);
  await alice.ok(['request', 'submit', id]);
  const sealed = (await alice.json(['request', 'wait', id, '--status', 'in_review'])).airlockRequest;
  assert.equal(sealed.files[0].sha256, sha256(bytes));
  const { entries } = await tree.as('admin').ok('GET', `/admin/audit?request=${id}`);
  assert.equal(entries.filter((entry) => entry.kind === 'upload').length, 1, 'one commit');
});

test('logging in with a browser', async (t) => {
  const tree = await startTree(t);
  const home = path.join(tree.scratch, 'home', 'carol');
  fs.mkdirSync(home, { recursive: true });
  // script(1) gives it a terminal: it asks nobody to log in who is not there.
  const result = await run('script', ['-qec', `${program('airlock')} login --url ${tree.ready.api} --browser`, '/dev/null'], {
    env: { HOME: home, XDG_CONFIG_HOME: path.join(home, '.config'), DISPLAY: '', WAYLAND_DISPLAY: '' },
    onStart: async (child) => {
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
      const url = await until('the address to open', () => /https?:\/\/\S+authorize\S+(?=\s)/.exec(text)?.[0]);
      const back = await logIn(url, 'carol', tree.as('carol').password);
      const wrong = new URL(back);
      wrong.searchParams.set('state', 'forged');
      await send('GET', wrong.href).catch(() => null);
      await sleep(50);
      await send('GET', back.href).catch(() => null);
    },
    timeout: 30_000,
  });
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const who = await airlock(home, ['whoami', '--output', 'json']);
  assert.equal(JSON.parse(who.stdout).name, 'carol');
  const list = await airlock(home, ['workspace', 'list', '--output', 'json'], { timeout: 30_000 });
  assert.equal(list.code, 0, list.stderr);
});
