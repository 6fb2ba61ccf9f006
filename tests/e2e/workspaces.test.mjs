// Workspaces, the people in them, and that roles take effect.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { assertProblem, draftWith, getBlob, startTree } from './harness.mjs';

const ids = (body) => body.workspaces.map((workspace) => workspace.id).sort();

test('who sees which workspace', async (t) => {
  const tree = await startTree(t);
  const { first, second } = tree;
  assert.deepEqual(ids(await tree.as('alice').ok('GET', '/workspaces')), [first.id]);
  assert.deepEqual(ids(await tree.as('mallory').ok('GET', '/workspaces')), [second.id]);
  assert.deepEqual(ids(await tree.as('admin').ok('GET', '/workspaces')), [first.id, second.id].sort());
  assertProblem(await tree.as('alice').call('GET', '/workspaces', undefined, { token: '' }), 401);

  const { workspace } = await tree.as('alice').ok('GET', `/workspaces/${first.id}`);
  assert.equal(workspace.id, first.id);
  assert.equal(workspace.resourceType, 'workspace');
  assert.equal(workspace.properties.enable_airlock, true);
  assert.equal(`${workspace.properties.scope_id}/.default`, first.scope);
  assert.deepEqual(workspace.properties.networks, ['127.0.0.0/8']);
  assert.equal(workspace.properties.policy.max_files, 1);
  const scope = await tree.as('alice').ok('GET', `/workspaces/${first.id}/scopeid`);
  assert.deepEqual(scope, { workspaceAuth: { scopeId: workspace.properties.scope_id } });
  for (const tail of ['', '/scopeid', '/users']) {
    const answer = await tree.as('mallory').call('GET', `/workspaces/${first.id}${tail}`);
    assert.ok([401, 404].includes(answer.status), `${tail}: ${answer.text}`);
    assertProblem(await tree.as('mallory').call('GET', `/workspaces/${first.id}${tail}`, undefined, { scope: second.scope }), 404);
    assertProblem(await tree.as('admin').call('GET', `/workspaces/${crypto.randomUUID()}${tail}`), 404);
  }

  const { users } = await tree.as('alice').ok('GET', `/workspaces/${first.id}/users`, undefined, { scope: first.scope });
  const roles = Object.fromEntries(users.map((user) => [user.email.split('@')[0], user.roles.map((role) => role.id).sort()]));
  assert.deepEqual(roles, {
    alice: ['WorkspaceResearcher'], dave: ['WorkspaceResearcher'], bob: ['AirlockManager'], carol: ['WorkspaceOwner'],
    erin: ['AirlockManager', 'WorkspaceResearcher'],
  });
});

test('an administrator makes a workspace, and only an administrator', async (t) => {
  const tree = await startTree(t);
  const admin = tree.as('admin');
  const wish = { properties: { display_name: 'Third', description: 'A new one', networks: ['127.0.0.0/8'], policy: { max_files: 3 } } };
  for (const name of ['alice', 'carol', 'mallory']) assertProblem(await tree.as(name).call('POST', '/workspaces', wish), 403, /TREAdmin/);

  const made = (await admin.ok('POST', '/workspaces', wish)).workspace;
  assert.equal(made.properties.display_name, 'Third');
  assert.equal(made.properties.policy.max_files, 3);
  assert.equal((await admin.ok('GET', '/workspaces')).workspaces.length, 3);

  for (const [field, properties] of [
    ['display_name', { description: 'nameless' }], ['networks', { ...wish.properties, networks: ['300.0.0.0/8'] }],
    ['policy.max_files', { ...wish.properties, policy: { max_files: 0 } }],
  ]) {
    const problem = assertProblem(await admin.call('POST', '/workspaces', { properties }), 422);
    assert.ok(problem.field?.includes(field.split('.').at(-1)), JSON.stringify(problem));
  }
  assert.equal((await admin.ok('GET', '/workspaces')).workspaces.length, 3);
});

test('a workspace is changed under its etag', async (t) => {
  const tree = await startTree(t);
  const admin = tree.as('admin');
  const path = `/workspaces/${tree.first.id}`;
  const before = (await admin.ok('GET', path)).workspace;
  const change = (properties, etag = '*') => admin.call('PATCH', path, { properties }, { headers: { etag } });

  for (const name of ['alice', 'carol']) {
    const answer = await tree.as(name).call('PATCH', path, { properties: { display_name: 'Mine' } }, { headers: { etag: '*' } });
    assertProblem(answer, 403, /TREAdmin/);
  }
  const first = await change({ policy: { max_files: 2 } }, before._etag);
  assert.ok(first.status < 300, first.text);
  assert.equal((await change({ display_name: 'late' }, before._etag)).status, 409, 'the etag is spent');
  assert.equal((await change({ surprise: 1 })).status, 422);
  const after = (await admin.ok('GET', path)).workspace;
  assert.equal(after.properties.policy.max_files, 2);
  assert.equal(after.properties.display_name, before.properties.display_name);
  assert.notEqual(after._etag, before._etag);

  const request = await draftWith(tree, 'export', { a: '1', b: '2' });
  assert.equal((await tree.as('alice').submit(request)).status, 200, 'the new policy holds');
  assert.ok((await change({ enable_airlock: false })).status < 300);
  const refused = await tree.as('alice').call('POST', `${path}/requests`, { type: 'export', title: 'T', businessJustification: 'J' });
  assertProblem(refused, 405, /Airlock is not enabled in this workspace/);
});

test('a workspace\'s networks bound who reaches its data', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', { 'a.txt': 'inside' });
  assert.equal((await getBlob(request.link, 'a.txt')).status, 200);
  const path = `/workspaces/${tree.first.id}`;
  const answer = await tree.as('admin').call('PATCH', path, { properties: { networks: ['10.9.0.0/16'] } }, { headers: { etag: '*' } });
  assert.ok(answer.status < 300, answer.text);
  assert.equal((await getBlob(request.link, 'a.txt')).status, 403);
});

test('roles given and taken take effect at once', async (t) => {
  const tree = await startTree(t);
  const admin = tree.as('admin');
  const alice = tree.as('alice');
  const path = `/workspaces/${tree.second.id}`;
  const { assignable_users: people } = await admin.ok('GET', `${path}/assignable-users`);
  const { roles } = await admin.ok('GET', `${path}/roles`);
  const oid = people.find((person) => person.email === 'alice@example.org').id;
  const role = roles.find((r) => r.id === 'WorkspaceResearcher' || r.value === 'WorkspaceResearcher').id;
  const body = { user_ids: [oid], role_id: role };
  const wish = { type: 'export', title: 'T', businessJustification: 'J' };
  const create = () => alice.call('POST', `${path}/requests`, wish);

  assertProblem(await create(), 404);
  for (const name of ['alice', 'carol']) assertProblem(await tree.as(name).call('POST', `${path}/users/assign`, body), 403);
  const given = await admin.call('POST', `${path}/users/assign`, body);
  assert.ok(given.status < 300, given.text);
  assert.deepEqual(given.body, { user_ids: [oid], role_id: role });
  const made = await create();
  assert.equal(made.status, 201, made.text);
  assert.ok((await alice.ok('GET', '/workspaces')).workspaces.some((w) => w.id === tree.second.id));

  const taken = await admin.call('DELETE', `${path}/users/assign?user_id=${oid}&role_id=${role}`);
  assert.ok(taken.status < 300, taken.text);
  assertProblem(await create(), 404);
  for (const bad of [{ ...body, role_id: 'King' }, { ...body, user_ids: [crypto.randomUUID()] }, { ...body, user_ids: [] }, {}]) {
    assertProblem(await admin.call('POST', `${path}/users/assign`, bad), 422);
  }
  const { entries } = await admin.ok('GET', '/admin/audit?limit=500');
  for (const kind of ['role.assigned', 'role.removed']) assert.ok(entries.some((entry) => entry.kind === kind), kind);
});

test('the administrator\'s pages are the administrator\'s', async (t) => {
  const tree = await startTree(t);
  for (const path of ['/admin/audit', '/admin/jobs']) {
    assertProblem(await tree.as('alice').call('GET', path), 403, /TREAdmin/);
    assertProblem(await tree.as('alice').call('GET', path, undefined, { scope: tree.first.scope }), 401);
    assert.equal((await tree.as('admin').call('GET', path)).status, 200);
  }
  assertProblem(await tree.as('alice').call('POST', `/admin/requests/${crypto.randomUUID()}/retry`), 403);
  assertProblem(await tree.as('admin').call('POST', `/admin/requests/${crypto.randomUUID()}/retry`), 404);
});
