// What AzureTRE's own clients ask when they start, call by call and in their order, with their tokens: the answers are
// true, and empty where an airlock has no such thing.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { assertProblem, postForm, send, startTree } from './harness.mjs';
import { authorizeUrl, discover, logIn, pkce } from './lib/login.mjs';

/** A client with one base URL, which sends the path as it stands. */
function client(base) {
  return async (token, path, method = 'GET') => {
    const answer = await send(method, `${base}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
    assert.ok(answer.status < 300, `${method} ${path} → ${answer.status} ${answer.text}`);
    return answer.body;
  };
}

const NO_COSTS = { core_services: [], shared_services: [], workspaces: [] };

test('the tre CLI: log-in, a command in a workspace, its other lists; with a slash at the end of its base URL too', async (t) => {
  const tree = await startTree(t);
  for (const base of [tree.ready.api, `${tree.ready.api}/`]) {
    const ask = client(base);
    for (const who of ['alice', 'admin']) {
      const person = tree.as(who);
      const metadata = await ask(null, '/api/.metadata');
      const core = await person.token(`api://${metadata.api_client_id}/.default`);
      assert.ok(metadata.aad_tenant_id && metadata.api_root_scope.endsWith('/user_impersonation'));

      const { workspace } = await ask(core, `/api/workspaces/${tree.first.id}`);
      assert.match(workspace.properties.scope_id, /^api:\/\//);
      if (who === 'alice') {
        const inside = await person.token(`${workspace.properties.scope_id}/.default`);
        await ask(inside, `/api/workspaces/${workspace.id}/requests`);
      }
      assert.ok((await ask(core, '/api/workspaces')).workspaces.length >= 1);
      assert.deepEqual(await ask(core, '/api/operations'), { operations: [] });
      assert.deepEqual(await ask(core, '/api/shared-services'), { sharedServices: [] });
      assert.deepEqual(await ask(core, '/api/shared-service-templates'), { templates: [] });
      assert.deepEqual(await ask(core, '/api/workspace-service-templates'), { templates: [] });
      assert.ok((await ask(core, '/api/health')).services.length > 0);
    }
    const core = await tree.as('admin').token();
    assert.deepEqual(await ask(core, '/api/costs'), NO_COSTS);
    assert.deepEqual(await ask(core, '/api/workspace-templates'), { templates: [] });
    assert.deepEqual(await ask(core, '/api/migrations', 'POST'), { migrations: [] });
  }
});

test('the web UI: start, a workspace\'s page, the airlock\'s list, the pages of the TRE', async (t) => {
  const tree = await startTree(t);
  const ask = client(tree.ready.api);
  for (const who of ['alice', 'carol']) {
    const person = tree.as(who);
    const core = await person.token();
    const { workspaces } = await ask(core, '/api/workspaces');
    assert.deepEqual(await ask(core, '/api/operations'), { operations: [] });
    await ask(core, '/api/health');
    await ask(null, '/api/.metadata');

    const at = `/api/workspaces/${workspaces[0].id}`;
    const { scopeId } = (await ask(core, `${at}/scopeid`)).workspaceAuth;
    const inside = await person.token(`${scopeId}/.default`);
    const { workspace } = await ask(inside, at);
    assert.deepEqual(await ask(inside, `${at}/workspace-services`), { workspaceServices: [] });
    assert.deepEqual(await ask(inside, `${at}/workspace-service-templates`), { templates: [] });
    assert.deepEqual(await ask(core, '/api/shared-services'), { sharedServices: [] });
    await ask(inside, `${at}/requests?order_by=updatedWhen&order_ascending=false`);
    for (const manager of [false, true]) await ask(core, `/api/requests?airlock_manager=${manager}&order_by=updatedWhen`);
    if (who === 'carol') {
      const when = 'from_date=2026-10-01T00:00:00.000Z&to_date=2026-11-01T00:00:00.000Z&granularity=Daily';
      const costs = { id: workspace.id, name: workspace.properties.display_name, costs: [], workspace_services: [] };
      for (const query of ['', `?${when}`, '?granularity=None']) assert.deepEqual(await ask(inside, `${at}/costs${query}`), costs);
      assert.deepEqual(await ask(inside, `${at}/operations`), { operations: [] });
      assert.deepEqual(await ask(inside, `${at}/history`), { resource_history: [] });
    }
  }
  const admin = await tree.as('admin').token();
  assert.deepEqual(await ask(admin, '/api/costs?granularity=Daily'), NO_COSTS);
  for (const tail of ['costs', 'operations', 'history']) await ask(admin, `/api/workspaces/${tree.first.id}/${tail}`);
});

test('the web UI signs in without naming a resource, and names it when it refreshes', async (t) => {
  const tree = await startTree(t);
  const about = await discover(tree);
  const alice = tree.as('alice');
  const ask = client(tree.ready.api);
  const { api_client_id: client_id } = await ask(null, '/api/.metadata');
  const redirect_uri = tree.ready.api;
  const scope = 'openid profile offline_access';
  const proof = pkce();
  const url = authorizeUrl(about.authorization_endpoint, { client_id, redirect_uri, scope, state: 's', code_challenge: proof.challenge });
  const code = (await logIn(url, 'alice', alice.password)).searchParams.get('code');
  const post = (fields) => postForm(about.token_endpoint, { client_id, ...fields });
  const first = await post({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: proof.verifier, scope });
  assert.equal(first.status, 200, first.text);
  assert.ok(first.body.id_token && first.body.refresh_token, first.text);
  await ask(first.body.access_token, '/api/workspaces'); // who names nothing means the TRE itself
  const inside = `/workspaces/${tree.first.id}/requests`;
  assertProblem(await alice.call('GET', inside, undefined, { token: first.body.access_token }), 401, /Invalid token/);
  assertProblem(await alice.call('GET', '/workspaces', undefined, { token: first.body.id_token }), 401);

  const { scope_id } = (await ask(first.body.access_token, `/api/workspaces/${tree.first.id}`)).workspace.properties;
  const wanted = `${scope_id}/user_impersonation ${scope}`;
  const second = await post({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token, scope: wanted });
  assert.equal(second.status, 200, second.text);
  await ask(second.body.access_token, `/api${inside}`);
});

test('who may not see an empty list is told so; what is not there is 404; there is no Swagger page', async (t) => {
  const tree = await startTree(t);
  const at = `/workspaces/${tree.first.id}`;
  const call = (who, path, scope, method = 'GET') => tree.as(who).call(method, path, undefined, { scope });
  for (const path of ['/costs', '/workspace-templates']) assertProblem(await call('alice', path), 403, /TREAdmin/);
  assertProblem(await call('alice', '/migrations', undefined, 'POST'), 403, /TREAdmin/);
  for (const tail of ['costs', 'operations', 'history']) {
    assertProblem(await call('alice', `${at}/${tail}`, tree.first.scope), 403, /WorkspaceOwner/);
    assertProblem(await call('alice', `${at}/${tail}`), 401, /Invalid token/);
    assertProblem(await call('mallory', `${at}/${tail}`, tree.second.scope), 404, /Workspace does not exist/);
  }
  for (const who of ['alice', 'admin']) assertProblem(await call(who, `${at}/workspace-services`), 401, /Invalid token/);
  for (const path of ['/operations', '/shared-services', '/costs', `${at}/workspace-services`, `${at}/costs`]) {
    assertProblem(await tree.as('alice').call('GET', path, undefined, { token: '' }), 401);
  }
  for (const path of ['/operations', '/shared-services', `${at}/operations`, `${at}/workspace-services`]) {
    assertProblem(await call('admin', `${path}/${crypto.randomUUID()}`), 404);
  }
  assertProblem(await send('GET', `${tree.ready.api}/api/docs`), 403, /Swagger is disabled/);
});
