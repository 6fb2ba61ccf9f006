// Everyone asks for everything over HTTP: each route of the OpenAPI document × who asks. What they get is what the
// document says of the route's right, and never a 5xx. The rules behind the roles are walked by tests/unit/core/test_matrix.c.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { draftWith, send, startTree } from './harness.mjs';

const METHODS = ['get', 'post', 'patch', 'delete', 'put'];

/** Whether the roles of the caller open the route: 0, or the status that refuses. */
function refusal(right, caller) {
  if (right.token === 'none') return 0;
  if (!caller.token) return 401;
  const inTre = caller.treRoles?.some((role) => right.treRoles.includes(role));
  if (right.token === 'core') {
    if (!caller.treRoles) return 401;
    return inTre ? 0 : 403;
  }
  if (caller.treRoles) return inTre ? 0 : 401;
  if (caller.outside) return 404;
  return right.workspaceRoles.includes(caller.role) ? 0 : 403;
}

const SAMPLES = { object: () => ({}), array: () => [crypto.randomUUID()], integer: () => 1, boolean: () => true, string: () => 'x' };

/** A body of the right shape, whatever it says: airlock-api looks at shapes before core looks at tokens. */
function bodyOf(operation) {
  const properties = operation.requestBody?.content['application/json'].schema.properties;
  return properties && Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, SAMPLES[type]()]));
}

/** The address, headers and body of a call in which only the caller's right is in question. */
function request(tree, draft, path, operation) {
  const ids = { workspace: tree.first.id, request: draft.id };
  const query = new URLSearchParams();
  const headers = {};
  for (const parameter of operation.parameters.filter((p) => p.required)) {
    if (parameter.in === 'query') query.set(parameter.name, parameter.schema.type === 'integer' ? '1' : crypto.randomUUID());
    if (parameter.in === 'header') headers[parameter.name] = '*';
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => ids[name] ?? crypto.randomUUID());
  return { url: `${tree.ready.api}${filled}${query.size ? `?${query}` : ''}`, headers, body: bodyOf(operation) };
}

async function callers(tree) {
  const core = async (name, ...treRoles) => ({ name: `${name}'s core token`, token: await tree.as(name).token(), treRoles });
  const inside = async (name, role) => ({ name: `${name}'s workspace token`, token: await tree.as(name).token(tree.first.scope), role });
  return [
    { name: 'no token', token: '' },
    { name: 'garbage', token: '', sent: 'garbage' },
    { name: 'a token with a forged signature', token: '', sent: `${(await tree.as('admin').token()).split('.', 2).join('.')}.AAAA` },
    await core('alice', 'TREUser'),
    await core('admin', 'TREUser', 'TREAdmin'),
    await inside('alice', 'WorkspaceResearcher'),
    await inside('bob', 'AirlockManager'),
    await inside('carol', 'WorkspaceOwner'),
    { name: "mallory's workspace token", token: await tree.as('mallory').token(tree.second.scope), outside: true },
  ];
}

function check(path, right, caller, answer) {
  const what = `${path} with ${caller.name}: ${answer.status} ${answer.text}`;
  assert.ok(answer.status < 500, what);
  if (right.name === 'OF_NOBODY') return assert.ok(answer.status >= 400, what);
  const refused = refusal(right, caller);
  if (refused) return assert.equal(answer.status, refused, what);
  assert.notEqual(answer.status, 401, what);
  if (!/\{(user|gate|name)\}/.test(path)) assert.notEqual(answer.status, 404, what); // nobody is called as this test says
  if (!right.rule) assert.notEqual(answer.status, 403, what);
}

test('every route answers everyone as its right says', async (t) => {
  const tree = await startTree(t);
  const draft = await draftWith(tree, 'export', { 'a.csv': Buffer.from('bytes\n') });
  const { body: document } = await send('GET', `${tree.ready.api}/api/openapi.json`);
  const everyone = await callers(tree);
  let asked = 0;

  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((name) => operations[name])) {
      const operation = operations[method];
      const right = operation['x-airlock-right'];
      assert.equal(operation.security.length === 0, right.token === 'none' && right.name !== 'OF_NOBODY', path);
      for (const caller of everyone) {
        const { url, headers, body } = request(tree, draft, path, operation);
        const bearer = caller.sent ?? caller.token;
        if (bearer) headers.authorization = `Bearer ${bearer}`;
        const endless = operation.responses['200']?.content['text/event-stream']; // judged the same, and answered without the stream
        check(path, right, caller, await send(endless ? 'HEAD' : method.toUpperCase(), url, { headers, body }));
        asked++;
      }
      if (path.endsWith('/submit')) await tree.as('alice').waitStatus(draft, 'in_review'); // the gates' report is there from then on
    }
  }
  assert.ok(asked > 45 * everyone.length, `${asked} calls`);
});
