// T34: nothing of the inside can be reached from the outside. Only the documented listeners listen, no process has a
// socket with a name, and no address of HTTP leads to a message between processes.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { assertProblem, inReview, ROOT, send, sendRaw, startTree, UNLIMITED } from './harness.mjs';

const LISTENING = '0A';

/** Rows of /proc/PID/net/TABLE, as columns. */
const rows = (pid, table) => fs.readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1).filter(Boolean)
  .map((line) => line.trim().split(/\s+/));

/** Inodes of the process's sockets. */
function socketsOf(pid) {
  const links = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
}

const connects = (port) => new Promise((resolve) => {
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.once('connect', () => socket.destroy(resolve(true)));
  socket.once('error', () => resolve(false));
});

test('T34 only the documented listeners listen', async (t) => {
  const tree = await startTree(t);
  const wanted = Array.from({ length: 5 }, (_, i) => tree.base + i);
  const found = new Set();
  for (const { pid, name } of [{ pid: tree.pid, name: 'airlockd' }, ...tree.processes()]) {
    const own = socketsOf(pid);
    for (const table of ['tcp', 'tcp6']) {
      for (const columns of rows(pid, table).filter((c) => own.has(c[9]) && c[3] === LISTENING)) {
        const [address, port] = columns[1].split(':');
        assert.equal(address, '0100007F', `${name} listens on loopback only`);
        found.add(Number.parseInt(port, 16));
      }
    }
    for (const table of ['udp', 'udp6', 'raw', 'raw6', 'packet'].filter((file) => fs.existsSync(`/proc/${pid}/net/${file}`))) {
      assert.deepEqual(rows(pid, table).filter((columns) => columns.some((column) => column.length > 3 && own.has(column))), [], `${name}: ${table}`);
    }
    for (const columns of rows(pid, 'unix').filter((c) => own.has(c[6]))) {
      assert.equal(columns[7], undefined, `${name} has a socket with the name ${columns[7]}`);
    }
  }
  assert.deepEqual([...found].sort(), wanted);
  for (const port of wanted) assert.ok(await connects(port), `${port} answers`);
  for (let port = tree.base + 5; port < tree.base + 10; port++) assert.equal(await connects(port), false, `${port} is silent`);
});

test('T34 forged messages and internal addresses lead nowhere', async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const admin = tree.as('admin');
  const request = await inReview(tree, 'export', { 'a.csv': 'a,b\n' });
  const ops = [...fs.readFileSync(path.join(ROOT, 'src/ipc/messages.def'), 'utf8').matchAll(/^MESSAGE\(\w+, "([^"]+)"/gm)].map((m) => m[1]);
  assert.ok(ops.length > 50);
  const forged = { op: 'job.result', job: 1, token: 1, outcome: 'moved', request: request.id, status: 'approved', event: 'approve' };
  const paths = ['/jobs', '/internal', '/internal/jobs', '/webhooks/status', '/scan-results', '/outbox', '/core', '/debug', '/admin', '/admin/exec',
    '/rpc', '/frames', ...ops.map((op) => `/${op}`), ...ops.map((op) => `/internal/${op.replace('.', '/')}`)];
  for (const at of paths) assertProblem(await admin.call('POST', at, forged), 404);
  assertProblem(await admin.call('POST', '/events', forged), 405); // they can be followed, and nothing else
  for (const event of ['approve', 'sealed', 'moved', 'status', 'transition', 'force']) {
    assertProblem(await admin.call('POST', `/workspaces/${tree.first.id}/requests/${request.id}/${event}`, forged), 404);
  }
  assertProblem(await admin.call('PATCH', `/workspaces/${tree.first.id}/requests/${request.id}`, { status: 'approved' }), 405);
  const json = JSON.stringify({ id: 1, ...forged });
  const frame = `${String.fromCharCode(json.length, 0, 0, 0, 0)}${json}`;
  for (const url of [tree.ready.api, tree.ready.issuer, ...Object.values(tree.ready.blob)]) {
    const { origin } = new URL(url);
    assert.doesNotMatch(await sendRaw(origin, frame), /^HTTP\/1\.1 [23]|"ok"/, `a frame to ${origin}`);
    for (const at of ['/api/jobs', '/api/internal', '/jobs', '/']) {
      const answer = await send('POST', `${origin}${at}`, { body: forged });
      assert.ok(answer.status >= 400 && answer.status < 500, `${origin}${at}: ${answer.status}`);
    }
  }
  const now = await tree.as('alice').show(request);
  assert.equal(now.status, 'in_review');
  assert.equal(now.resourceVersion, request.sealed.resourceVersion, 'nothing changed it');
});
