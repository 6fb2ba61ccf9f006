// `make run`: a whole TRE on this machine, one export and one import walked through their life with real files, and
// then a running system to play with, until Ctrl-C. With --once it ends after the walk. Everything lies in demo/.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const BUILD = process.env.AIRLOCK_BUILD ?? path.join(ROOT, 'build');
const DIR = process.env.AIRLOCK_DEMO ?? path.join(ROOT, 'demo');
const ONCE = process.argv.includes('--once');
const PORT_BASE = 8400;
const PORTS = 5;
const AZCOPY_DIR = path.join(ROOT, 'tests/e2e/node_modules/@azure-tools/azcopy-linux/dist/bin');
const AZCOPY = path.join(AZCOPY_DIR, `azcopy_linux_${process.arch === 'arm64' ? 'arm64' : 'amd64'}`);
const MiB = 1024 * 1024;

const say = (text = '') => process.stdout.write(`${text}\n`);
const sha256 = (file) => crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');

function fail(text) {
  throw new Error(text);
}

function portIsFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer().once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function choosePorts() {
  for (let base = PORT_BASE; base < PORT_BASE + 1000; base += 10) {
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => portIsFree(base + i)));
    if (!free.every(Boolean)) continue;
    if (base !== PORT_BASE) say(`Ports ${PORT_BASE} to ${PORT_BASE + PORTS - 1} are taken; using ${base} to ${base + PORTS - 1}.`);
    return base;
  }
  return fail('no free ports were found');
}

/** Starts the tree; answers the process and its line of JSON. */
async function startTree() {
  fs.mkdirSync(DIR, { recursive: true });
  const log = fs.openSync(path.join(DIR, 'airlock.log'), 'a');
  const base = await choosePorts();
  const child = spawn(path.join(BUILD, 'airlockd'), ['--demo', DIR, '--port-base', String(base)], { stdio: ['ignore', 'pipe', log], detached: true });
  const ready = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(JSON.parse(text));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`airlockd ended (${code}); see ${DIR}/airlock.log`)));
  });
  return { child, ready };
}

function run(file, args, options = {}) {
  const result = spawnSync(file, args, { encoding: 'utf8', ...options });
  if (result.status !== 0) fail(`${path.basename(file)} ${args.slice(0, 3).join(' ')} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** A person at their own terminal: `airlock` with their own login. */
class Person {
  constructor(ready, name) {
    const account = ready.accounts.find((a) => a.name === name);
    this.name = name;
    this.env = { ...process.env, AIRLOCK_CONFIG_DIR: path.join(DIR, 'people', name) };
    fs.mkdirSync(this.env.AIRLOCK_CONFIG_DIR, { recursive: true, mode: 0o700 });
    this.airlock(['login', '--url', ready.api, '--client-id', account.client_id, '--client-secret-file', '-'], account.client_secret);
  }
  airlock(args, input) {
    return run(path.join(BUILD, 'airlock'), args, { env: this.env, input });
  }
  /** The request as JSON after the command. */
  request(args) {
    return JSON.parse(this.airlock(['request', ...args, '--output', 'json'])).airlockRequest;
  }
  link(id) {
    return JSON.parse(this.airlock(['request', 'link', id, '--output', 'json'])).containerUrl;
  }
}

function azcopy(args) {
  const home = path.join(DIR, 'azcopy');
  fs.mkdirSync(home, { recursive: true });
  run(AZCOPY, [...args, '--skip-version-check', '--log-level=NONE'], {
    env: { ...process.env, HOME: home, AZCOPY_LOG_LOCATION: home, AZCOPY_JOB_PLAN_LOCATION: home, AZCOPY_DISABLE_SYSLOG: 'true' },
  });
}

function blobUrl(link, name) {
  const at = link.indexOf('?');
  return `${link.slice(0, at)}/${encodeURIComponent(name)}${link.slice(at)}`;
}

/** Prints one numbered line of the walk: who, what, and the request's status afterwards. */
function teller(title) {
  let number = 0;
  say(`\n${title}`);
  return (who, what, status = '') => {
    const step = who ? String(++number) : ''; // without a name: more about the step before
    say(`  ${step.padStart(2)}  ${who.padEnd(8)} ${what.padEnd(74)} ${status}`.trimEnd());
  };
}

function expectDigest(request, file, tell, who, what, status) {
  const [entry] = request.files;
  if (sha256(file) !== entry.sha256) fail(`${file} does not hold what the manifest says`);
  tell(who, what, status);
}

function walkExport(people, workspace, source) {
  const { alice, bob } = people;
  const tell = teller('An export: alice takes a table out of the TRE');
  const name = path.basename(source);
  let request = alice.request(['new', '--workspace', workspace.id, '--type', 'export', '--title', 'Counts by age', '--justification', 'Table 1 of the paper']);
  const { id } = request;
  tell('alice', `asks for an export, ${id}`, request.status);
  azcopy(['copy', source, blobUrl(alice.link(id), name), '--from-to=LocalBlob']);
  tell('alice', `uploads ${name} with AzCopy, ${fs.statSync(source).size} bytes`, request.status);
  request = alice.request(['submit', id]);
  tell('alice', 'submits; every link to the draft is dead from here on', request.status);
  request = alice.request(['wait', id, '--status', 'in_review']);
  tell('airlock', 'seals the file and hashes it', request.status);
  tell('', `sha256 ${request.files[0].sha256}`);
  const reviewed = path.join(DIR, 'files', `reviewed-${id}.csv`);
  azcopy(['copy', blobUrl(bob.link(id), name), reviewed, '--from-to=BlobLocal']);
  expectDigest(request, reviewed, tell, 'bob', 'reads the file with AzCopy from his review link; the digest agrees', request.status);
  request = bob.request(['review', id, '--approve', '--reason', 'Counts only, none below ten', '--yes']);
  tell('bob', 'approves exactly that manifest', request.status);
  request = alice.request(['wait', id, '--status', 'approved']);
  tell('airlock', 'hashes again, moves the file to the external zone', request.status);
  const target = path.join(DIR, 'files', `released-${id}.csv`);
  azcopy(['copy', blobUrl(alice.link(id), name), target, '--from-to=BlobLocal']);
  expectDigest(request, target, tell, 'alice', 'downloads it outside; the digest agrees', request.status);
  return request;
}

function walkImport(people, workspace, source) {
  const { dave, bob } = people;
  const tell = teller('An import: dave brings reference data into the TRE');
  let request = dave.request(['new', '--workspace', workspace.id, '--type', 'import', '--title', 'Reference data', '--justification', 'Needed for calibration']);
  const { id } = request;
  tell('dave', `asks for an import, ${id}`, request.status);
  dave.airlock(['request', 'upload', id, source]);
  tell('dave', `uploads ${path.basename(source)} in blocks with \`airlock\`, ${fs.statSync(source).size / MiB} MiB`, request.status);
  request = dave.request(['submit', id]);
  tell('dave', 'submits', request.status);
  request = dave.request(['wait', id, '--status', 'in_review']);
  tell('airlock', 'seals the file and hashes it', request.status);
  tell('', `sha256 ${request.files[0].sha256}`);
  const down = fs.mkdtempSync(path.join(DIR, 'files', 'review-'));
  bob.airlock(['request', 'download', id, '--to', down]);
  expectDigest(request, path.join(down, path.basename(source)), tell, 'bob', 'downloads it from the core zone; the digest agrees', request.status);
  request = bob.request(['review', id, '--approve', '--reason', 'As agreed with the data owner', '--yes']);
  tell('bob', 'approves exactly that manifest', request.status);
  request = dave.request(['wait', id, '--status', 'approved']);
  tell('airlock', 'hashes again, moves the file into the workspace', request.status);
  const delivered = path.join(DIR, 'storage', 'delivery', workspace.id, id, path.basename(source));
  waitForFile(delivered);
  expectDigest(request, delivered, tell, 'airlock', 'delivers it read-only under its own name', request.status);
  tell('', path.relative(process.cwd(), delivered));
  return request;
}

function waitForFile(file) {
  const end = Date.now() + 20_000;
  while (!fs.existsSync(file)) {
    if (Date.now() > end) fail(`${file} was not delivered`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

function makeFiles() {
  const dir = path.join(DIR, 'files');
  fs.mkdirSync(dir, { recursive: true });
  const table = path.join(dir, 'counts-by-age.csv');
  fs.writeFileSync(table, 'age,women,men\n20-29,143,151\n30-39,220,198\n40-49,305,287\n');
  const data = path.join(dir, 'reference.bin');
  fs.writeFileSync(data, crypto.randomBytes(24 * MiB));
  return { table, data };
}

function rolesText(account, ready) {
  const names = Object.entries(account.roles).flatMap(([where, roles]) => {
    const index = ready.workspaces.findIndex((w) => w.id === where);
    return roles.filter((role) => role !== 'TREUser').map((role) => (index < 0 ? role : `${role} of workspace ${index + 1}`));
  });
  return names.join(', ');
}

function printWhere(ready, log) {
  say('\nWhere everything is');
  say(`  API                   ${ready.api}/api`);
  for (const [zone, url] of Object.entries(ready.blob)) say(`  data, ${zone.padEnd(15)} ${url}`);
  say(`  log-in                ${ready.issuer}`);
  ready.workspaces.forEach((w, i) => say(`  workspace ${i + 1}           ${w.id}`));
  say(`  delivered imports     ${path.join(DIR, 'storage', 'delivery')}`);
  say(`  log                   ${log}`);
  say('\nAccounts (name, password, roles)');
  for (const account of ready.accounts) say(`  ${account.name.padEnd(8)} ${account.password.padEnd(26)} ${rolesText(account, ready)}`);
  say('\nTry it, as alice:');
  say(`  export AIRLOCK_CONFIG_DIR=${path.join(DIR, 'people', 'alice')}`);
  say(`  ${path.join(path.relative(process.cwd(), BUILD) || '.', 'airlock')} request list`);
}

async function main() {
  const { child, ready } = await startTree();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = () => child.kill('SIGTERM');
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const files = makeFiles();
    const people = Object.fromEntries(['alice', 'bob', 'dave'].map((name) => [name, new Person(ready, name)]));
    const workspace = ready.workspaces.find((w) => ready.accounts.find((a) => a.name === 'alice').roles[w.id]?.length);
    say(`airlock runs at ${ready.api}`);
    const done = [walkExport(people, workspace, files.table), walkImport(people, workspace, files.data)];
    printWhere(ready, path.join(DIR, 'airlock.log'));
    say(`\nExport and import went from draft to ${done.map((request) => request.status).join(' and ')}.`);
    if (ONCE) stop();
    else say('Ctrl-C ends it.');
  } catch (error) {
    stop();
    await ended;
    throw error;
  }
  process.exitCode = (await ended) === 0 ? 0 : 1;
}

main().catch((error) => {
  process.stderr.write(`run-demo: ${error.message}\n`);
  process.exitCode = 1;
});
