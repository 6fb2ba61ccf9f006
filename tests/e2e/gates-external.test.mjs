// An organisation's own checks: a receiver that verifies the signature of each call, as docs/GATES.md says, and answers by the API
// with the token of a service account.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  assertProblem, blockId, draftWith, filesBelow, freePortBase, postForm, putBlock, putBlockList, send, startTree, temporaryDir, until,
} from './harness.mjs';
import { keyFile, Receiver } from './lib/receiver.mjs';

const OFF = 'archive=off types=off disclosure=off identifiers=off';
const SECRET = crypto.randomBytes(32);

/** Each call about a request, as often as it came. */
class Checks extends Receiver {
  constructor() {
    super([SECRET]);
    this.status = () => 202;
  }
  get hook() {
    return this.url('hook');
  }
  of(request) {
    return this.calls.filter(({ event }) => event.subject === request.id).map(({ event }) => event);
  }
  /** The n-th call about the request. */
  async callFor(request, n = 1) {
    return until(`call ${n} for ${request.id}`, () => this.of(request)[n - 1]);
  }
}

/** A tree with the service account robot, who answers for the check ethics. */
async function treeWithCheck(t, receiver, set = {}) {
  const home = path.join(temporaryDir('external'), 'demo');
  t.after(() => fs.rmSync(path.dirname(home), { recursive: true, force: true }));
  const base = await freePortBase();
  const tree = await startTree(t, { home, base });
  const admin = tree.as('admin');
  const { body } = await admin.call('POST', '/admin/users', { name: 'robot', is_service: true });
  await tree.stop();
  const secret = keyFile(path.join(tree.scratch, 'webhook.key'), [SECRET]);
  tree.set = { 'gates.external': `ethics=${body.user.id},${receiver.hook}`, 'gates.external_secret_file': secret, 'jobs.retry_ms': 10, ...set };
  await tree.start();
  const token = async () => {
    const answer = await postForm(tree.ready.token_endpoint, {
      grant_type: 'client_credentials', client_id: body.user.client_id, client_secret: body.client_secret, scope: tree.ready.api_scope });
    assert.equal(answer.status, 200, answer.text);
    return answer.body.access_token;
  };
  tree.robot = async (call, verdict, more = {}) =>
    send('POST', call.data.answerUrl, {
      headers: { authorization: `Bearer ${await token()}` }, body: { manifestDigest: call.data.manifestDigest, verdict, ...more } });
  return tree;
}

async function submitted(tree, type = 'export') {
  const request = await draftWith(tree, type, { 'result.csv': Buffer.from('a,b\n1,2\n') });
  assert.equal((await tree.as('alice').submit(request)).status, 200);
  return request;
}

test('a check of one\'s own before the review', async (t) => {
  const receiver = await new Checks().start();
  t.after(() => receiver.stop());
  const tree = await treeWithCheck(t, receiver, { 'gates.export': `${OFF} external=ethics` });
  const alice = tree.as('alice');

  await t.test('pass', async () => {
    const request = await submitted(tree);
    const call = await receiver.callFor(request);
    assert.equal(call.type, 'airlock.gate.requested.v1');
    assert.deepEqual(call.data.files.map((file) => [file.name, file.size]), [['result.csv', 8]]);
    assert.match((await alice.show(request)).statusMessage, /Waiting for the check ethics/);
    assertProblem(await tree.as('bob').call('POST', `/workspaces/${tree.first.id}/requests/${request.id}/gates/ethics`,
      { manifestDigest: call.data.manifestDigest, verdict: 'pass' }), 403, /Only the account/);
    assertProblem(await tree.robot({ data: { ...call.data, manifestDigest: '0'.repeat(64) } }, 'pass'), 409);
    assert.equal((await tree.robot(call, 'pass')).status, 200);
    assert.equal((await tree.robot(call, 'pass')).status, 200, 'the same answer again');
    assertProblem(await tree.robot(call, 'block'), 409, /another answer/);
    const done = await alice.waitStatus(request, 'in_review');
    assert.ok(done.properties.gateReport.gates.some((gate) => gate.gate === 'ethics' && gate.external && gate.verdict === 'pass'));
  });

  await t.test('warn and block', async () => {
    const [warned, blocked] = [await submitted(tree), await submitted(tree)];
    await tree.robot(await receiver.callFor(warned), 'warn', { findings: [{ code: 'no-end-date', detail: 'the approval has no end' }] });
    assert.equal((await alice.waitStatus(warned, 'in_review')).properties.gateReport.verdict, 'warn');
    await tree.robot(await receiver.callFor(blocked), 'block', { findings: [{ code: 'ended', file: 'result.csv', detail: 'the study has ended' }] });
    assert.match((await alice.waitStatus(blocked, 'blocked_by_scan')).statusMessage, /ethics blocks it: result\.csv: ended: the study has ended/);
  });

  await t.test('kill -9 of airlock-notify and airlock-core in between loses nothing', async () => {
    receiver.status = () => 503;
    const request = await submitted(tree);
    await receiver.callFor(request);
    tree.kill('airlock-notify');
    tree.kill('airlock-core');
    receiver.status = () => 202;
    const call = await receiver.callFor(request, 2);
    assert.equal(call.id, receiver.of(request)[0].id, 'the same call');
    tree.kill('airlock-core');
    const answer = await until('core to take the answer', async () => {
      const tried = await tree.robot(call, 'pass');
      return tried.status < 500 && tried;
    });
    assert.equal(answer.status, 200, answer.text);
    await alice.waitStatus(request, 'in_review');
  });
  assert.equal(receiver.forged, 0, 'every call was signed');
});

test('a check that never answers fails the request, and a retry asks again', async (t) => {
  const receiver = await new Checks().start();
  t.after(() => receiver.stop());
  const tree = await treeWithCheck(t, receiver, { 'gates.export': `${OFF} external=ethics`, 'gates.external_deadline': 2 });
  const request = await submitted(tree);
  const late = await receiver.callFor(request);
  assert.match((await tree.as('alice').waitStatus(request, 'failed')).statusMessage, /ethics did not answer within the time allowed/);
  assertProblem(await tree.robot(late, 'pass'), 409, /not waited for any more/);
  const retried = await tree.as('admin').call('POST', `/admin/requests/${request.id}/retry`);
  assert.ok(retried.status < 300, retried.text);
  const answer = await tree.robot(await receiver.callFor(request, 2), 'pass');
  assert.equal(answer.status, 200, answer.text);
  await tree.as('alice').waitStatus(request, 'in_review');
});

test('a step before the move: nothing moves before it passed', async (t) => {
  const receiver = await new Checks().start();
  t.after(() => receiver.stop());
  const tree = await treeWithCheck(t, receiver, { 'gates.export': OFF, 'flow.steps': 'approve:ethics' });
  const request = await submitted(tree);
  await tree.as('alice').waitStatus(request, 'in_review');
  assert.equal((await tree.as('bob').review(request, true)).status, 200);
  const first = await receiver.callFor(request);
  assert.equal(first.data.step, 'approve');
  assert.equal((await tree.robot(first, 'block', { findings: [{ code: 'hold' }] })).status, 200);
  assert.match((await tree.as('alice').waitStatus(request, 'failed')).statusMessage, /The data stays where it is/);
  assert.ok((await tree.as('admin').call('POST', `/admin/requests/${request.id}/retry`)).status < 300);
  const second = await receiver.callFor(request, 2);
  assert.notEqual(second.id, first.id);
  assert.equal((await tree.as('alice').show(request)).status, 'approval_in_progress');
  assert.equal((await tree.robot(second, 'pass')).status, 200);
  await tree.as('alice').waitStatus(request, 'approved');
});

/** A program that says what the file beside it says: block, pass, or nothing (it breaks down). */
function programWith(t, words) {
  const dir = temporaryDir('step');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  fs.chmodSync(dir, 0o755);
  const file = path.join(dir, 'records');
  const say = (verdict) => fs.writeFileSync(file, `#!/bin/sh\nwhile read -r line; do case "$line" in *forbidden*) echo '${verdict}'; exit;; esac; done\necho '{"verdict":"pass","findings":[]}'\n`, { mode: 0o755 });
  say(words);
  return { file, say };
}

test('a program of one\'s own before the move: what it blocks stays where it is', async (t) => {
  const program = programWith(t, '{"verdict":"block","findings":[{"code":"no-7","row":2,"detail":"not this"}]}');
  const tree = await startTree(t, {
    set: { 'gates.export': OFF, 'gates.commands': `records=${program.file}`, 'flow.steps': 'approve:records', 'policy.max_files': 2, 'jobs.retry_ms': 10, 'scan.retry_ms': 10 } });
  const passes = await draftWith(tree, 'export', { 'fine.csv': 'a,b\n1,2\n' });
  const blocks = await draftWith(tree, 'export', { 'fine.csv': 'a\n1\n', 'result.csv': 'a,b\nforbidden,2\n' });
  for (const request of [passes, blocks]) {
    assert.equal((await tree.as('alice').submit(request)).status, 200);
    await tree.as('alice').waitStatus(request, 'in_review');
    assert.equal((await tree.as('bob').review(request, true)).status, 200);
  }
  await tree.as('alice').waitStatus(passes, 'approved');
  const failed = await tree.as('alice').waitStatus(blocks, 'failed');
  assert.match(failed.statusMessage, /^Before the data moves: The check records blocks it: result\.csv: no-7: not this\. The data stays where it is/);
  const where = () => filesBelow(path.join(tree.dir, 'storage')).filter((file) => file.path.includes(blocks.id)).map((file) => /stalex(?:int|ip|app)/.exec(file.path)?.[0]);
  assert.deepEqual([...new Set(where())], ['stalexip']);
  program.say('{"verdict":"warn","findings":[]}');
  assert.ok((await tree.as('admin').call('POST', `/admin/requests/${blocks.id}/retry`)).status < 300);
  await tree.as('alice').waitStatus(blocks, 'approved');
  assert.deepEqual([...new Set(where())], ['stalexapp']);
});

test('a step before the seal: a program and an answer, and nothing moves before', async (t) => {
  const receiver = await new Checks().start();
  t.after(() => receiver.stop());
  const program = programWith(t, '');
  const tree = await treeWithCheck(t, receiver, {
    'gates.export': OFF, 'gates.commands': `records=${program.file}`, 'flow.steps': 'submit:ethics,records', 'scan.retry_ms': 10 });
  const request = await draftWith(tree, 'export', {});
  const id = (n) => blockId(n);
  for (const n of [0, 1]) assert.equal((await putBlock(request.link, 'blocks.csv', id(n), `forbidden,${n}\n`)).status, 201);
  assert.equal((await putBlockList(request.link, 'blocks.csv', [id(0), id(1)])).status, 201);
  assert.equal((await tree.as('alice').submit(request)).status, 200);
  const call = await receiver.callFor(request);
  assert.equal(call.data.step, 'submit');
  assert.deepEqual(call.data.files.map(({ name }) => name), ['blocks.csv']);
  assertProblem(await tree.robot({ ...call, data: { ...call.data, manifestDigest: '0'.repeat(64) } }, 'pass'), 409);
  assert.equal((await tree.robot(call, 'pass')).status, 200);
  // The program breaks down on one file: people see what is waited for, and why.
  await until('the reason', async () => /^Waiting for the check records \(.+\)\.$/.test((await tree.as('alice').show(request)).statusMessage ?? ''));
  const where = () => [...new Set(filesBelow(path.join(tree.dir, 'storage')).filter((file) => file.path.includes(request.id)).map((file) => /stalex(?:int|ip|app)/.exec(file.path)?.[0]))];
  assert.deepEqual(where(), ['stalexint']);
  assert.equal((await tree.as('alice').show(request)).status, 'submitted');
  program.say('{"verdict":"pass","findings":[]}');
  const sealed = await tree.as('alice').waitStatus(request, 'in_review');
  assert.deepEqual(where(), ['stalexip']);
  assert.notEqual(sealed.properties.manifestDigest, call.data.manifestDigest, 'the list as it was submitted is no manifest yet');
});
