// The tree of processes: who is who, what each holds, what each links, and that no process can do what it never should.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { draftWith, freePortBase, haveProgram, isAlive, program, run, runOk, startTree, temporaryDir, until } from './harness.mjs';
import { call, inside } from './lib/probe.mjs';

const ZONES = ['external', 'core', 'workspace'];
const CHILDREN = ['airlock-api', 'airlock-core', 'airlock-gate', 'airlock-idp', 'airlock-mover', ...ZONES.map((zone) => `airlock-blob ${zone}`)];
const CAPABILITIES = { CHOWN: 1n << 0n, FOWNER: 1n << 3n, LEASE: 1n << 28n };
const isRoot = process.getuid() === 0;

const statusOf = (pid) => fs.readFileSync(`/proc/${pid}/status`, 'utf8');
const field = (pid, name) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(statusOf(pid))[1];
const filesOf = (pid) => fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));

/** Ports on which the process listens. */
function listening(pid) {
  const sockets = new Set(filesOf(pid).map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  return fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1).map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A' && sockets.has(columns[9]))
    .map((columns) => Number.parseInt(columns[1].split(':')[1], 16)).sort();
}

test('the tree, and what each process holds', async (t) => {
  const tree = await startTree(t);
  const below = (...parts) => path.join(fs.realpathSync(tree.dir), ...parts);
  const pids = Object.fromEntries(CHILDREN.map((name) => [name, tree.find(name)?.pid]));
  assert.equal(tree.processes().length, CHILDREN.length, JSON.stringify(tree.processes()));
  for (const name of CHILDREN) {
    assert.ok(pids[name], `${name} runs`);
    assert.equal(Number(field(pids[name], 'PPid')), tree.pid, `${name} is airlockd's child`);
    assert.equal(field(pids[name], 'NoNewPrivs'), '1', name);
    const allowed = name === 'airlock-mover' && isRoot ? CAPABILITIES.CHOWN | CAPABILITIES.FOWNER | CAPABILITIES.LEASE : 0n;
    for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) {
      assert.equal(BigInt(`0x${field(pids[name], set)}`) & ~allowed, 0n, `${name}: ${set}`);
    }
  }
  assert.equal(field(tree.pid, 'NoNewPrivs'), '1', 'airlockd');

  const ports = { 'airlock-api': [tree.base], 'airlock-idp': [tree.base + 4] };
  ZONES.forEach((zone, i) => (ports[`airlock-blob ${zone}`] = [tree.base + 1 + i]));
  for (const name of CHILDREN) assert.deepEqual(listening(pids[name]), ports[name] ?? [], `${name}'s ports`);

  for (const name of CHILDREN) {
    const files = filesOf(pids[name]).filter((file) => file.startsWith(below()));
    const allowed = {
      'airlock-core': (file) => file.startsWith(below('state', 'airlock.db')),
      'airlock-mover': (file) => file.startsWith(below('storage')),
      'airlock-gate': (file) => file.startsWith(below('storage', 'scratch')),
      'airlock-idp': (file) => file === below('idp') || file.startsWith(below('idp', 'accounts.json.refresh.')),
      ...Object.fromEntries(ZONES.map((zone) => [`airlock-blob ${zone}`, (file) => file.startsWith(below('storage', zone))])),
    }[name];
    for (const file of files) assert.ok(allowed?.(file), `${name} holds ${file}`);
    if (allowed) assert.ok(files.length > 0, `${name} holds its own`);
  }
});

/** Settings with which airlock-notify runs, too; its key lies in dir. */
function withNotify(dir) {
  const secret = path.join(dir, 'webhook.key');
  fs.writeFileSync(secret, `whsec_${crypto.randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return { 'gates.external': `ethics=${crypto.randomUUID()},http://127.0.0.1:9/hook`, 'gates.external_secret_file': secret };
}

test('what no process can do, tried from inside each', { skip: (!isRoot || !haveProgram('gdb')) && 'needs root and gdb' }, async (t) => {
  const dir = temporaryDir('notify');
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const set = withNotify(dir);
  const tree = await startTree(t, { set });
  await draftWith(tree, 'export', { 'a.txt': 'something to protect' });
  const storage = path.join(tree.dir, 'storage');
  const database = path.join(tree.dir, 'state', 'airlock.db');
  const refused = ['EACCES', 'EPERM'];
  const CREATE = 0o101;

  const never = {
    passwd: call.open('/etc/passwd'),
    root: call.open('/'),
    tmp: call.open('/tmp/airlock-probe', CREATE),
    proc: call.open(`/proc/${tree.pid}/mem`),
    exec: call.execve('/bin/true'),
    database: call.open(database),
    sasKey: call.open(path.join(tree.dir, 'secrets', 'sas.key')),
    accounts: call.open(path.join(tree.dir, 'idp', 'accounts.json')),
    signingKey: call.open(path.join(tree.dir, 'idp', 'signing.key')),
    webhookKey: call.open(set['gates.external_secret_file']),
    config: call.open(path.join(tree.dir, 'airlock.conf')),
    storage: call.open(storage),
    connect: call.connect(tree.base),
    bind: call.bind(0),
    ...Object.fromEntries(ZONES.map((zone) => [zone, call.open(path.join(storage, zone))])),
    ...Object.fromEntries(ZONES.map((zone) => [`${zone}Kept`, call.open(path.join(storage, zone, 'kept', 'probe'), CREATE)])),
  };
  const mayDo = {
    'airlock-core': ['database'],
    'airlock-notify': ['passwd', 'connect'], // names are looked up; whom it calls it judges by itself (src/notify/reach.h)
    'airlock-mover': ['storage', ...ZONES, ...ZONES.map((zone) => `${zone}Kept`)],
    ...Object.fromEntries(ZONES.map((zone) => [`airlock-blob ${zone}`, [zone]])),
  };

  for (const name of [...CHILDREN, 'airlock-notify']) {
    await t.test(name, async () => {
      const { pid } = tree.find(name);
      const others = { attach: call.attach(tree.find(name === 'airlock-core' ? 'airlock-api' : 'airlock-core').pid), signal: call.kill(tree.pid) };
      const found = await inside(pid, { ...never, ...others });
      for (const [what, answer] of Object.entries(found)) {
        if (mayDo[name]?.includes(what)) assert.equal(typeof answer, 'number', `${name} may: ${what}, but ${answer}`);
        else assert.ok(refused.includes(answer), `${name} must not: ${what}, but ${answer}`);
      }
      assert.ok(isAlive(pid));
    });
  }
  await t.test('a zone\'s own descriptor leads nowhere else', async () => {
    for (const zone of ZONES) {
      const { pid } = tree.find(`airlock-blob ${zone}`);
      const root = fs.readdirSync(`/proc/${pid}/fd`).find((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(`/storage/${zone}`));
      assert.ok(root, 'the zone\'s root is open');
      const found = await inside(pid, {
        up: call.openat(root, '..'),
        aside: call.openat(root, `../${ZONES.find((other) => other !== zone)}`),
        out: call.openat(root, '../../state/airlock.db'),
        write: call.openat(root, 'kept/made', CREATE),
        mkdir: call.mkdirat(root, 'kept/dir'),
        rename: call.renameat(root, 'kept', 'moved'),
        own: call.openat(root, 'kept'),
      });
      const { own, ...others } = found;
      assert.equal(typeof own, 'number');
      for (const [what, answer] of Object.entries(others)) assert.ok([...refused, 'EXDEV'].includes(answer), `${zone}: ${what}: ${answer}`);
    }
  });
  await t.test('the tree lives on', async () => {
    const answer = await tree.as('alice').call('GET', '/workspaces');
    assert.equal(answer.status, 200);
  });
});

test('the link graph: a forbidden call does not link', async () => {
  const needed = async (name) => {
    const { stdout } = await runOk('readelf', ['-d', program(name)]);
    return [...stdout.matchAll(/NEEDED.*\[lib([^\].]+)/g)].map((match) => match[1]);
  };
  const owners = { sqlite3: ['airlock-core'], argon2: ['airlock-idp'], curl: ['airlock', 'airlock-jwks', 'airlock-notify'], expat: ['airlock-blob', 'airlock'], inih: ['airlockd'], uring: ['airlock-blob', 'airlock-mover'],
    archive: ['airlock-gate'], magic: ['airlock-gate'], seccomp: ['airlock-gate'] };
  const programs = ['airlockd', 'airlock', 'airlock-api', 'airlock-blob', 'airlock-core', 'airlock-gate', 'airlock-idp', 'airlock-jwks', 'airlock-mover', 'airlock-notify'];
  for (const name of programs) {
    const libraries = await needed(name);
    for (const [library, who] of Object.entries(owners)) {
      assert.equal(libraries.some((l) => l.startsWith(library)), who.includes(name), `${name} and ${library}`);
    }
  }
  const defined = async (name) => new Set((await runOk('nm', ['--defined-only', program(name)])).stdout.split('\n').map((line) => line.split(' ')[2]));
  const seams = {
    db_open: ['airlock-core'], sas_sign: ['airlock-core'], sas_verify: ['airlock-core'], store_new: ['airlock-blob', 'airlock-mover'], store_dir_move: ['airlock-mover'],
    http_server_new: ['airlock-api', 'airlock-blob', 'airlock-idp'], jwt_verify: ['airlock-core', 'airlock-idp'] /* its own id tokens, at log-out */, jwt_sign_rs256: ['airlock-idp'],
  };
  for (const name of programs) {
    const symbols = await defined(name);
    for (const [symbol, who] of Object.entries(seams)) {
      if (symbols.has(symbol)) assert.ok(who.includes(name), `${name} holds ${symbol}`);
    }
  }
  assert.ok((await defined('airlock-core')).has('db_open'), 'names are as this test believes');
});

test('a process that dies comes back; requests wait for it', async (t) => {
  const tree = await startTree(t);
  for (const name of CHILDREN) {
    const old = tree.kill(name);
    const again = await until(`${name} to come back`, () => {
      const found = tree.find(name);
      return found && found.pid !== old && found;
    }, { timeout: 10_000 });
    assert.ok(again.pid);
  }
  tree.kill('airlock-core');
  const began = Date.now();
  assert.equal((await tree.as('alice').call('GET', '/workspaces')).status, 200, 'held until core was back');
  assert.ok(Date.now() - began < 5500);
  const request = await draftWith(tree, 'export', { 'a.txt': 'x' });
  await tree.as('alice').submit(request);
  await tree.as('alice').waitStatus(request, 'in_review');
});

test('SIGTERM ends everything within 5 s, even during transfers', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', { 'a.txt': 'x' });
  const { hostname, port, pathname, search } = new URL(request.link);
  const sockets = Array.from({ length: 5 }, (_, i) => {
    const socket = net.connect({ host: hostname, port });
    socket.on('error', () => {});
    socket.write(`PUT ${pathname}/slow${i}${search} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 90000000\r\n\r\nx`);
    return socket;
  });
  await sleep(200);
  const took = await tree.stop();
  t.diagnostic(`ended in ${took} ms`);
  assert.equal((await tree.exit).code, 0);
  for (const socket of sockets) socket.destroy();
});

test('when airlockd is killed, nobody stays behind, and the next start repairs', async (t) => {
  const tree = await startTree(t);
  await tree.killParent();
  await tree.start();
  assert.equal((await tree.as('alice').call('GET', '/workspaces')).status, 200);
});

test('a second tree on the same directory, or on taken ports, is refused', async (t) => {
  const tree = await startTree(t);
  const start = (dir, base) => run(program('airlockd'), ['--demo', dir, '--port-base', String(base)], { timeout: 15_000 });
  const second = await start(tree.dir, await freePortBase());
  assert.ok(second.code > 0 && /in use/.test(second.stderr), second.stderr);
  const taken = await start(path.join(tree.scratch, 'other'), tree.base);
  assert.ok(taken.code > 0 && /127\.0\.0\.1:\d+: Address already in use/.test(taken.stderr), taken.stderr);
  assert.equal((await tree.as('alice').call('GET', '/workspaces')).status, 200, 'the first one runs on');
});

test('a mistake in the configuration: its line, and a non-zero exit', async (t) => {
  const dir = temporaryDir('config');
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'airlock.conf');
  fs.writeFileSync(file, [
    '# a comment', 'api.listen = not-an-address', 'api.workers = 0', 'no.such.setting = 1', '', 'tre.id = UPPER!', 'just some words', '',
  ].join('\n'));
  const { code, stdout } = await run(program('airlockd'), ['--check', '--config', file]);
  assert.equal(code, 78);
  for (const [line, word] of [[2, 'api.listen'], [3, 'api.workers'], [4, 'no.such.setting'], [6, 'tre.id'], [7, '']]) {
    assert.match(stdout, new RegExp(`:${line}:.*${word.replaceAll('.', '\\.')}`), `line ${line}`);
  }
  const started = await run(program('airlockd'), ['--config', file]);
  assert.equal(started.code, 78);
  assert.match(started.stderr, /:2:/);
  const unset = await run(program('airlockd'), ['--demo', path.join(dir, 'demo'), '--set', 'api.workers=zero'], { timeout: 10_000 });
  assert.equal(unset.code, 78);
  assert.match(unset.stderr, /api\.workers/);
  assert.notEqual((await run(program('airlockd'), ['--surprise'])).code, 0);
});

test('a demo\'s own configuration runs without --demo', async (t) => {
  const tree = await startTree(t);
  await tree.stop();
  const config = path.join(tree.dir, 'airlock.conf');
  const check = await runOk(program('airlockd'), ['--check', '--config', config]);
  assert.match(check.stdout, /valid/);
  const child = spawn(program('airlockd'), ['--config', config], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await until('the API', async () => (await fetch(`${tree.ready.api}/ping`).catch(() => null))?.status === 200);
  assert.equal((await tree.as('alice').call('GET', '/workspaces')).status, 200);
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});
