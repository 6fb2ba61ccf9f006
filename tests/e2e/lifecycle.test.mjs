// The main job: a file goes out, a file comes in, and every turn that a request can take on the way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
  approved, assertAzureError, assertProblem, containerDirs, draftWith, filesBelow, filesHolding, getBlob, inReview,
  listBlobs, namesOf, putBlob, sha256, startTree, until,
} from './harness.mjs';

const TABLE = Buffer.from('age,count\n20-29,14\n30-39,22\n');

async function auditOf(tree, request) {
  const answer = await tree.as('admin').ok('GET', `/admin/audit?request=${request.id}&limit=200`);
  return answer.entries;
}

test('an export goes from draft to approved', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bob = tree.as('bob');

  const request = await alice.createRequest(tree.first, 'export', 'Counts by age');
  assert.equal(request.created.status, 'draft');
  assert.equal(request.created.title, 'Counts by age');
  assert.equal(request.created.workspaceId, tree.first.id);
  assert.equal(request.created.type, 'export');
  assert.equal(request.created.resourceVersion, 0);
  assert.deepEqual(request.created.files, []);
  assert.deepEqual(request.created.reviews, []);
  assert.match(request.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(Math.abs(request.created.createdWhen - Date.now() / 1000) < 60);

  const link = await alice.linkUrl(request);
  assert.ok(link.startsWith(tree.ready.blob.workspace), 'an export is drafted in the workspace zone');
  assert.ok(new URL(link).pathname.endsWith(`/${request.id}`));
  assert.equal((await putBlob(link, 'counts.csv', TABLE, { 'content-type': 'text/csv' })).status, 201);
  assert.deepEqual(namesOf(await listBlobs(link)), ['counts.csv']);

  const submitted = await alice.submit(request);
  assert.equal(submitted.status, 200, submitted.text);
  assert.equal(submitted.body.airlockRequest.status, 'submitted');
  assertAzureError(await putBlob(link, 'late.csv', TABLE), 403, 'AuthenticationFailed');
  assertAzureError(await getBlob(link, 'counts.csv'), 403, 'AuthenticationFailed');

  const sealed = await alice.waitStatus(request, 'in_review');
  assert.deepEqual(sealed.files, [{ name: 'counts.csv', size: TABLE.length, sha256: sha256(TABLE) }]);
  assert.match(sealed.properties.manifestDigest, /^[0-9a-f]{64}$/);
  assertProblem(await alice.link(request), 403);

  const reading = await bob.linkUrl(request);
  assert.ok((await getBlob(reading, 'counts.csv')).bytes.equals(TABLE));
  assertAzureError(await putBlob(reading, 'counts.csv', 'x'), 403, 'AuthorizationPermissionMismatch');

  const reviewed = await bob.review(request, true, sealed.properties.manifestDigest);
  assert.equal(reviewed.status, 200, reviewed.text);
  assert.equal(reviewed.body.airlockRequest.status, 'approval_in_progress');
  const done = await alice.waitStatus(request, 'approved');
  assert.equal(done.reviews.length, 1);
  assert.equal(done.reviews[0].reviewDecision, 'approved');
  assert.equal(done.reviews[0].decisionExplanation, 'Looked at every file.');
  assertAzureError(await getBlob(reading, 'counts.csv'), 403, 'AuthenticationFailed');

  const outside = await alice.linkUrl(request);
  assert.ok(outside.startsWith(tree.ready.blob.external), 'an approved export is fetched from the external zone');
  const got = await getBlob(outside, 'counts.csv');
  assert.ok(got.bytes.equals(TABLE));
  assert.equal(got.headers['content-type'], 'text/csv');

  assert.deepEqual(done.history.map((h) => h.properties.previousStatus).filter((s, i, all) => s !== all[i - 1]),
    ['draft', 'submitted', 'in_review', 'approval_in_progress']);
  const versions = done.history.map((h) => h.resourceVersion);
  assert.deepEqual(versions, [...versions].sort((a, b) => a - b));
  assert.ok(done.resourceVersion > versions.at(-1));

  const entries = await auditOf(tree, request);
  const text = JSON.stringify(entries);
  for (const word of ['create', 'submit', 'sealed', 'approve', 'moved', 'link']) assert.ok(text.includes(word), `audit: ${word}`);
  assert.ok(!/sig=/.test(text), 'no signature in the audit');
});

test('an import is delivered as a read-only tree with its real names, and revoked', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 5 } });
  const files = {
    'readme.txt': Buffer.from('Reference data.\n'),
    'tables/ü ± table (1).csv': TABLE,
    'tables/empty.csv': Buffer.alloc(0),
  };
  const request = await inReview(tree, 'import', files);
  assert.ok(request.link.startsWith(tree.ready.blob.external), 'an import is drafted in the external zone');
  assert.deepEqual(request.sealed.files.map((f) => f.name).sort(), Object.keys(files).sort());
  for (const file of request.sealed.files) assert.equal(file.sha256, sha256(files[file.name]));

  const bob = tree.as('bob');
  assert.ok((await bob.linkUrl(request)).startsWith(tree.ready.blob.core), 'an import is reviewed in the core zone');
  assert.equal((await bob.review(request, true, request.digest)).status, 200);
  await tree.as('alice').waitStatus(request, 'approved');
  await until('the delivery', async () => (await tree.as('alice').show(request)).properties.deliveredWhen);

  const delivered = filesBelow(tree.dir).find((f) => f.path.endsWith(`${request.id}/tables/ü ± table (1).csv`));
  assert.ok(delivered, 'the delivered tree bears the real names');
  const top = delivered.path.slice(0, -'/tables/ü ± table (1).csv'.length);
  for (const [name, bytes] of Object.entries(files)) {
    const full = path.join(top, name);
    assert.ok(fs.readFileSync(full).equals(bytes), name);
    assert.equal(fs.statSync(full).mode & 0o222, 0, `${name} is read-only`);
  }
  assert.equal(fs.statSync(path.join(top, 'tables')).mode & 0o222, 0);
  const dave = await tree.as('dave').linkUrl(request);
  assert.ok(dave.startsWith(tree.ready.blob.workspace), 'every researcher of the workspace may fetch an import');
  assert.ok((await getBlob(dave, 'readme.txt')).bytes.equals(files['readme.txt']));

  assert.equal((await bob.revoke(request)).status, 200);
  const revoked = await tree.as('alice').show(request);
  assert.equal(revoked.status, 'revoked');
  assert.equal(revoked.reviews.at(-1).reviewDecision, 'revoked');
  assertAzureError(await getBlob(dave, 'readme.txt'), 403, 'AuthenticationFailed');
  await until('the delivery to be removed', () => !fs.existsSync(top));
  await until('the bytes to be removed', () => filesHolding(tree, files['readme.txt']).length === 0);
});

test('reject and cancel end a request for good', async (t) => {
  const tree = await startTree(t);
  const alice = tree.as('alice');
  const bob = tree.as('bob');

  const refused = await inReview(tree, 'export', { 'x.csv': TABLE });
  assert.equal((await bob.review(refused, false)).body.airlockRequest.status, 'rejection_in_progress');
  await alice.waitStatus(refused, 'rejected');
  for (const who of ['alice', 'bob', 'carol', 'erin']) assertProblem(await tree.as(who).link(refused), 409, /rejected/);
  assertProblem(await bob.review(refused, true), 409, /rejected/);
  assertProblem(await alice.cancel(refused), 409, /rejected/);

  const draft = await draftWith(tree, 'import', { 'x.csv': TABLE });
  assert.equal((await alice.cancel(draft)).body.airlockRequest.status, 'cancelled');
  assertAzureError(await putBlob(draft.link, 'x.csv', TABLE), 403, 'AuthenticationFailed');
  const seen = await inReview(tree, 'import', { 'x.csv': TABLE });
  assert.equal((await tree.as('carol').cancel(seen)).body.airlockRequest.status, 'cancelled');
  assertProblem(await bob.review(seen, true), 409, /cancelled/);
  for (const gone of [draft, seen]) {
    await until('the purge', () => containerDirs(tree, gone).length === 0);
    assertProblem(await alice.link(gone), 409, /cancelled/);
  }
  const third = await draftWith(tree, 'import', { 'x.csv': TABLE });
  const stopped = await tree.as('admin').call('POST', tree.as('admin').at(third, '/cancel'), undefined, { scope: tree.ready.api_scope });
  assert.equal(stopped.status, 200, stopped.text);
});

test('what each person may do with a request, in every resting status', async (t) => {
  const tree = await startTree(t);
  const nobody = { alice: [], dave: [], bob: [], carol: [], erin: [] };
  const expected = {
    draft: { ...nobody, alice: ['cancel', 'submit'], carol: ['cancel'] },
    in_review: { ...nobody, alice: ['cancel'], bob: ['review'], carol: ['cancel'], erin: ['review'] },
    approved: { ...nobody, bob: ['revoke'], carol: ['revoke'], erin: ['revoke'] },
    rejected: nobody,
    cancelled: nobody,
    revoked: nobody,
  };
  const files = { 'x.csv': TABLE };
  const requests = {
    draft: await draftWith(tree, 'export', files),
    in_review: await inReview(tree, 'export', files),
    approved: await approved(tree, 'export', files),
    rejected: await inReview(tree, 'export', files),
    cancelled: await draftWith(tree, 'export', files),
    revoked: await approved(tree, 'export', files),
  };
  await tree.as('bob').review(requests.rejected, false);
  await tree.as('alice').waitStatus(requests.rejected, 'rejected');
  await tree.as('alice').cancel(requests.cancelled);
  await tree.as('carol').revoke(requests.revoked);

  for (const [status, people] of Object.entries(expected)) {
    assert.equal((await tree.as('alice').show(requests[status])).status, status);
    for (const [name, actions] of Object.entries(people)) {
      assert.deepEqual(await tree.as(name).actions(requests[status]), actions, `${name}, ${status}`);
    }
    assertProblem(await tree.as('mallory').call('GET', tree.as('mallory').at(requests[status])), 404);
  }
});

test('everything is still there after the whole tree was started again', async (t) => {
  const tree = await startTree(t);
  const draft = await draftWith(tree, 'export', { 'a.csv': TABLE });
  const review = await inReview(tree, 'import', { 'b.csv': TABLE });
  const done = await approved(tree, 'export', { 'c.csv': TABLE });
  await tree.stop();
  await tree.start();

  assert.ok((await getBlob(draft.link, 'a.csv')).bytes.equals(TABLE), 'a link outlives a restart');
  assert.equal((await tree.as('alice').submit(draft)).status, 200);
  await tree.as('alice').waitStatus(draft, 'in_review');
  assert.equal((await tree.as('bob').review(review, true, review.digest)).status, 200);
  await tree.as('alice').waitStatus(review, 'approved');
  assert.ok((await getBlob(await tree.as('alice').linkUrl(done), 'c.csv')).bytes.equals(TABLE));
});
