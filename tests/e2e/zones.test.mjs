// The seed's networking with real networks: which account answers to whom, and that nothing a client says moves it.
//
//   outside 10.1.0.2 ─── 10.1.0.1 ext  ┐
//   inside  10.2.0.2 ─── 10.2.0.1 core ├ server (this process; it forwards nothing)
//   roomA 10.21.0.2 ─┐                 │
//                  router ─ 10.20.0.1 ws ┘
//   roomB 10.22.0.2 ─┘
//
// Every host sends what it has to send for any address of the server to the server, as an attacker would.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test, { after, before } from 'node:test';
import {
  blobUrl, filesHolding, listUrl, makeCa, send, sendRaw, serverCertificate, startTree, temporaryDir, tlsSettings, trust, until,
} from './harness.mjs';
import { address, enterOwnNetwork, Host, ip, proxyHeader } from './lib/net.mjs';

enterOwnNetwork();

const PORT = 8443;
const LISTENERS = { external: '10.1.0.1', core: '10.2.0.1', workspace: '10.20.0.1' };
const INTERFACES = { external: 'ext', core: 'core', workspace: 'ws' };
const NETWORKS = { A: ['10.21.0.0/24', 'fd21::/64'], B: ['10.22.0.0/24', 'fd22::/64'] };

// DESIGN §5: the zone each account answers in, and the status that a request of its type has there.
const ACCOUNTS = {
  stalimex: { zone: 'external', type: 'import', status: 'draft', opens: 'alice' },
  stalimip: { zone: 'core', type: 'import', status: 'in_review', opens: 'bob' },
  stalimrej: { zone: 'core', type: 'import', status: 'rejected' },
  stalimblocked: { zone: 'core', type: 'import', status: 'blocked_by_scan' },
  stalimapp: { zone: 'workspace', type: 'import', status: 'approved', opens: 'alice' },
  stalexint: { zone: 'workspace', type: 'export', status: 'draft', opens: 'alice' },
  stalexip: { zone: 'workspace', type: 'export', status: 'in_review', opens: 'bob' },
  stalexrej: { zone: 'workspace', type: 'export', status: 'rejected' },
  stalexblocked: { zone: 'workspace', type: 'export', status: 'blocked_by_scan' },
  stalexapp: { zone: 'external', type: 'export', status: 'approved', opens: 'alice' },
};

/** Who reaches which listener at all; room: the workspace whose network the host stands in. */
const HOSTS = {
  outside: { zone: 'external', address: '10.1.0.2' },
  inside: { zone: 'core', address: '10.2.0.2' },
  roomA: { zone: 'workspace', room: 'A', address: '10.21.0.2' },
  roomB: { zone: 'workspace', room: 'B', address: '10.22.0.2' },
};

const REFUSED = 'ECONNREFUSED';
const ZONE = '403 AuthorizationFailure';
const SIGNATURE = '403 AuthenticationFailed';

/** What the table says that a listing of an account of workspace `room` gets, from a host through a listener. */
function expected(account, room, host, listener) {
  if (host.zone !== listener) return REFUSED;
  if (account.zone !== listener) return ZONE;
  if (listener === 'workspace' && host.room !== room) return ZONE;
  return account.opens ? '200' : SIGNATURE;
}

const said = (answer) => answer.error ?? [answer.status, answer.code].filter(Boolean).join(' ');
const through = (url, listener) => url.replace(/^https?:\/\/[^/]+/, `https://${LISTENERS[listener]}:${PORT}`);

const hosts = {};

/** This process is the server; the router passes on what comes from the network it should come from, and nothing else. */
async function buildNetworks() {
  for (const name of ['outside', 'inside', 'router', 'roomA', 'roomB']) hosts[name] = await Host.start(name);
  const { outside, inside, router, roomA, roomB } = hosts;
  outside.join('eth0', 'ext');
  inside.join('eth0', 'core');
  router.join('uplink', 'ws');
  roomA.join('eth0', 'legA', router);
  roomB.join('eth0', 'legB', router);
  await router.sysctl('ipv4/conf/all/rp_filter', 1);
  await router.sysctl('ipv4/ip_forward', 1);
  await router.sysctl('ipv6/conf/all/forwarding', 1);
  fs.writeFileSync('/proc/sys/net/ipv4/ip_forward', '0');

  address('ext', '10.1.0.1/24', 'fd01::1/64');
  address('core', '10.2.0.1/24', 'fd02::1/64');
  address('ws', '10.20.0.1/24', 'fd20::1/64');
  router.address('uplink', '10.20.0.254/24', 'fd20::fe/64');
  for (const [host, net4, net6, leg] of [
    [outside, '10.1.0', 'fd01'], [inside, '10.2.0', 'fd02'], [roomA, '10.21.0', 'fd21', 'legA'], [roomB, '10.22.0', 'fd22', 'legB'],
  ]) {
    if (leg) {
      router.address(leg, `${net4}.1/24`, `${net6}::1/64`);
      ip('route', 'add', `${net4}.0/24`, 'via', '10.20.0.254');
      ip('-6', 'route', 'add', `${net6}::/64`, 'via', 'fd20::fe');
    }
    host.address('eth0', `${net4}.2/24`, `${net6}::2/64`);
    host.ip('route', 'add', 'default', 'via', `${net4}.1`);
    host.ip('-6', 'route', 'add', 'default', 'via', `${net6}::1`);
  }
  router.ip('route', 'add', 'default', 'via', '10.20.0.1');
  router.ip('-6', 'route', 'add', 'default', 'via', 'fd20::1');
}

const tls = { dir: temporaryDir('zones') };

/** A certificate of a private authority for every address of a listener, and of the proxy that passes TLS on. */
async function makeCertificates() {
  const ca = await makeCa(tls.dir);
  tls.certificate = await serverCertificate(ca, { ips: ['127.0.0.1', 'fd20::1', '10.21.0.1', '10.22.0.1', ...Object.values(LISTENERS)] });
  trust(ca.pem);
  for (const host of Object.values(hosts)) await host.trust(ca.pem);
}

before(async () => {
  await buildNetworks();
  await makeCertificates();
});
after(() => {
  for (const host of Object.values(hosts)) host.end();
  fs.rmSync(tls.dir, { recursive: true, force: true });
});

const listenAt = (listener, host = LISTENERS[listener]) => `${host.includes(':') ? `[${host}]` : host}:${PORT}@${INTERFACES[listener]}`;

/** A tree whose three blob listeners stand in their networks, with alice and bob at work in both workspaces. All speak TLS,
 * unless set says otherwise. */
async function startZones(t, set = tlsSettings(tls.certificate)) {
  const listeners = Object.fromEntries(Object.keys(LISTENERS).map((name) => [`blob.${name}.listen`, listenAt(name)]));
  const tree = await startTree(t, { set: { ...listeners, ...set } });
  tree.rooms = { A: tree.first, B: tree.second };
  const path = `/workspaces/${tree.second.id}`;
  const { assignable_users: people } = await tree.as('admin').ok('GET', `${path}/assignable-users`);
  for (const [who, role] of [['alice', 'WorkspaceResearcher'], ['bob', 'AirlockManager']]) {
    const ids = people.filter((person) => person.email === `${who}@example.org`).map((person) => person.id);
    await tree.as('admin').ok('POST', `${path}/users/assign`, { user_ids: ids, role_id: role });
  }
  for (const room of ['A', 'B']) await setNetworks(tree, room, NETWORKS[room]);
  return tree;
}

async function setNetworks(tree, room, networks) {
  const patch = { properties: { networks } };
  const answer = await tree.as('admin').call('PATCH', `/workspaces/${tree.rooms[room].id}`, patch, { headers: { etag: '*' } });
  assert.ok(answer.status < 300, answer.text);
}

function tamper(tree, bytes) {
  const [file] = filesHolding(tree, bytes);
  const { mode } = fs.statSync(file);
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, Buffer.alloc(bytes.length, '!'));
  fs.chmodSync(file, mode);
}

/** A request of the type in the workspace, brought to the status. */
async function requestIn(tree, room, type, status) {
  const body = crypto.randomBytes(1000).toString('hex');
  const alice = tree.as('alice');
  const request = await alice.createRequest(tree.rooms[room], type);
  const link = await alice.linkUrl(request);
  const from = type === 'import' ? hosts.outside : hosts[`room${room}`];
  const put = await from.send('PUT', blobUrl(link, 'data.bin'), { headers: { 'x-ms-blob-type': 'BlockBlob' }, body });
  assert.equal(said(put), '201', put.text);
  if (status === 'draft') return request;
  assert.equal((await alice.submit(request)).status, 200);
  const { properties } = await alice.waitStatus(request, 'in_review');
  if (status === 'in_review') return request;
  if (status === 'blocked_by_scan') tamper(tree, Buffer.from(body));
  assert.equal((await tree.as('bob').review(request, status !== 'rejected', properties.manifestDigest)).status, 200);
  await alice.waitStatus(request, status);
  return request;
}

/** The address of a container as a client would have it: with the link where there is one, else with a made-up one. */
async function containerUrl(tree, name, account, room, request, sample) {
  if (account.opens) return tree.as(account.opens).linkUrl(request);
  const suffix = account.zone === 'workspace' ? tree.rooms[room].id.slice(0, 8) : sample.tre;
  const sig = encodeURIComponent(crypto.randomBytes(32).toString('base64'));
  return `https://x/${name}${suffix}/${request.id}?${sample.query.replace(/sig=[^&]*/, `sig=${sig}`)}`;
}

/** One row for each account and workspace: { name, account, room, request, url }. */
async function makeRows(tree) {
  const rows = [];
  for (const room of ['A', 'B']) {
    for (const [name, account] of Object.entries(ACCOUNTS)) {
      rows.push({ name, account, room, request: await requestIn(tree, room, account.type, account.status) });
    }
  }
  const first = new URL(await tree.as('alice').linkUrl(rows[0].request));
  const sample = { query: first.search.slice(1), tre: first.pathname.split('/')[1].replace('stalimex', '') };
  for (const row of rows) row.url = await containerUrl(tree, row.name, row.account, row.room, row.request, sample);
  return rows;
}

async function auditRows(tree) {
  const all = [];
  for (let cursor = ''; cursor !== undefined; ) {
    const page = await tree.as('admin').ok('GET', `/admin/audit?limit=1000${cursor && `&cursor=${cursor}`}`);
    all.push(...page.entries);
    cursor = page.nextCursor;
  }
  return all;
}

/** Does the audit hold a refusal by place from that address, for that request or, where no good link was shown, for none? */
const refusedBy = (audit, from, request) => audit.some((row) => row.kind === 'refused' && row.detail.code === 'zone' &&
  row.address === from && row.request === request);

/** Columns are grouped by host, each group in the order of LISTENERS. */
function printMatrix(t, rows) {
  const short = { [REFUSED]: '-', [ZONE]: 'zone', [SIGNATURE]: 'link', 200: 'OPEN' };
  const line = (first, cells, width) => t.diagnostic((first.padEnd(20) + cells.map((cell) => cell.padEnd(width)).join('')).trimEnd());
  t.diagnostic('OPEN: listed; link: the account answers, and refuses a made-up link; zone: 403 AuthorizationFailure; -: no connection');
  line('', Object.keys(HOSTS), 18);
  line('', Object.keys(HOSTS).flatMap(() => Object.values(INTERFACES)), 6);
  for (const row of rows) line(`${row.name} of ${row.room}`, row.seen.map((cell) => short[cell] ?? cell), 6);
}

test('every account from every host, by every address: exactly the table of DESIGN §5', async (t) => {
  const tree = await startZones(t);
  const rows = await makeRows(tree);
  const columns = Object.keys(HOSTS).flatMap((host) => Object.keys(LISTENERS).map((listener) => [host, listener]));
  const wrong = [];
  for (const row of rows) {
    row.seen = [];
    for (const [name, listener] of columns) {
      const cell = said(await hosts[name].send('GET', listUrl(through(row.url, listener))));
      row.seen.push(cell);
      const wanted = expected(row.account, row.room, HOSTS[name], listener);
      if (cell !== wanted) wrong.push(`${row.name} of ${row.room}, ${name} by ${listener}: ${cell}, not ${wanted}`);
    }
  }
  printMatrix(t, rows);
  assert.deepEqual(wrong, []);

  await t.test('each refusal by place is in the audit', async () => {
    const audit = await auditRows(tree);
    for (const row of rows) {
      for (const host of Object.values(HOSTS)) {
        if (expected(row.account, row.room, host, host.zone) !== ZONE) continue;
        const found = refusedBy(audit, host.address, row.account.opens && row.request.id);
        assert.ok(found, `${row.name} of ${row.room} from ${host.address}`);
      }
    }
  });
});

test('networks are a workspace\'s setting, and hold from the next request on', async (t) => {
  const tree = await startZones(t);
  const request = await requestIn(tree, 'A', 'export', 'draft');
  const url = listUrl(await tree.as('alice').linkUrl(request));
  const seen = async () => [said(await hosts.roomA.send('GET', url)), said(await hosts.roomB.send('GET', url))];
  for (const [networks, wanted] of [
    [NETWORKS.A, ['200', ZONE]], [NETWORKS.B, [ZONE, '200']], [[...NETWORKS.A, ...NETWORKS.B], ['200', '200']],
    [['10.21.0.2/32'], ['200', ZONE]], [['10.21.0.3/32', 'fd21::/64'], [ZONE, ZONE]], [[], [ZONE, ZONE]], [NETWORKS.A, ['200', ZONE]],
  ]) {
    await setNetworks(tree, 'A', networks);
    assert.deepEqual(await seen(), wanted, JSON.stringify(networks));
  }
});

test('IPv6 networks bound a workspace in the same way', async (t) => {
  const tree = await startZones(t, { ...tlsSettings(tls.certificate), 'blob.workspace.listen': listenAt('workspace', 'fd20::1') });
  const request = await requestIn(tree, 'A', 'export', 'draft');
  const url = listUrl(await tree.as('alice').linkUrl(request));
  assert.match(url, /^https:\/\/\[fd20::1\]:/);
  const from = async (...names) => Promise.all(names.map(async (name) => said(await hosts[name].send('GET', url))));
  assert.deepEqual(await from('roomA', 'roomB', 'outside', 'inside'), ['200', ZONE, REFUSED, REFUSED]);
  await setNetworks(tree, 'A', ['fd22::/64']);
  assert.deepEqual(await from('roomA', 'roomB'), [ZONE, '200']);
  await setNetworks(tree, 'A', ['10.0.0.0/8']);
  assert.deepEqual(await from('roomA', 'roomB'), [ZONE, ZONE]);
});

test('without an interface the same address answers through every network', async (t) => {
  const server = net.createServer((socket) => socket.end('hello'));
  await new Promise((resolve) => server.listen(0, LISTENERS.core, resolve));
  t.after(() => server.close());
  for (const name of ['outside', 'roomB']) {
    assert.deepEqual(await hosts[name].raw(`http://${LISTENERS.core}:${server.address().port}`, ''), { text: 'hello' }, name);
  }
});

/** Headers by which proxies tell of others, all saying that the request came from, or is for, somewhere else. */
function spoofs(from, listener, path) {
  const host = `${LISTENERS[listener]}:${PORT}`;
  return [
    { 'x-forwarded-for': from }, { 'x-forwarded-for': `${from}, 127.0.0.1` }, { forwarded: `for=${from};host=${host};proto=https` },
    { 'x-real-ip': from }, { 'true-client-ip': from }, { 'x-client-ip': from }, { 'x-forwarded-host': host },
    { 'x-forwarded-server': host }, { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }, { 'x-original-url': path },
    { 'x-rewrite-url': path }, { host },
  ];
}

test('T61 no header moves a request into another zone or network, at any listener', async (t) => {
  const tree = await startZones(t);
  const rows = [];
  for (const [name, room] of [['stalimex', 'A'], ['stalimip', 'A'], ['stalexint', 'A'], ['stalexint', 'B']]) {
    const account = ACCOUNTS[name];
    const request = await requestIn(tree, room, account.type, account.status);
    rows.push({ name, account, room, url: await tree.as(account.opens).linkUrl(request) });
  }
  for (const [hostName, host] of Object.entries(HOSTS)) {
    for (const row of rows) {
      const url = listUrl(through(row.url, host.zone));
      const wanted = expected(row.account, row.room, host, host.zone);
      const home = Object.values(HOSTS).find((h) => h.zone === row.account.zone && [undefined, row.room].includes(h.room));
      for (const headers of spoofs(home.address, row.account.zone, new URL(url).pathname)) {
        const answer = await hosts[hostName].send('GET', url, { headers });
        assert.equal(said(answer), wanted, `${row.name} of ${row.room} from ${hostName}: ${JSON.stringify(headers)}`);
      }
    }
  }
  const real = ['', '127.0.0.1', ...Object.values(HOSTS).map((host) => host.address)];
  const audited = new Set((await auditRows(tree)).map((row) => row.address));
  assert.deepEqual([...audited].filter((seen) => !real.includes(seen)), []);
});

test('T61 no header changes what the API and the identity provider say of themselves', async (t) => {
  const tree = await startZones(t);
  const request = await requestIn(tree, 'A', 'import', 'draft');
  const alice = tree.as('alice');
  const origin = new URL(await alice.linkUrl(request)).origin;
  const discovery = `${tree.ready.issuer}/.well-known/openid-configuration`;
  const { text } = await send('GET', discovery);
  for (const headers of spoofs('10.2.0.2', 'core', '/api/admin/audit')) {
    const answer = await alice.call('GET', alice.at(request, '/link'), undefined, { headers });
    assert.equal(new URL(answer.body.containerUrl).origin, origin, JSON.stringify(headers));
    assert.equal((await send('GET', discovery, { headers })).text, text, JSON.stringify(headers));
  }
});

/** Who stands where, and the listener they reach: each blob listener from its network, API and log-in from the server itself. */
function everyListener(tree) {
  const fromHere = { raw: async (...args) => ({ text: await sendRaw(args[0], args[1], { before: args[2] }).catch(() => '') }) };
  const blob = Object.entries(HOSTS).map(([name, host]) => [name, hosts[name], tree.ready.blob[host.zone]]);
  return [...blob, ['api', fromHere, tree.ready.api], ['idp', fromHere, new URL(tree.ready.issuer).origin]];
}

for (const scheme of ['https', 'http']) {
  test(`T61 over ${scheme} a PROXY header from an address that is no configured proxy is refused, at every listener`, async (t) => {
    const tree = await startZones(t, scheme === 'https' ? undefined : { 'http.behind_proxy': true });
    for (const [name, from, url] of everyListener(tree)) {
      assert.ok(url.startsWith(`${scheme}://`), url);
      const { hostname, port } = new URL(url);
      const head = `GET /api/health HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`;
      assert.match((await from.raw(url, head)).text, /^HTTP\/1\.1 \d{3} /, `${name} is heard without it`);
      const old = `PROXY TCP4 10.21.0.2 ${hostname} 50000 ${port}\r\n`;
      for (const header of [proxyHeader('10.21.0.2', hostname, Number(port)), Buffer.from(old)]) {
        const answers = [await from.raw(url, head, header), await from.raw(url, Buffer.concat([header, Buffer.from(head)]))];
        for (const { text = '' } of answers) assert.match(text, /^$|^HTTP\/1\.1 400 /, `${name}: ${header.toString('latin1')}`);
      }
    }
  });
}

const PROXY = '10.20.0.254';

/** A real HAProxy on the router: in each workspace's network it takes connections and passes them on with a PROXY header. */
async function startProxy(scratch) {
  const config = path.join(scratch, 'haproxy.cfg');
  fs.writeFileSync(config, `
defaults
  mode tcp
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend workspaces
  bind 10.21.0.1:${PORT}
  bind 10.22.0.1:${PORT}
  default_backend airlock
backend airlock
  server workspace ${LISTENERS.workspace}:${PORT} send-proxy-v2
`);
  hosts.router.spawn('haproxy', '-db', '-f', config);
  await until('HAProxy', async () => !(await hosts.router.raw(`http://10.21.0.1:${PORT}`, '')).error);
}

test('T61 behind a configured proxy the PROXY header decides, and only from that proxy', async (t) => {
  const tree = await startZones(t, { ...tlsSettings(tls.certificate), 'http.proxies': `${PROXY}/32` });
  await startProxy(tree.scratch);
  const request = await requestIn(tree, 'A', 'export', 'draft');
  const url = listUrl(await tree.as('alice').linkUrl(request));
  const by = async (name, address) => said(await hosts[name].send('GET', url.replace(LISTENERS.workspace, address)));

  assert.equal(await by('roomA', '10.21.0.1'), '200');
  assert.equal(await by('roomB', '10.22.0.1'), ZONE);
  assert.ok(refusedBy(await auditRows(tree), HOSTS.roomB.address, request.id), 'the audit names the client, not the proxy');
  await setNetworks(tree, 'A', [`${PROXY}/32`]);
  assert.equal(await by('roomA', '10.21.0.1'), ZONE, 'the proxy\'s own address is nobody\'s');
  await setNetworks(tree, 'A', NETWORKS.A);
  assert.equal(await by('roomA', LISTENERS.workspace), '200', 'who comes by no proxy needs no header');

  const { pathname, search, host } = new URL(url);
  const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const header = proxyHeader(HOSTS.roomA.address, LISTENERS.workspace, PORT);
  const raw = async (name, ...headers) => (await hosts[name].raw(`https://${host}`, head, Buffer.concat(headers))).text ?? '';
  assert.match(await raw('router', header), /^HTTP\/1\.1 200 /);
  for (const [name, ...headers] of [['roomB', header], ['roomA', header], ['router'], ['router', header, header]]) {
    assert.doesNotMatch(await raw(name, ...headers), /^HTTP\/1\.1 2/, name);
  }
});
