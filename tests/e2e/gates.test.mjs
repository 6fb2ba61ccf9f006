// The security gates that need no scanner, seen by those who use them: a researcher, a reviewer, an administrator.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import {
  assertProblem, draftWith, filesBelow, inReview, putBlob, putBlock, putBlockList, runOk, startTree, temporaryDir, until,
} from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { zip } from './lib/zip.mjs';

const TABLE = 'region,patients\nNorth,120\nSouth,3\nEast,48\n';
const PEOPLE = 'note\ncontact: 9990000042x\nmail jane.roe@example.org\n';

const gatesOf = (report) => Object.fromEntries(report.gates.map((gate) => [gate.gate, gate]));
const codes = (gate) => (gate.files ?? []).flatMap((file) => file.findings.map((finding) => finding.code));
const below = (request, tail) => `/workspaces/${request.workspace}/requests/${request.id}/${tail}`;

async function terminal(tree, name) {
  const at = new Terminal(tree.scratch, name, tree.ready.api);
  const { client_id, client_secret } = tree.as(name).account;
  assert.equal((await at.logInAsProgram(client_id, client_secret)).code, 0);
  return at;
}

const setGates = (tree, gates) => tree.as('admin').ok('PATCH', `/workspaces/${tree.first.id}`, { properties: { gates } }, { headers: { etag: '*' } });

test('what the gates found is shown to the reviewer, and repeats no value', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 5 } });
  const request = await inReview(tree, 'export', { 'table.csv': TABLE, 'notes.txt': PEOPLE });
  const { properties } = request.sealed;
  assert.equal(properties.scan, 'not scanned by policy');
  assert.equal(properties.gateReport.verdict, 'warn');
  assert.equal(gatesOf(properties.gateReport).malware.verdict, 'skipped');

  const { gateReport } = await tree.as('bob').ok('GET', below(request, 'gates'));
  assert.equal(gateReport.manifestDigest, request.digest);
  assert.equal(gateReport.policyDigest, properties.gateReport.policyDigest);
  const gates = gatesOf(gateReport);
  const small = gates.disclosure.files[0].findings.find((finding) => finding.code === 'small-count');
  assert.deepEqual([gates.disclosure.files[0].name, small.row, small.column], ['table.csv', 3, 'patients']);
  assert.ok(codes(gates.identifiers).includes('email-address'));
  assert.ok(!JSON.stringify(gateReport).includes('jane'), 'no value is repeated');
  assertProblem(await tree.as('mallory').call('GET', below(request, 'gates')), 404);

  const shown = await (await terminal(tree, 'bob')).ok(['request', 'gates', request.id]);
  assert.match(shown, /small-count +row 3, column patients/);
  assert.match(shown, /malware +skipped +not scanned by policy/);
});

test('a workspace decides what blocks, for each direction', async (t) => {
  const tree = await startTree(t);
  const admin = await terminal(tree, 'admin');
  await admin.ok(['admin', 'workspace', 'update', tree.first.id, '--gates-export', 'disclosure=block threshold=5']);
  const request = await draftWith(tree, 'export', { 'table.csv': TABLE });
  await tree.as('alice').submit(request);
  const blocked = await tree.as('alice').waitStatus(request, 'blocked_by_scan');
  assert.match(blocked.statusMessage, /^table\.csv: a count is below the threshold/);
  assert.ok(filesBelow(tree.dir).some((file) => file.path.includes('blocked') && file.path.includes(request.id)));
  for (const who of ['alice', 'bob', 'carol']) assertProblem(await tree.as(who).link(request), 409);

  assert.equal((await inReview(tree, 'import', { 'table.csv': TABLE })).sealed.properties.gateReport.verdict, 'warn');
  await admin.ok(['admin', 'workspace', 'update', tree.first.id, '--gates-export', 'disclosure=default threshold=3']);
  assert.equal((await inReview(tree, 'export', { 'table.csv': TABLE })).sealed.properties.gateReport.verdict, 'pass');
  const wrong = await admin.run(['admin', 'workspace', 'update', tree.first.id, '--gates-export', 'threshold=many']);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /threshold/);
});

test('a draft is checked before the submit, without any change', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', { 'table.csv': TABLE });
  const alice = await terminal(tree, 'alice');
  const before = await tree.as('alice').show(request);
  const shown = await alice.ok(['request', 'check', request.id]);
  assert.match(shown, /small-count/);
  const after = await tree.as('alice').show(request);
  assert.deepEqual([after.status, after._etag, after.resourceVersion], ['draft', before._etag, before.resourceVersion]);
  for (const [who, status] of [['dave', 403], ['bob', 403], ['mallory', 404]]) {
    assertProblem(await tree.as(who).call('POST', below(request, 'check')), status);
    assertProblem(await tree.as(who).call('GET', below(request, 'check')), status);
  }
  const { check } = await tree.as('alice').ok('GET', below(request, 'check'));
  assert.deepEqual([check.state, check.outdated, check.verdict], ['done', false, 'warn']);
  assert.deepEqual(check.gates.map((gate) => gate.gate).sort(), ['archive', 'disclosure', 'identifiers', 'types']);

  assert.equal((await putBlob(request.link, 'table.csv', TABLE.replace('3', '33'))).status, 201);
  assert.equal((await tree.as('alice').ok('GET', below(request, 'check'))).check.outdated, true);
  await setGates(tree, { export: { disclosure: 'block', threshold: 100 } });
  const refused = await alice.run(['request', 'check', request.id]);
  assert.equal(refused.code, 65, refused.stderr);
  assert.match(refused.stderr, /would be blocked/);
  await tree.as('alice').submit(request);
  await tree.as('alice').waitStatus(request, 'blocked_by_scan');
  assertProblem(await tree.as('alice').call('POST', below(request, 'check')), 409);
});

test('a draft that came in blocks is checked, too, in whatever order they came', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', {});
  const id = (n) => Buffer.from(`block-${n}`).toString('base64');
  const parts = [TABLE.slice(0, 20), TABLE.slice(20, 32), TABLE.slice(32)];
  for (const n of [2, 0, 1]) assert.equal((await putBlock(request.link, 'table.csv', id(n), parts[n])).status, 201);
  assert.equal((await putBlockList(request.link, 'table.csv', [id(0), id(1), id(2)])).status, 201);
  const shown = await (await terminal(tree, 'alice')).ok(['request', 'check', request.id]);
  assert.match(shown, /small-count +row 3, column patients/);
});

test('a program of the organisation\'s own is a gate', async (t) => {
  const program = path.join(temporaryDir('program'), 'house-rules');
  fs.writeFileSync(program, `#!/bin/sh
n=0
while read -r line; do
  n=$((n + 1))
  case "$line" in *forbidden*) echo '{"verdict":"block","findings":[{"code":"house-rule-7","row":'$n',"detail":"a word that is not to be used"}]}'; exit 0;; esac
done
echo x > /tmp/house-rules-was-here || true
[ "$AIRLOCK_DIRECTION" = export ] && echo '{"verdict":"pass","findings":[]}'
`, { mode: 0o755 });
  fs.chmodSync(path.dirname(program), 0o755);
  const tree = await startTree(t, { set: { 'gates.commands': `house-rules=${program}`, 'gates.export': 'commands=house-rules' } });
  const passed = await inReview(tree, 'export', { 'fine.txt': 'Nothing special.\n' });
  const line = gatesOf(passed.sealed.properties.gateReport)['house-rules'];
  assert.deepEqual([line.verdict, line.external], ['pass', true]);
  assert.ok(!fs.existsSync('/tmp/house-rules-was-here'), 'it writes nowhere');

  const request = await draftWith(tree, 'export', { 'bad.txt': 'one\ntwo\nthis is forbidden\n' });
  const { code, stderr, stdout } = await (await terminal(tree, 'alice')).run(['request', 'check', request.id]);
  assert.equal(code, 65, stderr);
  assert.match(stdout, /house-rule-7 +row 3/);
  await tree.as('alice').submit(request);
  const blocked = await tree.as('alice').waitStatus(request, 'blocked_by_scan');
  assert.match(blocked.statusMessage, /^bad\.txt: house-rules blocks it: house-rule-7/);
});

test('T37 what is encrypted is blocked', async (t) => {
  const tree = await startTree(t);
  const plain = path.join(tree.scratch, 'data.csv');
  fs.writeFileSync(plain, TABLE);
  for (const [type, args] of [['zip', []], ['7z', ['-mhe=on']]]) {
    const file = path.join(tree.scratch, `secret.${type}`);
    await runOk('7z', ['a', `-t${type}`, '-pSecret', ...args, file, plain]);
    const request = await draftWith(tree, 'export', { [`secret.${type}`]: fs.readFileSync(file) });
    await tree.as('alice').submit(request);
    const blocked = await tree.as('alice').waitStatus(request, 'blocked_by_scan');
    assert.match(blocked.statusMessage, /encrypted/);
  }
});

test('T38 a zip bomb is blocked soon, in little memory, and others go on meanwhile', async (t) => {
  const tree = await startTree(t);
  const bomb = zip({ 'inner.zip': zip({ 'zeros.bin': Buffer.alloc(512 << 20) }) });
  assert.ok(bomb.length < 1 << 20, `${bomb.length}`);
  const request = await draftWith(tree, 'export', { 'bomb.zip': bomb });
  const began = Date.now();
  await tree.as('alice').submit(request);
  const [blocked, other] = await Promise.all([
    tree.as('alice').waitStatus(request, 'blocked_by_scan', 130_000),
    inReview(tree, 'export', { 'small.txt': 'Nothing special.' }, 'dave').then(() => Date.now() - began),
  ]);
  assert.match(blocked.statusMessage, /unpacks to far more|too large/);
  assert.ok(other < 30_000, `another request waited ${other} ms`);
});

test('T40 a polyglot, a wrong name and a tail behind the end are flagged', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 5 } });
  const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
  const request = await inReview(tree, 'import', {
    'picture.gif': Buffer.concat([gif, zip({ 'a.txt': 'hidden' })]),
    'report.pdf': Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(200)]),
    'tail.gif': Buffer.concat([gif, Buffer.from('more than one thinks'.repeat(10))]),
  });
  const { gateReport } = await tree.as('bob').ok('GET', below(request, 'gates'));
  const found = Object.fromEntries(gatesOf(gateReport).types.files.map((file) => [file.name, file.findings.map((finding) => finding.code)]));
  assert.ok(found['picture.gif'].includes('type-polyglot'), JSON.stringify(found));
  assert.ok(found['report.pdf'].includes('type-mismatch'), JSON.stringify(found));
  assert.ok(found['tail.gif'].includes('type-trailing'), JSON.stringify(found));
});

test('T49 the name of an archive\'s member is printed escaped, too', async (t) => {
  const tree = await startTree(t);
  const name = 'x\x1b]52;c;aGk=\x07\u202e.csv';
  const request = await inReview(tree, 'export', { 'data.zip': zip({ [name]: TABLE }) });
  const { gateReport } = await tree.as('bob').ok('GET', below(request, 'gates'));
  assert.ok(JSON.stringify(gateReport).includes('u001b'), JSON.stringify(gatesOf(gateReport).archive));
  const shown = await (await terminal(tree, 'bob')).ok(['request', 'gates', request.id]);
  // eslint-disable-next-line no-control-regex
  assert.ok(!/[\u202e\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(shown), JSON.stringify(shown));
  assert.match(shown, /u\{001b\}/);
});

test('airlock-gate killed five times: the request is checked all the same, and only then goes on', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 40 } });
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`table-${i}.csv`, TABLE.repeat(2000)]));
  const request = await draftWith(tree, 'export', files);
  await tree.as('alice').submit(request);
  for (let i = 0; i < 5; i++) { // airlockd waits longer before each new start
    await until('airlock-gate to be there', () => tree.find('airlock-gate'), { timeout: 40_000 });
    tree.kill('airlock-gate');
    await sleep(100 + 40 * i);
  }
  const sealed = await tree.as('alice').waitStatus(request, 'in_review', 60_000);
  assert.equal(sealed.properties.gateReport.verdict, 'warn');
  const { gateReport } = await tree.as('bob').ok('GET', below(request, 'gates'));
  assert.equal(gatesOf(gateReport).disclosure.files.length, 40);
  assert.ok(await until('the tree is well', async () => (await tree.as('alice').call('GET', '/workspaces')).status === 200));
});
