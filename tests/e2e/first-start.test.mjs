// A real installation from nothing: a configuration file, a key, and a seed with the first administrator.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { assertProblem, freePortBase, Person, program, run, temporaryDir, Tree, until } from './harness.mjs';

const uuid = () => crypto.randomUUID();
const LISTENERS = ['api', 'blob.external', 'blob.core', 'blob.workspace', 'idp'];
const account = (name) => ({ name, email: `${name}@example.org`, password: uuid(), client_id: uuid(), client_secret: uuid() });

/** A tree run by `airlockd --config`; it says on its log when it is ready. */
class Installation extends Tree {
  constructor(home, base) {
    super({ dir: path.join(home, 'tree'), base });
    Object.assign(this, { home, tenant: uuid(), core: uuid(), seedFile: path.join(home, 'seed.json') });
    fs.writeFileSync(path.join(home, 'sas.key'), crypto.randomBytes(32).toString('hex'), { mode: 0o600 });
    const settings = {
      'idp.tenant': this.tenant, 'idp.accounts_file': `${home}/idp/accounts.json`, 'idp.key_file': `${home}/idp/signing.key`,
      'auth.core_client_id': this.core, 'db.url': `sqlite:${home}/state/airlock.db`, 'storage.root': `${home}/storage`,
      'storage.reserve_bytes': 0, 'secrets.sas_key_file': `${home}/sas.key`, 'seed.file': this.seedFile,
      ...Object.fromEntries(LISTENERS.map((name, i) => [`${name}.listen`, `127.0.0.1:${base + i}`])),
    };
    fs.writeFileSync(path.join(home, 'airlock.conf'), Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join(''));
  }
  seed(document) {
    fs.writeFileSync(this.seedFile, JSON.stringify(document), { mode: 0o600 });
  }
  command() {
    return ['--config', path.join(this.home, 'airlock.conf')];
  }
  check() {
    return run(program('airlockd'), ['--check', ...this.command()]);
  }
  async start() {
    const ready = () => this.log().split('airlock is ready at').length;
    const before = ready();
    const log = fs.openSync(this.logFile, 'a');
    this.child = spawn(program('airlockd'), this.command(), { stdio: ['ignore', 'ignore', log] });
    fs.closeSync(log);
    this.exit = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
    await until('airlock to be ready', () => ready() > before);
    const tokens = `http://127.0.0.1:${this.base + 4}/${this.tenant}/oauth2/v2.0/token`;
    this.ready = { api: `http://127.0.0.1:${this.base}`, token_endpoint: tokens, api_scope: `api://${this.core}/.default`, workspaces: [] };
  }
  async again() {
    await this.stop();
    await this.start();
  }
  person(credentials) {
    return new Person().learn(this.ready, credentials);
  }
}

async function install(t) {
  const home = temporaryDir('install');
  const tree = new Installation(home, await freePortBase());
  t.after(async () => {
    await tree.stop();
    tree.checkLog();
    if (t.passed) fs.rmSync(home, { recursive: true, force: true });
    else t.diagnostic(tree.logTail());
  });
  return tree;
}

test('a seed with mistakes starts nothing', async (t) => {
  const tree = await install(t);
  for (const [document, mode, words] of [
    [{ accounts: [{ name: 'ada' }] }, 0o600, /seed\.json: accounts\[0\]\.password: "password" is missing/],
    [{ assignments: [{ name: 'ada', role: 'TREAdmin' }] }, 0o600, /seed\.json: assignments\[0\]\.name: /],
    [{}, 0o644, /airlock\.conf:\d+: seed\.file cannot be used: .*chmod 600/],
  ]) {
    tree.seed(document);
    fs.chmodSync(tree.seedFile, mode);
    const checked = await tree.check();
    assert.equal(checked.code, 78, checked.stdout);
    assert.match(checked.stdout, words);
    const started = await run(program('airlockd'), tree.command());
    assert.equal(started.code, 78, started.stderr);
    assert.match(started.stderr, words);
  }
  assert.ok(!fs.existsSync(path.join(tree.home, 'state')));
  const demo = await run(program('airlockd'), ['--demo', path.join(tree.home, 'demo'), '--set', `seed.file=${tree.seedFile}`]);
  assert.equal(demo.code, 78, demo.stderr);
});

test('the first administrator, from an empty directory on', async (t) => {
  const tree = await install(t);
  const [ada, rob] = [account('ada'), account('rob')];
  const everyone = [{ name: 'ada', role: 'TREUser' }, { name: 'rob', role: 'TREUser' }];
  const seed = { accounts: [ada, rob], assignments: [...everyone, { name: 'ada', role: 'TREAdmin' }] };
  tree.seed(seed);
  assert.deepEqual(await tree.check().then(({ code, stdout }) => [code, stdout]), [0, 'configuration is valid\n']);
  await tree.start();

  const admin = tree.person(ada);
  const wish = { properties: { display_name: 'First', networks: ['127.0.0.0/8'] } };
  const { workspace } = await admin.ok('POST', '/workspaces', wish);
  const { assignable_users: people } = await admin.ok('GET', `/workspaces/${workspace.id}/assignable-users`);
  const ids = people.filter((person) => person.email === rob.email).map((person) => person.id);
  await admin.ok('POST', `/workspaces/${workspace.id}/users/assign`, { user_ids: ids, role_id: 'WorkspaceResearcher' });

  const works = async () => {
    assert.deepEqual((await tree.person(ada).ok('GET', '/workspaces')).workspaces.map((w) => w.id), [workspace.id]);
    const scope = `${workspace.properties.scope_id}/.default`;
    const body = { type: 'export', title: 'T', businessJustification: 'J' };
    await tree.person(rob).ok('POST', `/workspaces/${workspace.id}/requests`, body, { scope });
    assertProblem(await tree.person(rob).call('GET', '/admin/audit'), 403, /TREAdmin/);
  };
  await works();
  await t.test('a seed that changes later changes nothing', async () => {
    tree.seed({ ...seed, assignments: [...seed.assignments, { name: 'rob', role: 'TREAdmin' }] });
    await tree.again();
    await works();
    assert.match(tree.log(), /remove [^ ]*seed\.json, which holds secrets/);
  });
  await t.test('core took the seed and the identity provider did not: people are who they were', async () => {
    await tree.stop();
    fs.rmSync(path.join(tree.home, 'idp/accounts.json'));
    await tree.start();
    await works();
  });
  await t.test('the seed may go after the first start', async () => {
    fs.rmSync(tree.seedFile);
    assert.equal((await tree.check()).code, 0);
    await tree.again();
    await works();
    const kept = fs.readFileSync(path.join(tree.home, 'idp/accounts.json'), 'utf8');
    for (const secret of [ada.password, ada.client_secret]) assert.ok(!kept.includes(secret) && !tree.log().includes(secret));
  });
});
