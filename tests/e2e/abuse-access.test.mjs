// Threats T13 and T14: a request is reached only through its own workspace, and a draft only by who made it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { approved, assertProblem, draftWith, getBlob, inReview, listBlobs, namesOf, send, startTree, UNLIMITED, until } from './harness.mjs';

const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'mallory', 'admin'];
// One body that every route understands.
const BODY = { approval: true, decisionExplanation: 'x', reason: 'x', manifestDigest: '0'.repeat(64), verdict: 'pass' };

/** Every operation on one request, from the API's own description: a new route is tried without being named here. */
async function requestOperations(tree) {
  const { paths } = (await send('GET', `${tree.ready.api}/api/openapi.json`)).body;
  const found = [];
  for (const [path, methods] of Object.entries(paths)) {
    const tail = /^\/api\/workspaces\/\{[^}]+\}\/requests\/\{[^}]+\}(.*)$/.exec(path)?.[1];
    if (tail !== undefined) found.push(...Object.keys(methods).map((method) => [method.toUpperCase(), tail.replace(/\{[^}]+\}/g, 'any')]));
  }
  assert.ok(found.length >= 9, JSON.stringify(found));
  return found;
}

test('T13 a request through the path of another workspace: as if it were not there, for everyone', async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const { first, second } = tree;
  const operations = await requestOperations(tree);
  const theirs = await tree.as('mallory').createRequest(second, 'export');
  const ours = [
    await draftWith(tree, 'export', { 'a.csv': 'x' }), await inReview(tree, 'export', { 'a.csv': 'x' }), await approved(tree, 'import', { 'a.csv': 'x' }),
  ];
  await until('the delivery', async () => (await tree.as('alice').show(ours[2])).properties.deliveredWhen);
  const before = await Promise.all(ours.map((request) => tree.as('alice').show(request)));
  const nowhere = crypto.randomUUID();
  const cases = [
    ...ours.map((request) => ({ id: request.id, path: second })), // ours, through the other workspace
    { id: theirs.id, path: first },
    { id: ours[0].id, path: { id: crypto.randomUUID() } },
  ];
  for (const name of PEOPLE) {
    const person = tree.as(name);
    for (const scope of [first.scope, second.scope, tree.ready.api_scope]) {
      const token = await person.token(scope);
      for (const { id, path } of cases) {
        for (const [method, tail] of operations) {
          const body = method === 'POST' ? BODY : undefined;
          const ask = (request) => person.call(method, `/workspaces/${path.id}/requests/${request}${tail}`, body, { token });
          const [there, missing] = await Promise.all([ask(id), ask(nowhere)]);
          assert.ok([401, 403, 404].includes(there.status), `${name} ${method} ${tail}: ${there.status} ${there.text}`);
          const same = [there.status, there.text.replaceAll(id, 'ID')];
          assert.deepEqual(same, [missing.status, missing.text.replaceAll(nowhere, 'ID')], `${name} ${method} ${tail}`);
        }
      }
    }
  }
  assert.deepEqual(await Promise.all(ours.map((request) => tree.as('alice').show(request))), before, 'nothing changed');
  assert.equal((await tree.as('mallory').show(theirs)).status, 'draft');
});

test('T13 an outsider in the right path: 404, the same as for what is not there', async (t) => {
  const tree = await startTree(t);
  const mallory = tree.as('mallory');
  const token = await mallory.token(tree.first.scope);
  const request = await draftWith(tree, 'export', { 'a.csv': 'x' });
  const list = `/workspaces/${tree.first.id}/requests`;
  const nowhere = crypto.randomUUID();
  for (const [method, tail] of await requestOperations(tree)) {
    const body = method === 'POST' ? BODY : undefined;
    const there = await mallory.call(method, `${list}/${request.id}${tail}`, body, { token });
    const missing = await mallory.call(method, `${list}/${nowhere}${tail}`, body, { token });
    assertProblem(there, 404);
    assert.equal(there.text.replaceAll(request.id, 'ID'), missing.text.replaceAll(nowhere, 'ID'), `${method} ${tail}`);
  }
  assertProblem(await mallory.call('GET', list, undefined, { token }), 404);
  assertProblem(await mallory.call('POST', list, { type: 'export', title: 'T', businessJustification: 'J' }, { token }), 404);
  assert.equal((await tree.as('alice').show(request)).status, 'draft');
});

test('T14 a draft belongs to who made it', async (t) => {
  const tree = await startTree(t);
  const core = { scope: tree.ready.api_scope };
  const request = await draftWith(tree, 'export', { 'a.csv': 'mine' });

  await t.test('T14 another researcher, a manager, one who is both: no link, no submit, no cancel, no revoke of links', async () => {
    for (const name of ['dave', 'bob', 'erin']) {
      const other = tree.as(name);
      for (const answer of [await other.link(request), await other.call('POST', other.at(request, '/link')), await other.submit(request), await other.cancel(request)]) {
        assertProblem(answer, 403);
      }
    }
    assertProblem(await tree.as('dave').call('POST', tree.as('dave').at(request, '/link/revoke-all')), 403);
  });
  await t.test('T14 a workspace owner and an administrator: no link, no submit', async () => {
    const [carol, admin] = ['carol', 'admin'].map((name) => tree.as(name));
    for (const answer of [await carol.link(request), await carol.submit(request)]) assertProblem(answer, 403);
    for (const [method, tail] of [['GET', '/link'], ['POST', '/submit']]) {
      const answer = await admin.call(method, admin.at(request, tail), undefined, core);
      assert.ok([401, 403].includes(answer.status), `${tail}: ${answer.status}`);
    }
  });
  assert.equal((await tree.as('alice').show(request)).status, 'draft');
  assert.equal((await getBlob(request.link, 'a.csv')).text, 'mine');
  assert.deepEqual(namesOf(await listBlobs(request.link)), ['a.csv']);
  await t.test('T14 these two may cancel it', async () => {
    assert.equal((await tree.as('carol').cancel(request)).status, 200);
    const second = await draftWith(tree, 'export', { 'a.csv': 'mine' });
    const admin = tree.as('admin');
    assert.equal((await admin.call('POST', admin.at(second, '/cancel'), undefined, core)).status, 200);
  });
});
