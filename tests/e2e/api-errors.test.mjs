// What bad input gets: a clear error, and nothing half done.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { approved, assertProblem, draftWith, inReview, send, sendRaw, startTree } from './harness.mjs';

const BYTES = Buffer.from('some bytes\n');
const count = (tree) => tree.as('alice').ok('GET', `/workspaces/${tree.first.id}/requests`).then((b) => b.airlockRequests.length);

test('who may not, and what is not there', async (t) => {
  const tree = await startTree(t);
  const { first } = tree;
  const alice = tree.as('alice');
  const list = `/workspaces/${first.id}/requests`;
  const newExport = { type: 'export', title: 'T', businessJustification: 'J' };

  await t.test('no token, a broken token, another audience: 401', async () => {
    for (const token of ['', 'nonsense', 'a.b.c', `${await alice.token(first.scope)}x`]) {
      assertProblem(await alice.call('GET', list, undefined, { token }), 401);
    }
    assertProblem(await alice.call('GET', list, undefined, { token: '', headers: { authorization: 'Basic YTpi' } }), 401);
    assertProblem(await alice.call('POST', list, newExport, { scope: tree.ready.api_scope }), 401);
    assertProblem(await alice.call('GET', '/requests', undefined, { scope: first.scope }), 401);
  });
  await t.test('a missing role: 403 naming the roles', async () => {
    assertProblem(await tree.as('bob').call('POST', list, newExport), 403, /WorkspaceOwner.*WorkspaceResearcher/);
    const request = await inReview(tree, 'export', { 'a.csv': BYTES });
    assertProblem(await tree.as('dave').review(request, true), 403, /AirlockManager/);
    assertProblem(await tree.as('carol').review(request, true), 403, /AirlockManager/);
    assert.equal((await alice.show(request)).status, 'in_review');
  });
  await t.test('guessed ids: always the same 404', async () => {
    const bodies = new Set();
    const guess = async () => {
      const id = crypto.randomUUID();
      const answer = await alice.call('GET', `${list}/${id}`);
      assertProblem(answer, 404);
      bodies.add(answer.text.replaceAll(id, 'ID'));
    };
    for (let i = 0; i < 300; i += 20) await Promise.all(Array.from({ length: 20 }, guess));
    assert.equal(bodies.size, 1);
  });
  await t.test('an id that is none: 422; an unknown path: 404; a wrong method: 405 with Allow', async () => {
    assertProblem(await alice.call('GET', `${list}/not-an-id`), 422);
    assertProblem(await alice.call('GET', '/nowhere'), 404);
    const wrong = await alice.call('DELETE', list);
    assertProblem(wrong, 405);
    assert.deepEqual(wrong.headers.allow.split(/, */).filter((m) => m !== 'HEAD' && m !== 'OPTIONS').sort(), ['GET', 'POST']);
    const submit = await alice.call('GET', `${list}/${crypto.randomUUID()}/submit`);
    assertProblem(submit, 405);
    assert.match(submit.headers.allow, /POST/);
  });
});

test('bodies that cannot be taken', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const list = `/workspaces/${tree.first.id}/requests`;
  const good = { type: 'export', title: 'T', businessJustification: 'J' };

  await t.test('wrong types and values: 422 naming the field', async () => {
    for (const [field, body] of [
      ['type', { title: 'T' }], ['type', { ...good, type: 'sideways' }], ['type', { ...good, type: 5 }],
      ['title', { ...good, title: 5 }], ['title', { ...good, title: 'x'.repeat(5000) }],
      ['businessJustification', { ...good, businessJustification: ['x'] }],
    ]) {
      const problem = assertProblem(await alice.call('POST', list, body), 422);
      assert.equal(problem.field, field, JSON.stringify(problem));
    }
    const request = await inReview(tree, 'export', { 'a.csv': BYTES });
    const bob = tree.as('bob');
    for (const [field, body] of [
      ['approval', {}], ['approval', { approval: 'maybe' }], ['manifestDigest', { approval: true, manifestDigest: 'zz' }],
      ['decisionExplanation', { approval: true, decisionExplanation: 7 }],
    ]) {
      assert.equal(assertProblem(await bob.call('POST', bob.at(request, '/review'), body), 422).field, field);
    }
    const done = await approved(tree, 'export', { 'a.csv': BYTES });
    assert.equal(assertProblem(await bob.call('POST', bob.at(done, '/revoke'), {}), 422).field, 'reason');
    assert.equal((await alice.show(done)).status, 'approved');
  });
  await t.test('no JSON, doubled keys, not an object', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{', '[]', 'null', '{"type":"export","type":"import"}', '{"type":"export"} x', '\u0000']) {
      const answer = await alice.call('POST', list, body, { headers });
      assert.ok([400, 422].includes(answer.status), `${body}: ${answer.status}`);
      assertProblem(answer, answer.status);
    }
  });
  await t.test('another media type: 415; too long: 413', async () => {
    assertProblem(await alice.call('POST', list, 'type=export', { headers: { 'content-type': 'text/plain' } }), 415);
    const token = await alice.token(tree.first.scope);
    const answer = await sendRaw(tree.ready.api, `POST /api${list} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 50000000\r\n\r\n{');
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /application\/problem\+json/);
  });
  assert.equal(await count(tree), 2, 'nothing was made by mistake');
  await t.test('lenient where AzureTRE\'s clients need it', async () => {
    const unknown = await alice.call('POST', list, { ...good, properties: { a: 1 }, airlock_version: 2 });
    assert.equal(unknown.status, 201, unknown.text);
    assert.equal((await alice.call('POST', list, { type: 'import' })).status, 201, 'title and justification have defaults');
    const request = await inReview(tree, 'export', { 'a.csv': BYTES });
    const bob = tree.as('bob');
    const answer = await bob.call('POST', bob.at(request, '/review'), { approval: 'True', decisionExplanation: 'ok' });
    assert.equal(answer.status, 200, answer.text);
  });
});

test('what the present state does not allow: 409 with the status', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bob = tree.as('bob');

  await t.test('decisions at the wrong time', async () => {
    const request = await draftWith(tree, 'export', { 'a.csv': BYTES });
    assertProblem(await bob.review(request, true), 409, /draft/);
    assertProblem(await bob.revoke(request), 409, /draft/);
    assert.equal((await alice.submit(request)).status, 200);
    await alice.waitStatus(request, 'in_review');
    assertProblem(await alice.submit(request), 409, /in_review/);
    assert.equal((await bob.review(request, true)).status, 200);
    await alice.waitStatus(request, 'approved');
    assertProblem(await bob.review(request, false), 409, /approved/);
    assertProblem(await alice.cancel(request), 409, /approved/);
  });
  await t.test('a review of another manifest: 409, and nothing is decided', async () => {
    const request = await inReview(tree, 'export', { 'a.csv': BYTES });
    assertProblem(await bob.review(request, true, '0'.repeat(64)), 409);
    assert.equal((await alice.show(request)).status, 'in_review');
    assert.equal((await bob.review(request, true, request.digest)).status, 200);
  });
  await t.test('nobody decides on their own request', async () => {
    const erin = tree.as('erin');
    const request = await inReview(tree, 'export', { 'a.csv': BYTES }, 'erin');
    for (const approval of [true, false]) assertProblem(await erin.review(request, approval, request.digest), 403);
    const { entries } = await tree.as('admin').ok('GET', `/admin/audit?request=${request.id}`);
    assert.match(JSON.stringify(entries), /refused|forbidden/, 'the attempt is on record');
    assert.equal((await bob.review(request, true)).status, 200);
  });
  await t.test('a review workspace is not configured: AzureTRE\'s answer', async () => {
    const request = await inReview(tree, 'export', { 'a.csv': BYTES });
    const answer = await bob.call('POST', bob.at(request, '/review-user-resource'));
    assertProblem(answer, 422, /Failed to retrieve Airlock Review configuration for workspace/);
  });
  await t.test('links: what may be asked for', async () => {
    const request = await alice.createRequest(tree.first, 'export');
    assert.match(await alice.linkUrl(request, '?permissions=rl&expiresIn=60'), /[?&]sp=rl(&|$)/);
    const posted = await alice.call('POST', alice.at(request, '/link'), { permissions: 'rl', expiresIn: 60 });
    assert.match(posted.body.containerUrl, /[?&]sp=rl(&|$)/);
    assert.equal(assertProblem(await alice.link(request, '?permissions=zz'), 422).field, 'permissions');
    assert.equal(assertProblem(await alice.link(request, '?expiresIn=soon'), 422).field, 'expiresIn');
    assertProblem(await alice.link(request, '?permissions=rl&permissions=rw'), 422);
  });
});

test('lists are bounded, ordered, filtered, and paged', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const list = `/workspaces/${tree.first.id}/requests`;
  const ids = [];
  for (let i = 0; i < 7; i++) ids.push((await alice.createRequest(tree.first, i % 2 ? 'import' : 'export', `Title ${6 - i}`)).id);

  const seen = [];
  for (let next = `${list}?limit=3`, pages = 0; next; pages++) {
    assert.ok(pages < 4, 'paging ends');
    const answer = await alice.call('GET', next);
    assert.equal(answer.status, 200, answer.text);
    assert.ok(answer.body.airlockRequests.length <= 3);
    seen.push(...answer.body.airlockRequests.map((e) => e.airlockRequest.id));
    const match = /<([^>]+)>; *rel="?next"?/.exec(answer.headers.link ?? '');
    next = match && new URL(match[1], tree.ready.api).href.split('/api')[1];
  }
  assert.deepEqual([...seen].sort(), [...ids].sort(), 'every request once');

  const titles = async (query) => (await alice.ok('GET', `${list}?${query}`)).airlockRequests.map((e) => e.airlockRequest.title);
  assert.deepEqual(await titles('order_by=title&order_ascending=true'), ids.map((_, i) => `Title ${i}`));
  assert.deepEqual(await titles('order_by=createdWhen&order_ascending=false'), ids.map((_, i) => `Title ${i}`));
  assert.equal((await titles('type=import')).length, 3);
  assert.equal((await titles('status=approved')).length, 0);
  assert.equal((await titles(`creator_user_id=${crypto.randomUUID()}`)).length, 0);
  const mine = await alice.ok('GET', '/requests');
  assert.equal(mine.length, 7);
  assert.equal(mine[0].workspaceId, tree.first.id);
  assert.deepEqual(await tree.as('dave').ok('GET', '/requests'), []);
  assert.equal((await tree.as('bob').ok('GET', '/requests?airlock_manager=true')).length, 7);
  assert.deepEqual(await tree.as('mallory').ok('GET', '/requests?airlock_manager=true'), []);

  for (const query of ['limit=0', 'limit=abc', 'order_by=secret', 'status=blocked', 'type=sideways', 'cursor=zz', 'order_ascending=perhaps']) {
    assertProblem(await alice.call('GET', `${list}?${query}`), 422);
  }
  assertProblem(await alice.call('GET', `${list}?limit=1000000`), 422);
  assert.equal((await alice.call('GET', `${list}?unknown=1`)).status, 200);
});

test('what anyone may ask', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  for (const path of ['/ping', '']) assert.equal((await alice.call('GET', path, undefined, { token: '' })).body, 'pong');
  const health = await alice.call('GET', '/health', undefined, { token: '' });
  assert.equal(health.status, 200);
  assert.ok(health.body.services.every((service) => service.status === 'OK'), health.text);
  const metadata = (await alice.call('GET', '/.metadata', undefined, { token: '' })).body;
  assert.match(metadata.api_root_scope, /^api:\/\//);
  assert.ok(metadata.api_client_id && metadata.aad_tenant_id && metadata.api_version);
  for (const path of ['/healthz', '/readyz', '/ping', '/.metadata', '//api/ping']) {
    assert.equal((await send('GET', `${tree.ready.api}${path}`)).status, 200, path);
  }
});
