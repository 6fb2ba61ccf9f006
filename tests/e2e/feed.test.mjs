// Live updates: streams of server-sent events, followed by people who may see different things, across roles that end,
// processes that are killed, and clients that come back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertProblem, draftWith, inReview, postForm, startTree, UNLIMITED, until } from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { memoryOf } from './lib/memory.mjs';
import { LONG } from './lib/scale.mjs';

/** A reader of one stream, as a browser's EventSource is one; it does not come back by itself. */
class Stream {
  constructor(url, token, lastId) {
    this.events = [];
    this.resets = 0;
    this.lastId = lastId;
    const headers = { authorization: `Bearer ${token}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
    this.answer = new Promise((resolve, reject) => {
      this.request = http.get(url, { headers, agent: false }, resolve);
      this.request.once('error', reject);
    });
    this.ended = this.#read();
    this.answer.catch(() => {}); // who opens it looks
  }

  async #read() {
    let text = '';
    try {
      const answer = await this.answer;
      answer.setEncoding('utf8');
      for await (const piece of answer) {
        text += piece;
        const blocks = text.split('\n\n');
        text = blocks.pop();
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // The connection broke: what came is what counts.
    }
    this.over = true;
  }

  #take(block) {
    const fields = {};
    for (const line of block.split('\n')) {
      const [, name, value] = /^(\w*):? ?(.*)$/.exec(line);
      if (name) fields[name] = value;
    }
    if (fields.id !== undefined) {
      this.from ??= Number(fields.id);
      this.lastId = fields.id;
    }
    if (fields.event === 'reset') this.resets++;
    else if (fields.data !== undefined) this.events.push({ id: Number(fields.id), kind: fields.event, event: JSON.parse(fields.data) });
  }

  /** Once the server has said from where on it reads. */
  async open() {
    const { statusCode } = await this.answer;
    assert.equal(statusCode, 200);
    await until('the beginning of the stream', () => this.from !== undefined);
    return this;
  }

  /** The statuses it was in, one after the other; a version that kept the status is not another. */
  statuses(request) {
    return this.events
      .filter(({ kind, event }) => kind === 'status_changed' && event.subject === request.id)
      .map(({ event }) => event.data.status)
      .filter((status, i, all) => status !== all[i - 1]);
  }

  close() {
    this.request.destroy();
  }
}

async function follow(tree, who, workspace, lastId) {
  const person = tree.as(who);
  const token = await person.token(workspace ? workspace.scope : undefined);
  const path = workspace ? `/workspaces/${workspace.id}/events` : '/events';
  return new Stream(`${tree.ready.api}/api${path}`, token, lastId);
}
const opened = async (...which) => (await follow(...which)).open();

/** Follows for good: comes back after each end with the last id it saw, as EventSource does. */
class Follower {
  constructor(tree, who, workspace) {
    Object.assign(this, { tree, who, workspace, streams: [], stopped: false });
  }
  async start() {
    this.streams.push(await opened(this.tree, this.who, this.workspace));
    this.done = this.#goOn();
    return this;
  }
  async #goOn() {
    for (;;) {
      const last = this.streams.at(-1);
      await last.ended;
      if (this.stopped) return;
      await sleep(50);
      this.streams.push(await follow(this.tree, this.who, this.workspace, last.lastId));
    }
  }
  get events() {
    return this.streams.flatMap((stream) => stream.events);
  }
  async stop() {
    this.stopped = true;
    this.streams.at(-1).close();
    await this.done;
  }
}

/** A new person of the TRE, with a token. */
async function newFollower(tree, name) {
  const { user, client_secret } = await tree.as('admin').ok('POST', '/admin/users', { name, is_service: true });
  const form = { grant_type: 'client_credentials', client_id: user.client_id, client_secret, scope: tree.ready.api_scope };
  return { user, client_id: user.client_id, client_secret, token: (await postForm(tree.ready.token_endpoint, form)).body.access_token };
}

/** Somebody's command line, logged in. */
async function terminal(tree, name, { client_id, client_secret } = tree.as(name).account) {
  const home = new Terminal(tree.scratch, name, tree.ready.api);
  const { code, stderr } = await home.logInAsProgram(client_id, client_secret);
  assert.equal(code, 0, stderr);
  return home;
}

/** Runs a command that follows events. Answers when its stream is open: beside it, it has a connection for its questions. */
async function waiting(tree, home, args) {
  let child;
  const result = home.run(args, { onStart: (started) => (child = started) });
  const port = Number(new URL(tree.ready.api).port);
  await Promise.race([result, until('its stream', () => child.exitCode !== null || connections(child.pid, port) === 2)]);
  return { result };
}

/** Connections of a process to a port of this machine. */
function connections(pid, port) {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = fs.readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[2] === remote && fields[3] === '01').map((fields) => `socket:[${fields[9]}]`);
  const links = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return links.filter((link) => inodes.includes(link)).length;
}

/** A request that comes to its review although the processes it asks are killed: if need be, another one. */
async function liveOn(tree) {
  for (;;) {
    try {
      return await inReview(tree, 'export', { 'a.csv': Buffer.from('killed\n') });
    } catch {
      await sleep(100);
    }
  }
}

const within = (seconds, promise) => Promise.race([
  promise, sleep(seconds * 1000, undefined, { ref: false }).then(() => { throw new Error(`not within ${seconds} s`); })]);

test('live updates', async (t) => {
  const tree = await startTree(t, {
    set: { ...UNLIMITED, 'http.max_connections': 1000, 'http.max_per_address': 1000 },
  });

  await t.test('each sees what they may look up, and drafts of others never', async () => {
    const alice = await opened(tree, 'alice', tree.first);
    const alone = await opened(tree, 'alice');
    const bob = await opened(tree, 'bob', tree.first);
    const carol = await opened(tree, 'carol');
    const admin = await opened(tree, 'admin');
    const others = [await opened(tree, 'mallory', tree.second), await opened(tree, 'mallory')];

    const { headers } = await alice.answer;
    assert.match(headers['content-type'], /^text\/event-stream/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-accel-buffering'], 'no');
    assert.match(headers['content-security-policy'], /default-src 'none'/);

    const draft = await draftWith(tree, 'export', { 'a.csv': Buffer.from('draft\n') });
    const request = await inReview(tree, 'export', { 'a.csv': Buffer.from('bytes\n') });
    const all = [alice, alone, bob, carol, admin];
    for (const stream of all) await until('in_review', () => stream.statuses(request).includes('in_review'));
    for (const stream of [alice, alone, admin]) {
      assert.deepEqual(stream.statuses(draft), ['draft']);
      assert.deepEqual(stream.statuses(request), ['draft', 'submitted', 'in_review']);
    }
    for (const stream of [bob, carol]) {
      assert.deepEqual(stream.statuses(request), ['submitted', 'in_review']);
      assert.ok(stream.events.every(({ event }) => event.data.status !== 'draft' && event.subject !== draft.id));
    }
    for (const stream of others) assert.deepEqual(stream.events, []);
    const [{ id, kind, event }] = alice.events;
    assert.equal(kind, 'status_changed');
    assert.ok(id > 0);
    assert.equal(event.specversion, '1.0');
    assert.equal(event.type, 'airlock.status_changed.v1');
    assert.equal(event.id, `${event.subject}.${event.data.version}.status_changed`);
    for (const stream of [...all, ...others]) stream.close();
  });

  await t.test('what came between is read later, once and in order', async () => {
    const early = await opened(tree, 'alice', tree.first);
    early.close();
    const request = await inReview(tree, 'export', { 'a.csv': Buffer.from('later\n') });
    const late = await opened(tree, 'alice', tree.first, early.lastId);
    await until('what was missed', () => late.statuses(request).length === 3);
    assert.equal(late.resets, 0);
    late.close();
    const lost = await opened(tree, 'alice', tree.first, String(Number(late.lastId) + 1_000_000));
    assert.equal(lost.resets, 1);
    assert.equal(lost.lastId, late.lastId);
    lost.close();
    const token = await tree.as('alice').token(tree.first.scope);
    assertProblem(await tree.as('alice').call('GET', `/workspaces/${tree.first.id}/events?lastEventId=soon`, undefined, { token }), 422);
  });

  await t.test('nothing is lost or doubled while airlock-api and airlock-core are killed', async () => {
    const follower = await new Follower(tree, 'alice', tree.first).start();
    let life;
    for (const victim of ['airlock-api', 'airlock-core', 'airlock-api', 'airlock-core']) {
      const heard = follower.events.length;
      life = liveOn(tree);
      await until('something to happen', () => follower.events.length > heard);
      tree.kill(victim);
      await life;
    }
    const last = await life;
    await until('the last step', () => follower.events.some(({ event }) => event.subject === last.id && event.data.status === 'in_review'));
    await follower.stop();
    const heard = follower.events.map(({ id }) => id);
    const reference = await opened(tree, 'alice', tree.first, '0');
    await until('the whole feed', () => reference.events.at(-1)?.id >= heard.at(-1));
    const wanted = reference.events.map(({ id }) => id).filter((id) => id > follower.streams[0].from && id <= heard.at(-1));
    assert.deepEqual(heard, wanted);
    assert.ok(follower.streams.every((stream) => stream.resets === 0));
    assert.ok(follower.streams.length >= 3, `${follower.streams.length} connections`);
    reference.close();
  });

  await t.test('whoever loses the role hears no more', async () => {
    const admin = tree.as('admin');
    const { id: bob } = await tree.as('bob').ok('GET', '/me');
    const stream = await opened(tree, 'bob', tree.first);
    await admin.ok('DELETE', `/workspaces/${tree.first.id}/users/assign?user_id=${bob}&role_id=AirlockManager`);
    await within(5, stream.ended);
    await draftWith(tree, 'export', { 'a.csv': Buffer.from('after\n') });
    assert.deepEqual(stream.events, []);
    const again = await follow(tree, 'bob', tree.first);
    assert.equal((await again.answer).statusCode, 404);
    await admin.ok('POST', `/workspaces/${tree.first.id}/users/assign`, { user_ids: [bob], role_id: 'AirlockManager' });
  });

  await t.test('whose account is disabled or whose log-in was ended hears no more', async () => {
    const admin = tree.as('admin');
    for (const how of ['disable', 'reset']) {
      const { user, token } = await newFollower(tree, `ends-by-${how}`);
      const given = JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).iat;
      const stream = await new Stream(`${tree.ready.api}/api/events`, token).open();
      const other = await opened(tree, 'alice');
      await until('the second after: a token of the same one could be newer', () => Date.now() >= (given + 1) * 1000);
      await admin.ok('POST', `/admin/users/${user.id}/${how}`);
      await within(5, stream.ended);
      assert.ok(!other.over, 'others go on');
      const again = new Stream(`${tree.ready.api}/api/events`, token);
      assert.equal((await again.answer).statusCode, 401);
      other.close();
    }
  });

  await t.test('T32 a person has eight streams, and each costs little', async () => {
    const people = LONG ? 38 : 6;
    const admin = tree.as('admin');
    const api = tree.find('airlock-api').pid;
    const tokens = [];
    for (let i = 0; i < people; i++) tokens.push((await newFollower(tree, `follower-${i}`)).token);
    const before = memoryOf(api).rss;
    const streams = tokens.flatMap((token) => Array.from({ length: 8 }, () => new Stream(`${tree.ready.api}/api/events`, token)));
    await Promise.all(streams.map((stream) => stream.open()));
    const each = (memoryOf(api).rss - before) / streams.length;
    assert.ok(each < 32 * 1024, `${Math.round(each)} bytes for each of ${streams.length}`);
    const ninth = await admin.call('GET', '/events', undefined, { token: tokens[0] });
    assertProblem(ninth, 429, /8 times/);
    assert.ok(Number(ninth.headers['retry-after']) > 0);
    for (const stream of streams) stream.close();
    await until('room again', async () => (await admin.call('HEAD', '/events', undefined, { token: tokens[0] })).status === 200);
  });

  await t.test('request wait ends with its status, or says why it cannot', async () => {
    const alice = await terminal(tree, 'alice');
    const wait = (request, ...args) => waiting(tree, alice, ['request', 'wait', request.id, '--output', 'json', ...args]);
    const request = await inReview(tree, 'export', { 'a.csv': Buffer.from('waited for\n') });
    const other = await inReview(tree, 'export', { 'a.csv': Buffer.from('waited for\n') });
    const draft = await draftWith(tree, 'export', { 'a.csv': Buffer.from('waited for\n') });
    const waits = await Promise.all([
      wait(request, '--for', 'approved'), wait(request, '--for', 'approval_in_progress'), wait(request, '--for', 'rejected,failed'),
      wait(other, '--for', 'approved'), wait(draft, '--for', 'submitted')]);
    assert.equal((await tree.as('bob').review(request, true, request.digest)).status, 200);
    assert.equal((await tree.as('alice').cancel(other)).status, 200);
    assert.equal((await tree.as('alice').submit(draft)).status, 200);
    const [reached, passed, elsewhere, cancelled, submitted] = await Promise.all(waits.map(({ result }) => result));
    assert.equal(reached.code, 0, reached.stderr);
    assert.equal(JSON.parse(reached.stdout).airlockRequest.status, 'approved');
    assert.equal(passed.code, 0, passed.stderr); // although it was left again at once
    assert.equal(submitted.code, 0, submitted.stderr);
    for (const [result, status] of [[elsewhere, 'approved'], [cancelled, 'cancelled']]) {
      assert.equal(result.code, 65, result.stderr);
      assert.match(result.stderr, new RegExp(`is ${status}, and that is final`));
      assert.equal(result.stdout, '');
    }
    for (const [args, code, words] of [
      [[draft.id, '--for', 'approved', '--timeout', '1'], 75, /still in_review after 1 seconds/],
      [[draft.id, '--for', 'approved', '--timeout', '0'], 75, /still/],
      [[request.id, '--for', 'revoked', '--timeout', '1'], 75, /still approved/],
      [[request.id, '--for', 'in_review'], 65, /final/],
      [[draft.id, '--for', 'in_review,aproved'], 64, /blocked_by_scan/],
      [[draft.id, '--for', ''], 64, /blocked_by_scan/],
      [['7d444840-9dc0-4fd2-b6ac-1d1b1a4b2c11', '--for', 'approved'], 66, /None of your workspaces/],
    ]) {
      const result = await alice.run(['request', 'wait', ...args]);
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      assert.match(result.stderr, words);
    }
  });

  await t.test('request wait is for whoever is logged in, and for no longer than that', async () => {
    const { user, client_id, client_secret } = await newFollower(tree, 'waits-until-disabled');
    const admin = tree.as('admin');
    await admin.ok('POST', `/workspaces/${tree.first.id}/users/assign`, { user_ids: [user.id], role_id: 'WorkspaceResearcher' });
    const request = await inReview(tree, 'export', { 'a.csv': Buffer.from('disabled\n') });
    const args = ['request', 'wait', request.id, '--workspace', tree.first.id, '--for', 'approved'];
    const wait = await waiting(tree, await terminal(tree, 'until-disabled', { client_id, client_secret }), args);
    await admin.ok('POST', `/admin/users/${user.id}/disable`);
    assert.equal((await wait.result).code, 77);
    const nobody = new Terminal(tree.scratch, 'nobody', tree.ready.api);
    assert.equal((await nobody.run([...args, '--url', tree.ready.api])).code, 77);
  });

  await t.test('request wait goes on when airlock-api is killed, and ends when it may not see the request any more', async () => {
    const request = await inReview(tree, 'export', { 'a.csv': Buffer.from('killed\n') });
    const args = ['request', 'wait', request.id, '--workspace', tree.first.id, '--for', 'approved'];
    const { user, client_id, client_secret } = await newFollower(tree, 'waits-in-vain');
    const admin = tree.as('admin');
    await admin.ok('POST', `/workspaces/${tree.first.id}/users/assign`, { user_ids: [user.id], role_id: 'WorkspaceResearcher' });
    const alice = await waiting(tree, await terminal(tree, 'alice'), args);
    const vain = await waiting(tree, await terminal(tree, 'vain', { client_id, client_secret }), args);
    const killed = tree.kill('airlock-api');
    await until('airlock-api to be back', () => ![undefined, killed].includes(tree.find('airlock-api')?.pid));
    await admin.ok('DELETE', `/workspaces/${tree.first.id}/users/assign?user_id=${user.id}&role_id=WorkspaceResearcher`);
    assert.equal((await vain.result).code, 66, 'the workspace is not theirs any more');
    assert.equal((await tree.as('bob').review(request, true, request.digest)).status, 200);
    const result = await alice.result;
    assert.equal(result.code, 0, result.stderr);
  });

  await t.test('airlock events prints one line of JSON each', async () => {
    const alice = await terminal(tree, 'alice');
    const early = await opened(tree, 'alice', tree.first);
    early.close();
    const request = await draftWith(tree, 'export', { 'a.csv': Buffer.from('printed\n') });
    for (const args of [[], ['--workspace', tree.first.id]]) {
      const lines = (await alice.ok(['events', ...args, '--since', early.lastId, '--timeout', '1'])).trim().split('\n').map((line) => JSON.parse(line));
      const told = lines.find(({ kind, event }) => kind === 'status_changed' && event.subject === request.id);
      assert.equal(told?.event.data.status, 'draft');
      assert.deepEqual(lines.map(({ id }) => Number(id)), lines.map(({ id }) => Number(id)).sort((a, b) => a - b));
    }
    const [reset] = (await alice.ok(['events', '--since', '9999999', '--timeout', '1'])).trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(reset.kind, 'reset');
    assert.equal((await alice.run(['events', '--since', 'soon'])).code, 64);
  });

  await opened(tree, 'alice'); // is still open when the tree ends, within its five seconds
});
