// Other people's identity providers: airlock without its own; people and programs of the provider at the command line.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeCa, postForm, send, serverCertificate, sha256, startTree, until } from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { startGlewlwyd } from './lib/glewlwyd.mjs';
import { startOidcProvider } from './lib/oidc-provider.mjs';

const EXIT = { permission: 77 };
const PROGRAM = { id: 'pipeline', secret: 'a secret, with %+& in it' };
const POSTER = { id: 'poster', secret: 'another one', method: 'client_secret_post' };

const audienceOf = (scope) => /^api:\/\/(.+)\/\.default$/.exec(scope)[1];

/** Whom of the demo's people somebody of the provider is: their "oid" there is the one that has the assignments here. */
const PEOPLE = { alice: 'alice', bob: 'bob', mallory: 'mallory', [PROGRAM.id]: 'dave', [POSTER.id]: 'dave' };

/** A provider, and a tree without accounts of its own; each workspace has an audience, as at Entra. */
async function startBoth(t, { set = {}, person = 'oid', ...options } = {}) {
  const oids = {};
  const external = await startOidcProvider(t, {
    audience: (resource) => resource.replace('api://', ''),
    claims: (audience, who) => ({ name: who, email: `${who}@example.org`, [person]: oids[PEOPLE[who]] }),
    people: ['alice', 'bob', 'mallory'], programs: [PROGRAM, POSTER], ...options,
  });
  const tree = await startTree(t, { set: { 'idp.enabled': 'false', 'auth.issuer': external.issuer, ...set } });
  const scopes = [tree.ready.api_scope, ...tree.ready.workspaces.map(({ scope }) => scope)];
  external.offer(Object.fromEntries(scopes.map((scope) => [`api://${audienceOf(scope)}`, scope])));
  for (const { name, oid } of JSON.parse(fs.readFileSync(path.join(tree.dir, 'demo.json'), 'utf8')).accounts) oids[name] = oid;
  return { external, tree, heart: tree.first };
}

const enter = (external, person, options) => (address, userCode) => external.visit(address, person, { userCode, ...options });

async function loggedIn({ external, tree }, name, { env, ca } = {}) {
  const terminal = new Terminal(tree.scratch, name, tree.ready.api, env);
  const result = await terminal.logInByCode(enter(external, name, { ca }), { args: ['--output', 'json'] });
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.equal(JSON.parse(result.stdout).name, name);
  return terminal;
}

async function programLoggedIn({ tree }, { id, secret }, env) {
  const terminal = new Terminal(tree.scratch, id, tree.ready.api, env);
  const result = await terminal.logInAsProgram(id, secret);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  return terminal;
}

/** A program's token without the command line. */
async function tokenOf(external, { id, secret }, scope) {
  const authorization = `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const answer = await postForm(`${external.issuer}/token`, { grant_type: 'client_credentials', scope }, { authorization });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.access_token;
}

async function newRequest(terminal, workspace) {
  const made = await terminal.json(['request', 'new', '--workspace', workspace.id, '--type', 'export', '--title', 'T', '--justification', 'J']);
  return made.airlockRequest.id;
}

test('a whole life with oidc-provider: a program asks, a person decides', async (t) => {
  const both = await startBoth(t);
  const { external, tree, heart } = both;
  const pipeline = await programLoggedIn(both, PROGRAM);
  const bob = await loggedIn(both, 'bob');
  const source = path.join(tree.scratch, 'figure.bin');
  fs.writeFileSync(source, 'a figure');

  const id = await newRequest(pipeline, heart);
  await pipeline.ok(['request', 'upload', id, source, '--workspace', heart.id]);
  await pipeline.ok(['request', 'submit', id, '--workspace', heart.id]);
  const sealed = (await pipeline.json(['request', 'wait', id, '--workspace', heart.id, '--status', 'in_review'])).airlockRequest;
  assert.equal(sealed.files[0].sha256, sha256(Buffer.from('a figure')));
  const own = await pipeline.run(['request', 'review', id, '--workspace', heart.id, '--approve', '--reason', 'mine', '--yes']);
  assert.equal(own.code, EXIT.permission, own.stderr);

  // This provider gives no token of a workspace for the refresh token of another login: bob is asked once more.
  const alone = await bob.run(['request', 'show', id, '--workspace', heart.id]);
  assert.equal(alone.code, EXIT.permission, alone.stdout);
  const asked = await bob.runWithPerson(['request', 'show', id, '--workspace', heart.id], enter(external, 'bob'));
  assert.equal(asked.code, 0, asked.stdout);
  assert.match(asked.stdout, /login of its own for this workspace/);
  await bob.ok(['request', 'review', id, '--workspace', heart.id, '--approve', '--reason', 'Fine', '--yes']);
  await pipeline.ok(['request', 'wait', id, '--workspace', heart.id, '--status', 'approved']);

  bob.expireTokens();
  external.requests.length = 0;
  await bob.ok(['request', 'show', id, '--workspace', heart.id]);
  await bob.ok(['workspace', 'list']);
  assert.deepEqual(external.requests, ['refresh_token ok', 'refresh_token ok'], 'both logins are renewed silently');
  await bob.ok(['logout']);
  assert.deepEqual(external.failures, []);
});

test('the command line asks the server who its person is', async (t) => {
  const both = await startBoth(t, { person: 'staff', set: { 'auth.claim_subject': 'staff' } });
  const oid = JSON.parse(fs.readFileSync(path.join(both.tree.dir, 'demo.json'), 'utf8')).accounts.find(({ name }) => name === 'dave').oid;
  const pipeline = await programLoggedIn(both, PROGRAM);
  const who = await pipeline.json(['whoami']);
  assert.deepEqual([who.id, who.name, who.roles], [oid, PROGRAM.id, ['TREUser']]);
  assert.deepEqual((await pipeline.json(['whoami', '--workspace', both.heart.id])).roles, ['WorkspaceResearcher']);
  const id = await newRequest(pipeline, both.heart);
  const { airlockRequests } = await pipeline.json(['request', 'list', '--mine', '--workspace', both.heart.id]);
  assert.deepEqual(airlockRequests.map(({ airlockRequest }) => airlockRequest.id), [id]);
});

test('a provider that takes a secret in the form only', async (t) => {
  const both = await startBoth(t, { authMethods: ['client_secret_post', 'none'], programs: [POSTER] });
  const poster = await programLoggedIn(both, POSTER);
  assert.equal(poster.kept('login').client_auth, 'post');
  await poster.ok(['workspace', 'list']);
});

test('a member of one workspace is nobody in another', async (t) => {
  const both = await startBoth(t);
  const pipeline = await programLoggedIn(both, PROGRAM);
  const id = await newRequest(pipeline, both.heart);
  const mallory = await loggedIn(both, 'mallory');
  const seen = await mallory.runWithPerson(['request', 'show', id, '--workspace', both.heart.id], enter(both.external, 'mallory'));
  assert.equal(seen.code, 66, seen.stdout);
});

for (const alg of ['PS256', 'ES256', 'EdDSA']) {
  test(`tokens that are signed with ${alg}`, async (t) => {
    const both = await startBoth(t, { alg });
    const pipeline = await programLoggedIn(both, PROGRAM);
    await pipeline.ok(['workspace', 'list']);
    await newRequest(pipeline, both.heart);
  });
}

test('the provider changes its key while tokens are in use', async (t) => {
  const both = await startBoth(t);
  const before = await programLoggedIn(both, PROGRAM);
  both.external.rotate();
  await before.ok(['workspace', 'list']);
  const after = await programLoggedIn({ ...both, tree: { ...both.tree, scratch: path.join(both.tree.scratch, 'after'), ready: both.tree.ready } }, PROGRAM);
  // Keys are fetched at most once in 30 s, so that nobody makes airlock ask the provider all the time.
  await until('the new key to be known', async () => (await after.run(['workspace', 'list'])).code === 0, { timeout: 45_000, step: 500 });
  await before.ok(['workspace', 'list']);
});

test('tokens of another audience or another issuer are refused', async (t) => {
  const both = await startBoth(t);
  const { external, tree } = both;
  external.offer({ ...external.resources, 'api://another-api': 'another' });
  const stranger = await startOidcProvider(t, { resources: external.resources, audience: external.audience, claims: external.claims, programs: [PROGRAM] });
  const status = async (token) => (await send('GET', `${tree.ready.api}/api/workspaces`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await status(await tokenOf(external, PROGRAM, tree.ready.api_scope)), 200);
  assert.equal(await status(await tokenOf(external, PROGRAM, 'another')), 401);
  assert.equal(await status(await tokenOf(external, PROGRAM, both.heart.scope)), 401);
  assert.equal(await status(await tokenOf(stranger, PROGRAM, tree.ready.api_scope)), 401);
});

test('a provider with a certificate of an authority of its own', async (t) => {
  const dir = fs.mkdtempSync(path.join(process.env.AIRLOCK_TMP ?? '/tmp', 'airlock-ca-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const ca = await makeCa(dir);
  const certificate = await serverCertificate(ca);
  const both = await startBoth(t, { certificate, set: { 'auth.ca_file': ca.certificateFile } });
  const env = { AIRLOCK_CA_FILE: ca.certificateFile };
  const untrusting = await new Terminal(both.tree.scratch, 'untrusting', both.tree.ready.api).logInAsProgram(PROGRAM.id, PROGRAM.secret);
  assert.equal(untrusting.code, 78, untrusting.stderr);
  const alice = await loggedIn(both, 'alice', { env, ca: ca.pem });
  assert.match(await alice.ok(['workspace', 'list']), /./);
});

/** Glewlwyd, and a tree without accounts of its own where the core token is every workspace's. The demo's people have their
 * ids there; what changes later is told by `set`, with another start. */
async function startOneAudience(t, { claims, set = {} }) {
  const dir = fs.mkdtempSync(path.join(process.env.AIRLOCK_TMP ?? '/tmp', 'airlock-glewlwyd-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const resource = 'https://airlock.example.org';
  const person = (name) => ({ name, password: `${name}-and-more`, claims: claims?.(name) ?? {} });
  const external = await startGlewlwyd(t, dir, { resource, people: ['alice', 'bob', 'mallory'].map(person), programs: [PROGRAM] });
  const tree = await startTree(t, { set: { 'idp.enabled': 'false', 'auth.issuer': external.issuer, 'auth.audiences': 'one', 'auth.core_audiences': resource,
    'auth.api_resource': resource, 'auth.api_scope': external.scope, ...set } });
  return { external, tree, heart: tree.first };
}

/** The demo's own ids of people, given to the same people at Glewlwyd. */
async function lendIds({ external, tree }) {
  for (const { name, oid } of JSON.parse(fs.readFileSync(path.join(tree.dir, 'demo.json'), 'utf8')).accounts) {
    if (external.people.some((person) => person.name === name)) await external.change(name, { oid });
  }
}

async function approveLife(both, author, reviewer) {
  const { tree, heart } = both;
  const source = path.join(tree.scratch, 'table.csv');
  fs.writeFileSync(source, 'a,b\n1,2\n');
  const id = await newRequest(author, heart);
  await author.ok(['request', 'upload', id, source]);
  await author.ok(['request', 'submit', id]);
  await author.ok(['request', 'wait', id, '--status', 'in_review']);
  assert.equal((await author.run(['request', 'review', id, '--approve', '--reason', 'mine', '--yes'])).code, EXIT.permission);
  await reviewer.ok(['request', 'review', id, '--approve', '--reason', 'Fine', '--yes']);
  await author.ok(['request', 'wait', id, '--status', 'approved']);
  return id;
}

test('a whole life with Glewlwyd: one audience, roles by assignment', async (t) => {
  const both = await startOneAudience(t, {});
  await lendIds(both);
  const alice = await loggedIn(both, 'alice');
  const bob = await loggedIn(both, 'bob');
  const id = await approveLife(both, alice, bob);
  alice.expireTokens();
  await alice.ok(['request', 'show', id]);
  const mallory = await loggedIn(both, 'mallory');
  assert.equal((await mallory.run(['request', 'show', id, '--workspace', both.heart.id])).code, 66);

  await both.external.rotate();
  alice.expireTokens();
  await until('the new key to be known', async () => (await alice.run(['request', 'show', id])).code === 0, { timeout: 45_000, step: 500 });
  const out = await alice.run(['logout']);
  assert.equal(out.code, 0, out.stderr);
  assert.match(out.stderr, /could not be told/, 'Glewlwyd lets programs with a secret revoke only');
});

test('roles by groups, and a program of Glewlwyd', async (t) => {
  const groups = { alice: ['heart-researchers'], bob: ['heart-reviewers'] };
  const both = await startOneAudience(t, { claims: (name) => ({ groups: groups[name] ?? [] }) });
  const { tree, heart } = both;
  const program = await programLoggedIn(both, PROGRAM);
  const nobody = await program.run(['request', 'list', '--workspace', heart.id]);
  assert.notEqual(nobody.code, 0, nobody.stdout);
  await tree.stop();
  tree.set['auth.group_roles'] = ['TREUser', `${heart.id}/WorkspaceResearcher`].map((role) => `heart-researchers=${role}`)
    .concat(['TREUser', `${heart.id}/AirlockManager`].map((role) => `heart-reviewers=${role}`)).join(',');
  await tree.start();
  const alice = await loggedIn(both, 'alice');
  const bob = await loggedIn(both, 'bob');
  await approveLife(both, alice, bob);
});

test('roles by claim, in each workspace\'s own tokens', async (t) => {
  const roles = {};
  const both = await startBoth(t, { set: { 'auth.roles_from': 'claim' }, claims: (audience, who) => ({ name: who, roles: roles[who]?.[audience] ?? [] }) });
  const { external, tree, heart } = both;
  const [core, own, other] = [tree.ready.api_scope, heart.scope, tree.second.scope].map(audienceOf);
  roles[PROGRAM.id] = { [core]: ['TREUser'], [own]: ['WorkspaceResearcher'] };
  roles[POSTER.id] = { [core]: ['TREUser'], [own]: ['AirlockManager'] };
  roles.mallory = { [core]: ['TREUser'], [other]: ['AirlockManager'] };
  // Nobody's core token says in which workspaces they are: the first to come must know the workspace's scope.
  for (const program of [PROGRAM, POSTER]) {
    const token = await tokenOf(external, program, heart.scope);
    const seen = await send('GET', `${tree.ready.api}/api/workspaces/${heart.id}/requests`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(seen.status, 200, seen.text);
  }
  const pipeline = await programLoggedIn(both, PROGRAM);
  await approveLife(both, pipeline, await programLoggedIn(both, POSTER));

  const mallory = await loggedIn(both, 'mallory');
  assert.equal((await mallory.run(['request', 'list', '--workspace', heart.id])).code, 66);
  roles[PROGRAM.id][own] = [];
  pipeline.expireTokens();
  const gone = await pipeline.run(['request', 'list', '--workspace', heart.id]);
  assert.notEqual(gone.code, 0, 'the role was taken away at the provider');
});
