// How often one may ask: storms of one user, one address or one workspace are told to wait, truthfully, and nobody else
// notices. The refusals stand in the audit as counts, and change nothing.
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { airlock, assertProblem, send, startTree, until } from './harness.mjs';
import { times } from './lib/scale.mjs';

const STORM_MS = times(4000, 30_000);
const LANES = 24;
const body = { type: 'export', title: 'Storm', businessJustification: 'Because.' };

/** Calls act() in lanes until the time is over; answers what came, by status. */
async function storm(ms, act, lanes = LANES) {
  const counts = {};
  const end = Date.now() + ms;
  const lane = async () => {
    while (Date.now() < end) {
      const { status } = await act();
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return counts;
}

/** Waits as long as the answer says, then expects act() to get through. */
async function waitsTruly(answer, act) {
  assertProblem(answer, 429, /Try again in \d+ s/);
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(Number.isInteger(seconds) && seconds >= 1, answer.headers['retry-after']);
  await sleep(seconds * 1000);
  const again = await act();
  assert.ok(again.status < 300, `after ${seconds} s: ${again.status} ${again.text}`);
}

const percentile = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

/** How long each of n calls takes, in ms. */
async function timed(n, act) {
  const took = [];
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    const answer = await act();
    assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    took.push(performance.now() - began);
    await sleep(60); // more slowly than the limits below: who asks like this is never told to wait
  }
  return took;
}

async function refusals(tree, code) {
  const found = [];
  for (let cursor = ''; cursor !== undefined; ) {
    const page = await tree.as('admin').ok('GET', `/admin/audit?limit=1000${cursor && `&cursor=${cursor}`}`);
    found.push(...page.entries.filter((entry) => entry.kind === 'refused' && entry.detail.code === code));
    cursor = page.nextCursor;
  }
  return found;
}

test('T32 mass create and cancel: one user is told to wait, another does not notice, the audit is small', async (t) => {
  // Both ask from one address, which a quick machine would be told about: here it is the subject that counts.
  const tree = await startTree(t, { set: { 'limits.subject_rate': 20, 'limits.subject_burst': 50, 'limits.address_rate': 0 } });
  const [alice, dave] = [tree.as('alice'), tree.as('dave')];
  const list = `/workspaces/${tree.first.id}/requests`;
  const own = await dave.createRequest(tree.first, 'export');
  const read = () => dave.call('GET', dave.at(own));
  const calm = await timed(50, read);
  const drafts = [];
  let created = 0;
  const create = async () => {
    const answer = await alice.call('POST', list, body);
    if (answer.status === 201) {
      created++;
      drafts.push(answer.body.airlockRequest.id);
    }
    return answer;
  };
  const cancel = async () => {
    const id = drafts.pop();
    return id ? alice.call('POST', `${list}/${id}/cancel`) : create();
  };
  const began = Date.now();
  const [counts, busy] = await Promise.all([
    storm(STORM_MS, () => (Math.random() < 0.5 ? create() : cancel())),
    timed(Math.floor(STORM_MS / 80), read),
  ]);
  const seconds = (Date.now() - began) / 1000;
  const all = Object.values(counts).reduce((a, b) => a + b);
  const [calm99, busy99] = [percentile(calm, 0.99), percentile(busy, 0.99)];
  t.diagnostic(`${Math.round(all / seconds)}/s of alice: ${JSON.stringify(counts)}; p99 of dave ${calm99.toFixed(1)} → ${busy99.toFixed(1)} ms`);
  assert.deepEqual(Object.keys(counts).sort(), ['200', '201', '429']);
  assert.ok(counts[200] + counts[201] <= 50 + 20 * (seconds + 1), 'no more than burst and rate got through');
  assert.ok(counts[429] > 100, 'it was a storm');
  assert.ok(busy99 < Math.max(20 * calm99, 500), `dave waits ${busy99} ms where he waited ${calm99} ms`);

  await waitsTruly(await until('a refusal', async () => {
    const answer = await create();
    return answer.status === 429 && answer;
  }), create);
  const rows = await refusals(tree, 'rate');
  assert.ok(rows.length > 0 && rows.length < 20, `${rows.length} rows for ${counts[429]} refusals`);
  assert.ok(rows.every((row) => row.subject === rows[0].subject && row.subject), 'they name who it was');
  assert.equal((await dave.allRequests(tree.first)).length, created + 1, 'each 201 made one draft, each 429 none');
});

test('T32 a workspace\'s changes are counted together, reading goes on, the other workspace does not notice', async (t) => {
  const tree = await startTree(t, { set: { 'limits.workspace_rate': 1, 'limits.workspace_burst': 4 } });
  const create = (who, workspace) => tree.as(who).call('POST', `/workspaces/${workspace.id}/requests`, body);
  for (const who of ['alice', 'dave', 'alice', 'dave']) assert.equal((await create(who, tree.first)).status, 201);
  const refused = await create('dave', tree.first);
  assert.equal((await create('mallory', tree.second)).status, 201);
  assert.equal((await tree.as('alice').call('GET', `/workspaces/${tree.first.id}/requests`)).status, 200);
  assert.match(refused.text, /changes in this workspace/);
  await waitsTruly(refused, () => create('dave', tree.first));
});

test('T32 links and decisions on one request', async (t) => {
  const tree = await startTree(t, { set: { 'limits.links_per_minute': 30, 'limits.decisions_per_minute': 30 } });
  const [alice, bob] = [tree.as('alice'), tree.as('bob')];
  const [first, second] = [await alice.createRequest(tree.first, 'export'), await alice.createRequest(tree.first, 'export')];
  for (let i = 0; i < 30; i++) assert.equal((await alice.link(first)).status, 200);
  const refused = await alice.link(first);
  assert.equal((await alice.link(second)).status, 200);
  for (let i = 0; i < 30; i++) assertProblem(await bob.review(first, true), 409);
  assertProblem(await bob.review(first, true), 429, /tries to change this request/);
  await waitsTruly(refused, () => alice.link(first));
});

test('T32 an address: refused before core is asked, and forged tokens slow down their own address only', async (t) => {
  const tree = await startTree(t, { set: { 'limits.address_rate': 20, 'limits.address_burst': 100 } });
  const from = (address) => new http.Agent({ localAddress: address, keepAlive: true });
  const [flood, other, forger] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map(from);
  const ping = (agent) => send('GET', `${tree.ready.api}/api/ping`, { agent });
  const keys = (agent) => send('GET', `${tree.ready.issuer.replace(/\/v2\.0$/, '')}/discovery/v2.0/keys`, { agent });
  for (const ask of [ping, keys]) {
    const counts = await storm(1500, () => ask(flood), 8);
    assert.ok(counts[200] >= 100 && counts[200] <= 100 + 20 * 4 && counts[429] > 0, JSON.stringify(counts));
    assert.equal((await ask(other)).status, 200);
  }
  const refused = await until('a refusal', async () => {
    const answer = await ping(flood);
    return answer.status === 429 && answer;
  });
  assert.equal(refused.body.type, 'urn:airlock:error:rate');
  await waitsTruly(refused, () => ping(flood));

  const forged = () => send('GET', `${tree.ready.api}/api/workspaces`, { agent: forger, headers: { authorization: 'Bearer e30.e30.AA' } });
  let taken = 0;
  while ((await forged()).status === 401) assert.ok(++taken <= 20, 'a forged token costs ten requests');
  assert.ok(taken >= 10, `${taken} forged tokens were taken`);
  assert.equal((await ping(forger)).status, 429);
  for (const agent of [other, from('127.0.0.5')]) {
    const token = await tree.as('alice').token();
    const answer = await send('GET', `${tree.ready.api}/api/workspaces`, { agent, headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200, 'another address does not notice');
  }
  const rows = await refusals(tree, 'unauthenticated');
  assert.ok(rows.length >= 1 && rows.length <= 4, `${rows.length} rows for ${taken} refused tokens`);
  assert.equal(rows[0].detail.op, 'workspace.list');
});

test('behind a plain proxy addresses are not counted; limits of 0 are none', async (t) => {
  const off = { 'limits.address_rate': 1, 'limits.address_burst': 2, 'http.behind_proxy': true, 'limits.subject_rate': 0, 'limits.subject_burst': 1 };
  const tree = await startTree(t, { set: off });
  for (let i = 0; i < 20; i++) assert.equal((await tree.as('alice').call('GET', '/workspaces')).status, 200);
});

test('the command line waits as long as it is told, and says so when it gives up', async (t) => {
  const tree = await startTree(t, { set: { 'limits.subject_rate': 1, 'limits.subject_burst': 3, 'limits.links_per_minute': 1 } });
  const alice = tree.as('alice').account;
  const cli = (...args) => airlock(tree.scratch, args);
  const login = ['login', '--url', tree.ready.api, '--client-id', alice.client_id, '--client-secret-file', '-'];
  assert.equal((await airlock(tree.scratch, login, { input: alice.client_secret })).code, 0);
  const began = Date.now();
  for (let i = 0; i < 4; i++) {
    const result = await cli('request', 'new', '--workspace', tree.first.id, '--type', 'export', '--title', `Draft ${i}`,
      '--justification', 'Because.');
    assert.equal(result.code, 0, result.stderr);
  }
  assert.ok(Date.now() - began > 1000, 'it had to wait');
  const requests = await tree.as('dave').allRequests(tree.first);
  assert.equal(requests.length, 4, 'each was made once');
  const link = () => cli('request', 'link', requests[0].id, '--workspace', tree.first.id);
  assert.equal((await link()).code, 0);
  const gaveUp = await link();
  assert.equal(gaveUp.code, 75, gaveUp.stderr);
  assert.match(gaveUp.stderr, /no more of these requests for \d+ seconds/);
});
