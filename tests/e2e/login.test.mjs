// The command line's logins against the built-in provider: by a code on another device, by client credentials; renewing
// them silently, and ending them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { postForm, startTree } from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { Visitor } from './lib/visitor.mjs';

const EXIT = { usage: 64, permission: 77 };

/** alice in a browser somewhere: enters the code, signs in, allows. */
const enter = (tree, name, fill = {}) => (address, code) =>
  new Visitor().walk(address, { user_code: code, username: name, password: tree.as(name).password, ...fill });

async function loggedIn(tree, name) {
  const terminal = new Terminal(tree.scratch, name, tree.ready.api);
  const result = await terminal.logInByCode(enter(tree, name), { args: ['--output', 'json'] });
  assert.equal(result.code, 0, result.stdout + result.stderr);
  return { terminal, identity: JSON.parse(result.stdout) };
}

/** The person ends all of it elsewhere. */
async function revoke(terminal) {
  const [token] = Object.values(terminal.kept('tokens').refresh);
  const answer = await postForm(terminal.kept('login').revocation_endpoint, { token, client_id: 'airlock-cli' });
  assert.equal(answer.status, 200, answer.text);
}

const refresh = (tree, scope, token) => postForm(tree.ready.token_endpoint,
  { grant_type: 'refresh_token', client_id: 'airlock-cli', refresh_token: token, scope });

test('a login by code serves every workspace, is renewed silently, and ends with logout', async (t) => {
  const tree = await startTree(t);
  const { terminal, identity } = await loggedIn(tree, 'alice');
  assert.equal(identity.name, 'alice');
  assert.equal(identity.method, 'device');
  const scope = terminal.kept('login').core_scope;
  const first = terminal.kept('tokens').refresh[scope];
  assert.ok(first, 'a refresh token is kept');

  const made = await terminal.json(['request', 'new', '--workspace', tree.first.id, '--type', 'export', '--title', 'T', '--justification', 'J']);
  assert.ok(made.airlockRequest.id, 'the workspace\'s token came without another login');
  terminal.expireTokens();
  await terminal.ok(['request', 'show', made.airlockRequest.id]);
  const last = terminal.kept('tokens').refresh[scope];
  assert.notEqual(last, first, 'the refresh token was rotated, and the new one is kept');

  await terminal.ok(['logout']);
  assert.equal(terminal.kept('tokens'), null);
  assert.equal(terminal.kept('login'), null);
  const refused = await refresh(tree, scope, last);
  assert.equal(refused.status, 400, refused.text);
  assert.equal(refused.body.error, 'invalid_grant');
});

test('commands at the same time do not end each other\'s login', async (t) => {
  const tree = await startTree(t);
  const { terminal } = await loggedIn(tree, 'bob');
  for (let round = 0; round < 3; round++) {
    terminal.expireTokens();
    const results = await Promise.all(Array.from({ length: 6 }, () => terminal.run(['workspace', 'users', tree.first.id])));
    for (const result of results) assert.equal(result.code, 0, result.stderr);
  }
});

test('a login that the person refuses, and one that nobody waits for', async (t) => {
  const tree = await startTree(t);
  const terminal = new Terminal(tree.scratch, 'carol', tree.ready.api);
  const deny = (address, code) => new Visitor().walkAndPress(address, { user_code: code, username: 'carol', password: tree.as('carol').password }, 'deny');
  const refused = await terminal.logInByCode(deny);
  assert.equal(refused.code, EXIT.permission, refused.stderr);
  assert.match(refused.stderr, /was refused in the browser/);
  assert.equal(refused.stdout, '');

  const given = await terminal.run(['login', '--url', tree.ready.api, '--device'], {
    onStart: (child) => child.stderr.once('data', () => child.kill('SIGINT')),
  });
  assert.equal(given.signal, 'SIGINT');
  assert.ok(!fs.existsSync(path.join(terminal.home, '.config', 'airlock')), 'nothing is kept');
});

test('a login that has ended at the provider says so', async (t) => {
  const tree = await startTree(t);
  const { terminal } = await loggedIn(tree, 'alice');
  await revoke(terminal);
  terminal.expireTokens();
  const result = await terminal.run(['workspace', 'list']);
  assert.equal(result.code, EXIT.permission, result.stdout + result.stderr);
  assert.match(result.stderr, /refuses the login/);
  assert.match(result.stderr, /airlock login/);
  const again = await terminal.runWithPerson(['workspace', 'list'], enter(tree, 'alice'));
  assert.equal(again.code, 0, again.stdout);
  assert.match(again.stdout, /The login has ended/);

  terminal.expireTokens();
  await revoke(terminal);
  const other = await terminal.runWithPerson(['workspace', 'list'], enter(tree, 'bob'));
  assert.equal(other.code, EXIT.permission, other.stdout);
  assert.match(other.stdout, /another person/);
});

test('a login by client credentials', async (t) => {
  const tree = await startTree(t);
  const terminal = new Terminal(tree.scratch, 'dave', tree.ready.api);
  const { client_id, client_secret } = tree.as('dave').account;
  const result = await terminal.logInAsProgram(client_id, client_secret);
  assert.equal(result.code, 0, result.stderr);
  terminal.expireTokens();
  assert.equal((await terminal.json(['whoami'])).name, 'dave');
  const wrong = await terminal.logInAsProgram(client_id, 'not the secret');
  assert.equal(wrong.code, EXIT.permission, wrong.stderr);
  assert.equal((await terminal.json(['whoami'])).name, 'dave', 'a login that fails leaves the one before');
});

test('mistakes on the command line', async (t) => {
  const tree = await startTree(t);
  const terminal = new Terminal(tree.scratch, 'erin', tree.ready.api);
  const login = ['login', '--url', tree.ready.api];
  for (const [args, words] of [
    [['--device', '--browser'], /exclude/],
    [['--device', '--client-secret-file', '-'], /no client secret/],
    [[], /--browser or --device/],
  ]) {
    const result = await terminal.run([...login, ...args], { input: 'x' });
    assert.equal(result.code, EXIT.usage, result.stderr);
    assert.match(result.stderr, words);
  }
  const unknown = await terminal.run([...login, '--device', '--client-id', 'nobody-knows-me']);
  assert.equal(unknown.code, EXIT.permission, unknown.stderr);
  const { client_id, client_secret } = tree.as('erin').account;
  const scope = await terminal.logInAsProgram(client_id, client_secret, ['--scope', 'no-scope-at-all']);
  assert.equal(scope.code, EXIT.permission, scope.stderr);
  assert.match(scope.stderr, /scope/i);
});
