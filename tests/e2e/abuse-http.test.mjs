// Threats T56, T59, T60 and the heads of T58: our HTTP layer against nginx. The same raw bytes go to both; airlock accepts
// nothing that nginx refuses, refuses what is ambiguous although nginx takes it, and cannot be led astray by nginx in front.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test, { after, before } from 'node:test';
import {
  BODY, CHUNKED, CHUNKS, GET, get, HOST, HUGE, LENGTH_ROWS, NEXT, PUT, put, SMUGGLING, target,
} from './lib/http-cases.mjs';
import { converse, NGINX_ALONE, nginxProxy, Servers, statuses } from './lib/http-pair.mjs';
import { inLanes } from './lib/races.mjs';

const servers = new Servers();
const ports = { airlock: 0, nginx: 0 };

before(async () => {
  ports.airlock = await servers.airlock();
  ports.nginx = await servers.nginx({ location: NGINX_ALONE(servers.directory) });
});
after(() => servers.stop());

const accepts = (list) => list.length > 0 && list[0] < 300;
// The words of a parser; nginx's file module has others (500 for a PUT without a body).
const refuses = (list) => list.length === 0 || [400, 405, 408, 411, 413, 414, 417, 431, 494, 501, 505].includes(list[0]);

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

/** One answer, a refusal, and the end of the connection: whatever stood behind it was not read as a request. */
async function expectRefused(name, raw, allowed) {
  const text = await converse(ports.airlock, raw);
  const answers = statuses(text);
  assert.equal(answers.length, 1, `${name}: one answer: ${text.slice(0, 300)}`);
  assert.ok(allowed(answers[0]), `${name}: refused: ${text.slice(0, 300)}`);
  assert.match(text, /\r\nConnection: close\r\n/, name);
  assert.doesNotMatch(text, /hello/, name);
}

const refusal = (status) => status >= 400;
for (const [threat, what, cases, allowed] of [
  ['T56', 'ambiguous and smuggling requests', SMUGGLING, refusal],
  ['T58', 'oversized heads', HUGE, (status) => [400, 414, 431].includes(status)],
  ['T59', 'broken chunks', CHUNKS, (status) => status === 400],
  ['T60', 'wrong lengths', LENGTH_ROWS, (status) => status === 400 || status === 413],
]) {
  test(`${threat} ${Object.keys(cases).length} ${what} are refused and the connection closed`, async () => {
    await inLanes(Object.keys(cases).length, (i) => expectRefused(...Object.entries(cases)[i], allowed));
  });
}

test('T56 the list has three hundred requests', () => {
  assert.ok(Object.keys(SMUGGLING).length + Object.keys(CHUNKS).length + Object.keys(LENGTH_ROWS).length >= 300);
});

test('T56 what must be accepted', async (t) => {
  for (const [name, [raw, expected]] of Object.entries(ACCEPTED)) {
    await t.test(name, async () => {
      for (const port of Object.values(ports)) {
        const text = await converse(port, raw);
        assert.deepEqual(statuses(text).map(success), expected, text);
      }
    });
  }
});

test('T56 Expect: 100-continue: the body is sent only after it', async () => {
  const head = put('Content-Length: 4\r\nExpect: 100-continue\r\n', '');
  const text = await converse(ports.airlock, head, { parts: ['body'] });
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
});

// Whatever a mutation of a good request does: nothing that nginx refuses is accepted here.
test('T56 airlock accepts nothing that nginx refuses, whatever byte is changed', async () => {
  const seeds = [get(HOST), put('Content-Length: 4\r\n'), put(CHUNKED, BODY)];
  const bytes = ['\0', '\t', '\n', '\r', ' ', ',', ':', ';', '\x7f', '\xe4', '+', '0', 'A', ''];
  const mutants = seeds.flatMap((seed) => [...seed].flatMap((_, i) => [
    ...bytes.map((byte) => seed.slice(0, i) + byte + seed.slice(i + 1)),
    seed.slice(0, i + 1) + seed.slice(i), // the byte twice
  ]));
  const both = new Set();
  const check = async (raw) => {
    const ours = statuses(await converse(ports.airlock, raw, { quiet: 400 }));
    if (!accepts(ours)) return;
    const theirs = statuses(await converse(ports.nginx, raw, { quiet: 400 }));
    assert.ok(!refuses(theirs), `airlock ${ours}, nginx ${theirs}: ${JSON.stringify(raw)}`);
    assert.ok(ours.length <= theirs.length, `airlock ${ours}, nginx ${theirs}: ${JSON.stringify(raw)}`);
    both.add(raw);
  };
  for (let i = 0; i < mutants.length; i += 100) await Promise.all(mutants.slice(i, i + 100).map(check));
  assert.ok(both.size > 100, `${both.size} of ${mutants.length} mutants were accepted by both`);
});

const MARK = 'X-Front';

/** Passes bytes on to a port and keeps both directions of each connection. */
async function startRelay(port) {
  const seen = [];
  const relay = net.createServer((front) => {
    const talk = { down: '', up: '' };
    seen.push(talk);
    const back = net.connect(port, '127.0.0.1');
    for (const [from, to, way] of [[front, back, 'down'], [back, front, 'up']]) {
      from.on('data', (chunk) => {
        talk[way] += chunk.toString('latin1');
        to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return { port: relay.address().port, seen, stop: () => relay.close() };
}

test('T56 behind nginx: nothing is answered that nginx did not ask, nobody gets another\'s answer', async (t) => {
  const relay = await startRelay(ports.airlock);
  t.after(() => relay.stop());
  const front = await servers.nginx(nginxProxy(relay.port, MARK));
  fs.writeFileSync(path.join(servers.directory, 'victim'), 'the victim\'s own answer');
  const cases = Object.entries({ ...SMUGGLING, ...CHUNKS, ...LENGTH_ROWS, ...HUGE });
  await inLanes(cases.length, async (i) => {
    await converse(front, cases[i][1], { quiet: 300 });
    const victim = await converse(front, target('/file/victim'));
    assert.deepEqual(statuses(victim), [200], `after ${cases[i][0]}: ${victim}`);
    assert.match(victim, /the victim's own answer$/, cases[i][0]);
  });
  let asked = 0;
  for (const { down, up } of relay.seen) {
    const heads = down.split(`\r\n${MARK}: nginx\r\n`).length - 1;
    assert.ok(statuses(up).length <= heads, `${statuses(up).length} answers to ${heads} requests: ${JSON.stringify(down.slice(-2000))}`);
    asked += heads;
  }
  assert.ok(asked >= cases.length, `${asked} requests came through`);
  assert.ok(relay.seen.length < asked, 'connections were shared');
});
