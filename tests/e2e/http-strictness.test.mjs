// The HTTP layer against nginx: the same raw bytes go to both. Airlock accepts nothing that nginx refuses, refuses
// what is ambiguous although nginx takes it, and cuts slow clients. Threats T56 to T60.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const BUILD = process.env.AIRLOCK_BUILD ?? path.resolve(import.meta.dirname, '../../build');
const HEAD_DEADLINE_MS = 2000;
const BODY_GRACE_MS = 10_000;
const QUIET_MS = 3000; // a server that has not answered or closed by then does not

const servers = { airlock: 0, nginx: 0 }; // their ports
const children = [];
let directory;

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function nginxConfiguration(port) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`).join(' ');
  return `
    ${process.getuid() === 0 ? 'user root;' : ''}
    daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 5s;
      server {
        listen 127.0.0.1:${port};
        location / { default_type application/json; return 200 '{"hello":"world"}'; }
        location /put/ { root ${directory}; dav_methods PUT; create_full_put_path on; }
      }
    }`;
}

async function startNginx() {
  const port = await freePort();
  const file = path.join(directory, 'nginx.conf');
  fs.writeFileSync(file, nginxConfiguration(port));
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const args = ['-p', directory, '-c', file, '-e', `${directory}/error.log`];
  children.push(spawn('nginx', args, { stdio: 'inherit', env }));
  return port;
}

function startAirlock() {
  const program = path.join(BUILD, 'tests/unit/http/echo_server');
  const child = spawn(program, ['0', directory, String(HEAD_DEADLINE_MS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', (line) => resolve(Number(line)));
  });
}

async function waitUntilOpen(port) {
  for (let i = 0; i < 100; i++) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
      socket.once('connect', () => socket.end());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'airlock-http-'));
  servers.airlock = await startAirlock();
  servers.nginx = await startNginx();
  await Promise.all(Object.values(servers).map(waitUntilOpen));
});

after(async () => {
  for (const child of children) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  fs.rmSync(directory, { recursive: true, force: true });
});

/** Sends raw bytes, and the parts behind them each after a pause. Everything that came back until the server closed
 *  or was quiet for long enough. */
function converse(port, raw, { parts = [], quiet = QUIET_MS } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks = [];
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(quiet, end);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // a reset while we still send: what came before it counts
    socket.on('close', end);
    socket.write(Buffer.from(raw, 'latin1'));
    (async () => {
      for (const part of parts) {
        await sleep(100);
        if (!socket.destroyed) socket.write(Buffer.from(part, 'latin1'));
      }
    })();
  });
}

/** The statuses of all answers, "100 Continue" left out. */
function statuses(text) {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])).filter((status) => status >= 200);
}
const accepts = (list) => list.length > 0 && list[0] < 300;
// The words of a parser; nginx's file module has others (500 for a PUT without a body).
const refuses = (list) => list.length === 0 || [400, 405, 408, 411, 413, 414, 417, 431, 494, 501, 505].includes(list[0]);

const CLOSE = 'Connection: close\r\n';
const GET = 'GET / HTTP/1.1\r\n';
const HOST = 'Host: a\r\n';
const NEXT = `GET /next HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
const PUT = `PUT /put/file HTTP/1.1\r\n${HOST}`;
const BODY = '4\r\nbody\r\n0\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const get = (lines) => `${GET}${lines}${CLOSE}\r\n`;
const put = (lines, body = 'body') => `${PUT}${CLOSE}${lines}\r\n${body}`;
const target = (text) => `GET ${text} HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;

// What airlock must refuse (4xx or 5xx, one answer, connection closed). The first fifteen are the fixed list.
const REFUSED = {
  'bare LF line ends': `GET / HTTP/1.1\nHost: a\n\n`,
  'a space before the colon': get('Host : a\r\n'),
  'obs-fold': get(`${HOST}X: a\r\n b\r\n`),
  'NUL in a header value': get(`${HOST}X: a\0b\r\n`),
  'no Host': get(''),
  'two Hosts': get(`${HOST}Host: b\r\n`),
  'two different Content-Lengths': put('Content-Length: 4\r\nContent-Length: 5\r\n'),
  'Content-Length with Transfer-Encoding, then a second request':
    `${PUT}Content-Length: 4\r\n${CHUNKED}\r\n0\r\n\r\n${NEXT}`,
  'Content-Length: +4': put('Content-Length: +4\r\n'),
  'Content-Length: -1': put('Content-Length: -1\r\n'),
  'chunk size 0x4': put(CHUNKED, '0x4\r\nbody\r\n0\r\n\r\n'),
  'Transfer-Encoding: xchunked': put('Transfer-Encoding: xchunked\r\n', BODY),
  'a header line of 60 KB': get(`${HOST}X: ${'a'.repeat(60_000)}\r\n`),
  '500 headers': get(`${HOST}${Array.from({ length: 500 }, (_, i) => `x${i}: a\r\n`).join('')}`),
  'HTTP/0.9': 'GET /\r\n\r\n',
  'two equal Content-Lengths': put('Content-Length: 4\r\nContent-Length: 4\r\n'),
  'a list of Content-Lengths': put('Content-Length: 4, 4\r\n'),
  'Content-Length over 2^63': put('Content-Length: 9223372036854775808\r\n'),
  'Content-Length over 2^64': put('Content-Length: 18446744073709551620\r\n'),
  'Content-Length in hex': put('Content-Length: 0x4\r\n'),
  'an empty Content-Length': put('Content-Length: \r\n'),
  'Transfer-Encoding twice': put(`${CHUNKED}${CHUNKED}`, BODY),
  'Transfer-Encoding: chunked, identity': put('Transfer-Encoding: chunked, identity\r\n', BODY),
  'Transfer-Encoding: identity': put('Transfer-Encoding: identity\r\n'),
  'Transfer-Encoding behind a vertical tab': put('Transfer-Encoding: \x0bchunked\r\n', BODY),
  'Transfer-Encoding with a space before the colon': put('Transfer-Encoding : chunked\r\n', BODY),
  'Transfer-Encoding in HTTP/1.0': `PUT /put/file HTTP/1.0\r\n${CHUNKED}\r\n${BODY}`,
  'a chunk without CR LF behind it': put(CHUNKED, '4\r\nbody0\r\n\r\n'),
  'a chunk longer than its size': put(CHUNKED, '4\r\nbodyx\r\n0\r\n\r\n'),
  'bare LF behind a chunk size': put(CHUNKED, '4\nbody\r\n0\r\n\r\n'),
  'a chunk size of all ones': put(CHUNKED, 'ffffffffffffffff\r\nbody'),
  'a chunk size of 17 digits': put(CHUNKED, '00000000000000004\r\nbody\r\n0\r\n\r\n'),
  'a chunk extension of 1 MB': put(CHUNKED, `4;${'x'.repeat(1_000_000)}\r\nbody\r\n0\r\n\r\n`),
  'a negative chunk size': put(CHUNKED, '-4\r\nbody\r\n0\r\n\r\n'),
  'an empty chunk size': put(CHUNKED, '\r\nbody\r\n0\r\n\r\n'),
  'a request among the trailers': put(CHUNKED, `0\r\n${GET}\r\n`),
  'bare CR in a header value': get(`${HOST}X: a\rb\r\n`),
  'CR CR LF': `GET / HTTP/1.1\r\r\n${HOST}${CLOSE}\r\n`,
  'a control in a header value': get(`${HOST}X: a\x01b\r\n`),
  'DEL in a header value': get(`${HOST}X: a\x7fb\r\n`),
  'a header line without a colon': get(`${HOST}X\r\n`),
  'a header line without a name': get(`${HOST}: a\r\n`),
  'a header name with a space': get(`${HOST}X Y: a\r\n`),
  'a header name with obs-text': get(`${HOST}X\xe4: a\r\n`),
  'white space before the first header': `GET / HTTP/1.1\r\n ${HOST}${CLOSE}\r\n`,
  'a tab before the Host': get('Host:\ta\r\n'),
  'a tab before the Content-Length': put('Content-Length:\t4\r\n'),
  'a tab behind the Content-Length': put('Content-Length: 4\t\r\n'),
  'an empty Host': get('Host:\r\n'),
  'a Host with a slash': get('Host: a/b\r\n'),
  'a Host with user info': get('Host: b@a\r\n'),
  'a Host with a space': get('Host: a b\r\n'),
  'a Host with two dots': get('Host: a..b\r\n'),
  'two spaces in the request line': `GET  / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a tab in the request line': `GET\t/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a space behind the version': `GET / HTTP/1.1 \r\n${HOST}${CLOSE}\r\n`,
  'HTTP/2.0': `GET / HTTP/2.0\r\n${HOST}${CLOSE}\r\n`,
  'HTTP/1.9': `GET / HTTP/1.9\r\n${HOST}${CLOSE}\r\n`,
  'http/1.1': `GET / http/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a method in lower case': `get / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'an unknown method': `BREW / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  TRACE: `TRACE / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  CONNECT: `CONNECT a:443 HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a method that is no token': `GE(T / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a TLS hello': '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
  'the absolute form': target('http://a/'),
  'a target without a slash': target('x'),
  'an asterisk': target('*'),
  'a fragment': target('/a#b'),
  'a NUL in the target': target('/a\0b'),
  'raw UTF-8 in the target': target('/\xc3\xa4'),
  'a malformed escape': target('/%zz'),
  'half an escape': target('/a%4'),
  'an escaped NUL': target('/a%00b'),
  'climbing above the root': target('/../etc/passwd'),
  'climbing above the root, escaped': target('/a/%2e%2e/..%2fetc'),
  'a target of 20 KB': target(`/${'a'.repeat(20_000)}`),
};

// What both must accept, with the statuses of all answers.
const ACCEPTED = {
  'a good chunked body': [put(CHUNKED, BODY), [201]],
  'chunks with extensions and trailers': [put(CHUNKED, '4;a=b\r\nbody\r\n0\r\nX: y\r\n\r\n'), [201]],
  'a body with a length': [put('Content-Length: 4\r\n'), [201]],
  'two pipelined GETs': [`${GET}${HOST}\r\n${NEXT}`, [200, 200]],
  'a body, then a GET': [`${PUT}Content-Length: 4\r\n\r\nbody${NEXT}`, [201, 200]],
  'a chunked body, then a GET': [`${PUT}${CHUNKED}\r\n${BODY}${NEXT}`, [201, 200]],
  'one empty line before the request': [`\r\n${get(HOST)}`, [200]],
  'HTTP/1.0': ['GET / HTTP/1.0\r\n\r\n', [200]],
  'a Host with a port': [get('Host: a.example:8400\r\n'), [200]],
  'an IPv6 Host': [get('Host: [::1]:8400\r\n'), [200]],
  'obs-text and tabs in a value': [get(`${HOST}X: \xe4\t\xe4\r\n`), [200]],
  'dot segments below the root': [target('/a/../b/./c'), [200]],
};

const success = (status) => (status === 204 ? 201 : status); // nginx's DAV says 204 when the file was there

test('what must be refused', { concurrency: 8 }, async (t) => {
  await Promise.all(Object.entries(REFUSED).map(([name, raw]) => t.test(name, async () => {
    const ours = await converse(servers.airlock, raw);
    const theirs = await converse(servers.nginx, raw, { quiet: 1000 });
    const answers = statuses(ours);
    assert.equal(answers.length, 1, `one answer: ${ours}`);
    assert.ok(answers[0] >= 400, `refused: ${ours}`);
    assert.match(ours, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(ours, /hello/);
    t.diagnostic(`${name}: airlock ${answers}, nginx ${statuses(theirs).join(' ') || 'closed'}`);
  })));
});

test('what must be accepted', async (t) => {
  for (const [name, [raw, expected]] of Object.entries(ACCEPTED)) {
    await t.test(name, async () => {
      for (const port of Object.values(servers)) {
        const text = await converse(port, raw);
        assert.deepEqual(statuses(text).map(success), expected, text);
      }
    });
  }
});

test('Expect: 100-continue: the body is sent only after it', async () => {
  const head = put('Content-Length: 4\r\nExpect: 100-continue\r\n', '');
  const text = await converse(servers.airlock, head, { parts: ['body'] });
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
});

// Whatever a mutation of a good request does: nothing that nginx refuses is accepted here.
test('airlock accepts nothing that nginx refuses, whatever byte is changed', async () => {
  const seeds = [get(HOST), put('Content-Length: 4\r\n'), put(CHUNKED, BODY)];
  const bytes = ['\0', '\t', '\n', '\r', ' ', ',', ':', ';', '\x7f', '\xe4', '+', '0', 'A', ''];
  const mutants = seeds.flatMap((seed) => [...seed].flatMap((_, i) => [
    ...bytes.map((byte) => seed.slice(0, i) + byte + seed.slice(i + 1)),
    seed.slice(0, i + 1) + seed.slice(i), // the byte twice
  ]));
  const both = new Set();
  const check = async (raw) => {
    const ours = statuses(await converse(servers.airlock, raw, { quiet: 400 }));
    if (!accepts(ours)) return;
    const theirs = statuses(await converse(servers.nginx, raw, { quiet: 400 }));
    assert.ok(!refuses(theirs), `airlock ${ours}, nginx ${theirs}: ${JSON.stringify(raw)}`);
    assert.ok(ours.length <= theirs.length, `airlock ${ours}, nginx ${theirs}: ${JSON.stringify(raw)}`);
    both.add(raw);
  };
  for (let i = 0; i < mutants.length; i += 100) await Promise.all(mutants.slice(i, i + 100).map(check));
  assert.ok(both.size > 100, `${both.size} of ${mutants.length} mutants were accepted by both`);
});

/** Sends a piece every so often until the server closes; how long that took. */
async function drip(port, first, piece, everyMs, patienceMs) {
  const began = Date.now();
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
  socket.on('error', () => { closed = true; });
  socket.on('end', () => { closed = true; });
  socket.write(first);
  while (!closed && Date.now() - began < patienceMs) {
    await sleep(everyMs);
    if (!closed) socket.write(piece);
  }
  socket.destroy();
  return { closed, ms: Date.now() - began, text };
}

test('slow clients are cut', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('a header line now and then', async () => {
      const { closed, ms, text } = await drip(servers.airlock, GET, 'X: y\r\n', 250, 3 * HEAD_DEADLINE_MS);
      assert.ok(closed && ms >= HEAD_DEADLINE_MS - 100 && ms < HEAD_DEADLINE_MS + 1500, `${closed} after ${ms} ms`);
      assert.match(text, /^HTTP\/1\.1 408 /);
    }),
    t.test('a silent client', async () => {
      const { closed, ms } = await drip(servers.airlock, '', '', 100, 3 * HEAD_DEADLINE_MS);
      assert.ok(closed && ms < HEAD_DEADLINE_MS + 1500, `${closed} after ${ms} ms`);
    }),
    t.test('a byte of the body a second', async () => {
      const head = put('Content-Length: 1000\r\n', '');
      const { closed, ms, text } = await drip(servers.airlock, head, 'b', 1000, 2 * BODY_GRACE_MS);
      assert.ok(closed && ms >= BODY_GRACE_MS - 500 && ms < BODY_GRACE_MS + 3000, `${closed} after ${ms} ms`);
      assert.equal(text, '');
    }),
  ]);
});
