// Two people at the same moment: one wins, the other is told; and what was decided on is what the manifest says.
// An upload against a submit is T03, in abuse-writes.test.mjs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { inReview, Person, startTree, UNLIMITED } from './harness.mjs';
import { expectOnDisk, inLanes, soon } from './lib/races.mjs';
import { times } from './lib/scale.mjs';

const RACES = times(300, 1000, 'AIRLOCK_RACES');
const CLIENTS = 64;
const ROUNDS = times(3, 20, 'AIRLOCK_ROUNDS');

/** How often each request was decided on, from the audit. */
async function decisions(tree) {
  const counted = new Map();
  for (let cursor = ''; cursor !== undefined; ) {
    const page = await tree.as('admin').ok('GET', `/admin/audit?limit=1000${cursor && `&cursor=${cursor}`}`);
    for (const entry of page.entries) {
      if (entry.kind !== 'transition' || !['approve', 'reject', 'cancel'].includes(entry.detail.event)) continue;
      counted.set(entry.request, (counted.get(entry.request) ?? 0) + 1);
    }
    cursor = page.nextCursor;
  }
  return counted;
}

/** Of two contenders exactly one is answered 200, the other 409; answers who won. */
async function contend(first, second) {
  const [a, b] = await Promise.all([soon(first), soon(second)]);
  assert.deepEqual([a.status, b.status].sort(), [200, 409], `${a.text}\n${b.text}`);
  return a.status === 200;
}

test(`T25 ${RACES} approvals against rejections`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const [alice, bob, erin] = ['alice', 'bob', 'erin'].map((name) => tree.as(name));
  const raced = await inLanes(RACES, async (i) => {
    const request = await inReview(tree, 'export', { 'a.txt': Buffer.from(`decide ${i}`) });
    const won = await contend(() => bob.review(request, true, request.digest), () => erin.review(request, false, request.digest));
    const end = await alice.waitStatus(request, won ? 'approved' : 'rejected', 60_000);
    assert.equal(end.reviews.length, 1);
    assert.equal(end.reviews[0].reviewDecision, won ? 'approved' : 'rejected');
    return { request, won };
  });
  t.diagnostic(`approval won ${raced.filter((r) => r.won).length} of ${RACES}`);
  const counted = await decisions(tree);
  for (const { request } of raced) assert.equal(counted.get(request.id), 1, 'one decision, one row in the audit');
  await expectOnDisk(tree, raced.map(({ request }) => [request.id, request.sealed.files.map((f) => f.sha256)]));
});

test(`T25 ${CLIENTS} clients decide at once, ${ROUNDS} times`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const [alice, bob, erin] = ['alice', 'bob', 'erin'].map((name) => tree.as(name));
  for (let round = 0; round < ROUNDS; round += 1) {
    const request = await inReview(tree, 'export', { 'a.txt': Buffer.from(`crowd ${round}`) });
    const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => soon(() => (i % 2 ? bob : erin)
      .review(request, i % 4 < 2, request.digest))));
    const won = answers.filter((answer) => answer.status === 200);
    assert.equal(won.length, 1, 'one decision');
    const losers = answers.filter((answer) => answer.status !== 200);
    for (const loser of losers) {
      assert.equal(loser.status, 409, loser.text);
      assert.match(loser.text, /(approv|reject)/, 'the loser is told what became of it');
    }
    const approved = answers.indexOf(won[0]) % 4 < 2;
    const end = await alice.waitStatus(request, approved ? 'approved' : 'rejected', 60_000);
    assert.equal(end.reviews.length, 1);
    assert.equal((await decisions(tree)).get(request.id), 1, 'one row in the audit');
  }
});

test(`T26 ${RACES} approvals against cancellations`, { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: UNLIMITED });
  const [alice, bob] = ['alice', 'bob'].map((name) => tree.as(name));
  const ended = await inLanes(RACES, async (i) => {
    const request = await inReview(tree, i % 2 ? 'import' : 'export', { 'a.txt': Buffer.from(`cancel ${i}`) });
    const won = await contend(() => bob.review(request, true, request.digest), () => alice.cancel(request));
    await alice.waitStatus(request, won ? 'approved' : 'cancelled', 60_000);
    return { request, won };
  });
  t.diagnostic(`approval won ${ended.filter((e) => e.won).length} of ${RACES}`);
  const counted = await decisions(tree);
  for (const { request } of ended) assert.equal(counted.get(request.id), 1);
  await expectOnDisk(tree, ended.map(({ request, won }) => [request.id, won ? request.sealed.files.map((f) => f.sha256) : []]));
});

/** Eight who may decide in the first workspace. */
async function managers(tree) {
  const admin = tree.as('admin');
  const assign = (user, role) => admin.ok('POST', `/workspaces/${tree.first.id}/users/assign`, { user_ids: [user.id], role_id: role });
  const { users } = await admin.ok('GET', '/admin/users');
  const people = ['bob', 'erin'].map((name) => tree.as(name));
  for (const name of ['carol', 'dave', 'mallory', 'admin']) {
    await assign(users.find((user) => user.name === name), 'AirlockManager');
    people.push(tree.as(name));
  }
  for (const name of ['robot one', 'robot two']) {
    const { user, client_secret } = await admin.ok('POST', '/admin/users', { name, is_service: true });
    await assign(user, 'AirlockManager');
    people.push(new Person().learn(tree.ready, { name, client_id: user.client_id, client_secret }));
  }
  return people;
}

test('T30 of up to eight who decide at once, two approvals or one rejection count', { timeout: 900_000 }, async (t) => {
  const tree = await startTree(t, { set: { ...UNLIMITED, 'policy.approvals': '2' } });
  const everybody = await managers(tree);
  for (let round = 0; round < ROUNDS; round += 1)
    for (let count = 2; count <= everybody.length; count += 1)
      for (const rejects of [0, Math.floor(count / 2)]) {
        const request = await inReview(tree, 'export', { 'a.txt': Buffer.from(`${round} ${count} ${rejects}`) });
        const twice = everybody.slice(0, count).flatMap((who, i) => [[who, i], [who, i]]); // an impatient crowd
        const answers = await Promise.all(twice.map(([who, i]) => soon(() => who.review(request, i >= rejects, request.digest))));
        const won = answers.filter(({ status }) => status === 200).length;
        for (const { status, text } of answers) assert.ok([200, 409].includes(status), `${status} ${text}`);
        const { reviews } = await tree.as('alice').show(request);
        const decided = reviews.map((review) => review.reviewDecision);
        const isRejected = decided.includes('rejected');
        const end = await tree.as('alice').waitStatus(request, isRejected ? 'rejected' : 'approved', 60_000);
        assert.equal(end.reviews.length, won, JSON.stringify(answers.map(({ status }) => status)));
        assert.equal(new Set(end.reviews.map(({ reviewer }) => reviewer.id)).size, won, 'one decision each person');
        if (rejects === 0) assert.deepEqual(decided, ['approved', 'approved']);
        else assert.ok(['rejected', 'approved,rejected', 'approved,approved'].includes(decided.sort().join()), decided.join());
        assert.equal((await decisions(tree)).get(request.id), 1, 'one transition');
      }
});
