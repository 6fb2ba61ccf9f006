// Accounts of the built-in provider by the command line: a whole life, a program's, and what a kill leaves.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { airlock, assertAzureError, draftWith, getBlob, postForm, putBlob, send, startTree, until } from './harness.mjs';
import { authorizeUrl, discover, nextPage, openPage, pkce, postLogin } from './lib/login.mjs';

const CALLBACK = 'http://127.0.0.1:5000/cb';
const EXIT = { exists: 73, temporary: 75, permission: 77 };

async function terminal(tree, name, account) {
  const home = path.join(tree.scratch, 'home', name);
  fs.mkdirSync(home, { recursive: true });
  const at = (args, options) => airlock(home, args, options);
  const json = async (args) => {
    const result = await at([...args, '--output', 'json']);
    assert.equal(result.code, 0, `airlock ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout);
  };
  const login = await at(['login', '--url', tree.ready.api, '--client-id', account.client_id, '--client-secret-file', '-'], { input: account.client_secret });
  return { at, json, login };
}

const administrator = (tree) => terminal(tree, 'admin', tree.as('admin').account);

async function openLogin(tree) {
  const { authorization_endpoint, token_endpoint } = await discover(tree);
  const { verifier, challenge } = pkce();
  const opened = await openPage(authorizeUrl(authorization_endpoint, {
    client_id: 'airlock-cli', redirect_uri: CALLBACK, scope: tree.ready.api_scope, code_challenge: challenge, state: 's' }));
  const redeem = (location) => postForm(token_endpoint, { grant_type: 'authorization_code', client_id: 'airlock-cli',
    redirect_uri: CALLBACK, code: new URL(location).searchParams.get('code'), code_verifier: verifier });
  return { opened, redeem };
}

const ask = (tree, token) => send('GET', `${tree.ready.api}/api/workspaces`, { headers: { authorization: `Bearer ${token}` } });

function assertNowhere(tree, entries, secrets) {
  const record = JSON.stringify(entries);
  for (const secret of secrets) {
    assert.ok(secret.length > 10);
    assert.ok(!tree.log().includes(secret), 'a secret is in the log');
    assert.ok(!record.includes(secret), 'a secret is in the audit');
  }
}

test('a person, from one-time password to reset', async (t) => {
  const tree = await startTree(t);
  const admin = await administrator(tree);
  const added = await admin.json(['admin', 'user', 'add', 'eve', '--email', 'eve@example.org']);
  assert.deepEqual(added.user.roles, ['TREUser']);

  const first = await openLogin(tree);
  const change = await postLogin(first.opened, 'eve', added.password);
  assert.equal(change.status, 200, change.text);
  assert.match(change.text, /<h1>Change your password/);
  const page = nextPage(first.opened, change);
  const next = 'correct otter battery';
  const typed = (password, again = password) => postForm(page.action,
    { ...page.fields, username: 'eve', password: added.password, new_password: password, new_password_again: again }, { cookie: page.cookie });
  for (const [password, again] of [['short', 'short'], [next, `${next}!`], ['password1234', 'password1234'], ['eve@example.org', 'eve@example.org'], [added.password, added.password]])
    assert.equal((await typed(password, again)).status, 422, password);
  const changed = await typed(next);
  assert.equal(changed.status, 303, changed.text);
  const tokens = await first.redeem(changed.headers.location);
  assert.equal(tokens.status, 200, tokens.text);
  const token = tokens.body.access_token;
  assert.equal((await ask(tree, token)).status, 200);

  const old = await openLogin(tree);
  assert.equal((await postLogin(old.opened, 'eve', added.password)).status, 403);
  const again = await admin.at(['admin', 'user', 'add', 'eve', '--email', 'other@example.org']);
  assert.equal(again.code, EXIT.exists, again.stderr);
  assert.ok(again.stderr.includes(added.user.id), again.stderr);

  assert.equal((await admin.json(['admin', 'user', 'disable', 'eve'])).user.disabled, true);
  assert.equal((await ask(tree, token)).status, 401);
  assert.equal((await postLogin((await openLogin(tree)).opened, 'eve', next)).status, 403);
  assert.equal((await admin.json(['admin', 'user', 'enable', 'eve@example.org'])).user.disabled, false);
  assert.equal((await postLogin((await openLogin(tree)).opened, 'eve', next)).status, 303);
  const reset = await admin.json(['admin', 'user', 'reset', added.user.id]);
  assert.notEqual(reset.password, added.password);
  assert.equal((await postLogin((await openLogin(tree)).opened, 'eve', next)).status, 403);
  assert.match((await postLogin((await openLogin(tree)).opened, 'eve', reset.password)).text, /<h1>Change your password/);

  const { users } = await admin.json(['admin', 'user', 'list', '--all']);
  assert.ok(users.some((user) => user.name === 'eve' && !user.is_service));
  const { entries } = await admin.json(['admin', 'audit', '--all']);
  assert.equal(entries.filter((entry) => entry.kind === 'account.order').length, 5);
  assertNowhere(tree, entries, [added.password, reset.password, next]);
});

test('what a disabled person was given opens nothing any more', async (t) => {
  const tree = await startTree(t);
  const admin = tree.as('admin');
  const request = await draftWith(tree, 'export', { 'a.txt': 'hello' });
  const account = (await admin.ok('GET', '/admin/users')).users.find((user) => user.name === 'alice');
  assert.equal((await getBlob(request.link, 'a.txt')).status, 200);
  const set = (what) => admin.ok('POST', `/admin/users/${account.id}/${what}`);

  await set('disable');
  assertAzureError(await getBlob(request.link, 'a.txt'), 403, 'AuthenticationFailed');
  assertAzureError(await putBlob(request.link, 'b.txt', 'late'), 403, 'AuthenticationFailed');
  const { entries } = await admin.ok('GET', '/admin/audit?limit=1000');
  const [, link] = new URL(request.link).searchParams.get('si').split('-');
  const refused = entries.filter((entry) => entry.kind === 'refused' && entry.request === request.id);
  assert.ok(refused.some((entry) => /disabled/.test(JSON.stringify(entry.detail))), `${link}: ${JSON.stringify(refused)}`);

  await set('enable');
  assertAzureError(await getBlob(request.link, 'a.txt'), 403, 'AuthenticationFailed');
});

test('a program has a client and a role, and its old secret stops', async (t) => {
  const tree = await startTree(t);
  const admin = await administrator(tree);
  const { user, client_secret } = await admin.json(['admin', 'user', 'add', 'robot', '--service']);
  assert.equal(user.is_service, true);
  const robot = await terminal(tree, 'robot', { client_id: user.client_id, client_secret });
  assert.equal(robot.login.code, 0, robot.login.stderr);
  assert.equal((await robot.at(['admin', 'jobs'])).code, EXIT.permission);
  await admin.json(['admin', 'role', 'assign', 'tre', 'robot', 'TREAdmin']);
  assert.equal((await robot.at(['admin', 'jobs'])).code, 0);
  await admin.json(['admin', 'role', 'remove', 'tre', 'robot', 'TREAdmin']);
  assert.equal((await robot.at(['admin', 'jobs'])).code, EXIT.permission);
  const last = await admin.at(['admin', 'role', 'remove', 'tre', 'admin', 'TREAdmin']);
  assert.equal(last.code, EXIT.temporary, last.stderr);
  const reset = await admin.json(['admin', 'user', 'reset', 'robot']);
  assert.notEqual((await terminal(tree, 'old', { client_id: user.client_id, client_secret })).login.code, 0);
  assert.equal((await terminal(tree, 'new', { client_id: user.client_id, client_secret: reset.client_secret })).login.code, 0);
});

test('a kill in the middle of an add leaves the account or none, and a repeat is safe', async (t) => {
  const tree = await startTree(t);
  const admin = await administrator(tree);
  const adding = admin.at(['admin', 'user', 'add', 'eve', '--email', 'eve@example.org', '--output', 'json']);
  await until('the order to be under way', async () => {
    try { tree.kill('airlock-idp'); return true; } catch { return false; }
  });
  const first = await adding;
  assert.ok([0, EXIT.temporary].includes(first.code), first.stderr);
  await until('airlock-idp to be back', async () => (await admin.at(['admin', 'user', 'list'])).code === 0
    && (await send('GET', `${tree.ready.issuer}/.well-known/openid-configuration`).catch(() => ({}))).status === 200);
  const repeat = await admin.at(['admin', 'user', 'add', 'eve', '--email', 'eve@example.org']);
  assert.ok([0, EXIT.exists].includes(repeat.code), repeat.stderr);
  const reset = await admin.json(['admin', 'user', 'reset', 'eve']);
  assert.match((await postLogin((await openLogin(tree)).opened, 'eve', reset.password)).text, /<h1>Change your password/);
});
