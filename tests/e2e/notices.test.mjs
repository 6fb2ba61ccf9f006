// Mails to people in a real mail server: for whole lives exactly those of the rules, to the right people, with what they must
// know; a person's own choice, summaries and reminders; a link that opens to one address; rules tried out.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { approved, draftWith, filesHolding, inReview, listUrl, send, startTree, temporaryDir, until } from './harness.mjs';
import { Terminal } from './lib/cli.mjs';
import { keyFile } from './lib/receiver.mjs';
import { headerCount, MailServer } from './lib/smtp.mjs';

const FILE = { 'results/table1.csv': Buffer.from('a,b\n1,2\n') };
const REASON = 'Row 4 shows a group of three; größer als zehn, please.';
const WITHDRAWN = 'The wrong version went out.';
const ROLES = { alice: 'requestor', bob: 'Airlock Manager', erin: 'Airlock Manager', carol: 'Workspace Owner' };

const server = async (t) => {
  const smtp = await new MailServer().start();
  t.after(() => smtp.stop());
  return smtp;
};
const settings = (smtp, more = {}) => ({
  'mail.smtp_url': `smtp://127.0.0.1:${smtp.port}`, 'mail.from': 'TRE Köln <airlock@example.org>', 'mail.review_reminder': 0,
  'mail.portal_url': 'https://portal.example.org/tre', ...more,
});
/** An external check that is never reached. */
function nobodyAnswers(t) {
  const dir = temporaryDir('notices');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return {
    'gates.external': 'ethics=robot,http://127.0.0.1:9/', 'gates.external_deadline': 1,
    'gates.external_secret_file': keyFile(path.join(dir, 'key'), [crypto.randomBytes(32)]),
  };
}
const nameOf = (mail) => mail.to[0].split('@')[0];
const statusOf = (mail) => mail.parsed.headers.get('x-airlock-status');
const of = (smtp, request) => smtp.mails.filter((mail) => mail.parsed.headers.get('x-airlock-request') === request.id);
const told = (mails) => mails.map((mail) => `${statusOf(mail)} ${nameOf(mail)}`).sort();
const words = (text) => text.replace(/\s+/g, ' ');

/** Everything that is due was sent. */
async function sent(tree) {
  await until('all mails to be sent', async () => (await tree.as('admin').ok('GET', '/admin/events?endpoint=mail&state=open')).deliveries.length === 0);
}

async function terminalOf(tree, name) {
  const terminal = new Terminal(tree.scratch, name, tree.ready.api);
  const login = await terminal.logInAsProgram(tree.as(name).account.client_id, tree.as(name).account.client_secret);
  assert.equal(login.code, 0, login.stderr);
  return terminal;
}

async function workspaceName(tree) {
  return (await tree.as('admin').ok('GET', `/workspaces/${tree.first.id}`)).workspace.properties.display_name;
}

/** One mail of a request: its head, both bodies, and nothing that does not belong there. */
function checkMail(mail, request, { title, workspace, type, actor, reason, next, words: statusWords, files, workspaceId }) {
  const { parsed, raw } = mail;
  const status = statusOf(mail);
  const role = ROLES[nameOf(mail)];
  assert.deepEqual(mail.from, 'airlock@example.org');
  assert.deepEqual(parsed.from.value, [{ address: 'airlock@example.org', name: 'TRE Köln' }]);
  assert.deepEqual(parsed.to.value.map((to) => to.address), mail.to, 'one recipient');
  assert.equal(mail.to.length, 1);
  for (const header of ['From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'X-Airlock-Status', 'X-Airlock-Request', 'Auto-Submitted'])
    assert.equal(headerCount(mail, header), 1, header);
  assert.equal(parsed.headers.get('auto-submitted'), 'auto-generated');
  assert.equal(parsed.subject, `Airlock ${type} ${statusWords}: ${title}`);
  assert.match(raw, new RegExp(`\\r\\nStatus: ${status}\\r\\n`), 'no encoding breaks the line');
  const expected = [`"${title}"`, `in the workspace ${workspace}`, `By: ${actor}`, next, `You get this mail as ${role}.`, `Request ${request.id}.`,
    `https://portal.example.org/tre/workspaces/${workspaceId}/requests/${request.id}`, ...(reason ? [`Reason: ${reason}`] : []), ...(files ? [`Files: ${files}`] : [])];
  for (const text of expected) assert.ok(words(parsed.text).includes(text), `${status} to ${nameOf(mail)}: ${text}\n${parsed.text}`);
  for (const text of [title, workspace, statusWords, actor, role]) assert.ok(words(parsed.html).includes(text), `${status}, HTML: ${text}`);
  assert.equal(/Reason: /.test(parsed.text), Boolean(reason));
  assert.doesNotMatch(raw.replaceAll('=\r\n', ''), /sig=/, 'no link that opens anything');
}

test('a full import and a full export: exactly the mails of the rules, for every status', async (t) => {
  const smtp = await server(t);
  const tree = await startTree(t, { set: settings(smtp, nobodyAnswers(t)) });
  const [alice, bob] = ['alice', 'bob'].map((name) => tree.as(name));
  const people = Object.fromEntries(await Promise.all(['alice', 'bob', 'carol', 'erin'].map(async (name) => [name, (await tree.as(name).ok('GET', '/me')).name])));
  const workspace = await workspaceName(tree);

  const WORDS = {
    draft: 'draft', submitted: 'submitted', in_review: 'in review', approval_in_progress: 'approved, being moved', approved: 'approved',
    rejection_in_progress: 'rejected, being moved', rejected: 'rejected', blocked_by_scan: 'blocked by the security checks', cancelled: 'cancelled', failed: 'failed', revoked: 'revoked',
  };
  const NEXT = {
    import: { draft: 'upload your files from outside', approved: 'The files are in the workspace', revoked: 'removed from the workspace' },
    export: { draft: 'upload your files from inside the workspace', approved: 'get a link and download them', revoked: 'can no longer be downloaded' },
  };
  const NEXT_ANY = {
    submitted: 'the files are sealed and checked', in_review: 'approve or reject the request', approval_in_progress: 'Nothing to do', rejection_in_progress: 'Nothing to do',
    rejected: 'make a new request', blocked_by_scan: 'in quarantine', cancelled: 'The files are removed', failed: 'TRE administrator',
  };
  const check = (request, type, { actors, reasons = {} }) => {
    for (const mail of of(smtp, request)) {
      const status = statusOf(mail);
      const mine = nameOf(mail) === 'alice';
      const next = status === 'in_review' && nameOf(mail) === 'carol' ? 'An Airlock Manager looks at the files and decides'
        : (mine && NEXT[type][status]) || (status === 'revoked' ? 'copies already taken stay' : NEXT_ANY[status]);
      checkMail(mail, request, {
        title: `An ${type}`, workspace, workspaceId: tree.first.id, type, actor: people[actors[status]] ?? actors[status], reason: reasons[status], next, words: WORDS[status],
        files: status === 'draft' ? 0 : 1,
      });
    }
  };

  for (const type of ['import', 'export']) {
    await t.test(`${type}: approved and revoked`, async () => {
      const request = await inReview(tree, type, FILE);
      assert.equal((await bob.review(request, true, request.digest, REASON)).status, 200);
      await alice.waitStatus(request, 'approved');
      assert.equal((await bob.revoke(request, WITHDRAWN)).status, 200);
      await sent(tree);
      assert.deepEqual(told(of(smtp, request)), [
        'approval_in_progress alice', 'approved alice', 'draft alice', 'in_review bob', 'in_review carol', 'in_review erin',
        'revoked alice', 'revoked bob', 'revoked erin', 'submitted alice',
      ]);
      check(request, type, {
        actors: { draft: 'alice', submitted: 'alice', in_review: 'airlock', approval_in_progress: 'bob', approved: 'bob', revoked: 'bob' },
        reasons: { approval_in_progress: REASON, approved: REASON, revoked: WITHDRAWN },
      });
    });
    await t.test(`${type}: rejected`, async () => {
      const request = await inReview(tree, type, FILE);
      assert.equal((await bob.review(request, false, request.digest, REASON)).status, 200);
      await alice.waitStatus(request, 'rejected');
      await sent(tree);
      assert.deepEqual(told(of(smtp, request)), [
        'draft alice', 'in_review bob', 'in_review carol', 'in_review erin', 'rejected alice', 'rejection_in_progress alice', 'submitted alice',
      ]);
      check(request, type, {
        actors: { draft: 'alice', submitted: 'alice', in_review: 'airlock', rejection_in_progress: 'bob', rejected: 'bob' },
        reasons: { rejection_in_progress: REASON, rejected: REASON },
      });
    });
    await t.test(`${type}: cancelled`, async () => {
      const request = await draftWith(tree, type, {});
      assert.equal((await tree.as('carol').cancel(request)).status, 200);
      await sent(tree);
      assert.deepEqual(told(of(smtp, request)), ['cancelled alice', 'draft alice']);
      for (const mail of of(smtp, request)) {
        const status = statusOf(mail);
        checkMail(mail, request, { title: `An ${type}`, workspace, workspaceId: tree.first.id, type, actor: people[status === 'draft' ? 'alice' : 'carol'], next: '', words: WORDS[status] });
      }
    });
    await t.test(`${type}: blocked on the way, of which nobody hears, then by the checks`, async () => {
      const bytes = crypto.randomBytes(5000);
      const request = await inReview(tree, type, { 'report.bin': bytes });
      const [file] = filesHolding(tree, bytes);
      fs.chmodSync(file, 0o600);
      fs.writeFileSync(file, crypto.randomBytes(5000));
      assert.equal((await bob.review(request, true, request.digest, REASON)).status, 200);
      const { statusMessage } = await alice.waitStatus(request, 'blocked_by_scan');
      await sent(tree);
      assert.deepEqual(told(of(smtp, request)), [
        'approval_in_progress alice', 'blocked_by_scan alice', 'blocked_by_scan carol', 'draft alice', 'in_review bob', 'in_review carol', 'in_review erin', 'submitted alice',
      ]);
      check(request, type, {
        actors: { draft: 'alice', submitted: 'alice', in_review: 'airlock', approval_in_progress: 'bob', blocked_by_scan: 'airlock' },
        reasons: { approval_in_progress: REASON, blocked_by_scan: words(statusMessage) },
      });
    });
  }

  const operator = await terminalOf(tree, 'admin');
  await operator.ok(['admin', 'workspace', 'update', tree.first.id, '--gates-import', 'external=ethics', '--gates-export', 'external=ethics']);
  for (const type of ['import', 'export']) {
    await t.test(`${type}: failed`, async () => {
      const request = await draftWith(tree, type, FILE);
      assert.equal((await alice.submit(request)).status, 200);
      const { statusMessage } = await alice.waitStatus(request, 'failed');
      await sent(tree);
      assert.deepEqual(told(of(smtp, request)), ['draft alice', 'failed alice', 'failed carol', 'submitted alice']);
      check(request, type, { actors: { draft: 'alice', submitted: 'alice', failed: 'airlock' }, reasons: { failed: words(statusMessage) } });
    });
  }

  assert.equal(new Set(smtp.mails.map((mail) => mail.parsed.messageId)).size, smtp.mails.length, 'each mail once, with an id of its own');
  const { entries } = await tree.as('admin').ok('GET', '/admin/audit?limit=1000');
  assert.ok(entries.filter((entry) => entry.kind === 'notice.sent').length > 0);
  assert.ok(!JSON.stringify(entries.filter((entry) => entry.kind.startsWith('notice.'))).includes('@example.org'), 'the audit names no address');
});

test('rules of one\'s own; what people choose; summaries and reminders; rules tried out', async (t) => {
  const smtp = await server(t);
  const tree = await startTree(t, { set: settings(smtp, {
    'mail.review_reminder': 3, 'mail.digest_every': 4, ...nobodyAnswers(t), 'gates.export': 'external=ethics', 'notify.rules': 'default submitted:*:owners=mail/reminder draft:*:requestor=off',
  }) });
  const [alice, bob, carol, admin] = ['alice', 'bob', 'carol', 'admin'].map((name) => tree.as(name));
  const terminal = (name) => terminalOf(tree, name);

  await t.test('rules of one\'s own: one more, and one less', async () => {
    const request = await draftWith(tree, 'export', FILE);
    assert.equal((await alice.submit(request)).status, 200);
    await alice.waitStatus(request, 'failed');
    await sent(tree);
    assert.deepEqual(told(of(smtp, request)), ['failed alice', 'failed carol', 'submitted alice', 'submitted carol']);
  });

  await t.test('off and digest: what must be known comes at once all the same', async () => {
    const [mine, owners] = [await terminal('alice'), await terminal('carol')];
    assert.equal((await mine.ok(['notices'])).trim(), 'immediate');
    assert.equal((await mine.ok(['notices', 'digest'])).trim(), 'digest');
    assert.equal((await owners.json(['notices', 'off'])).choice, 'off');
    const bad = await mine.run(['notices', 'weekly']);
    assert.equal(bad.code, 65);
    assert.match(bad.stderr, /immediate, digest or off/);
    assert.equal((await mine.ok(['notices'])).trim(), 'digest', 'nothing was changed');
    smtp.mails.length = 0;
    const [first, second] = [await draftWith(tree, 'export', FILE), await draftWith(tree, 'export', FILE)];
    for (const request of [first, second]) assert.equal((await alice.submit(request)).status, 200);
    for (const request of [first, second]) await alice.waitStatus(request, 'failed');
    const items = () => smtp.mails.filter((mail) => nameOf(mail) === 'alice' && /change/.test(mail.parsed.subject));
    await until('the summary', () => items().flatMap((mail) => mail.parsed.text.match(/^\* /gm)).length >= 2);
    await sent(tree);
    const summaries = items();
    assert.equal(summaries.flatMap((mail) => mail.parsed.text.match(/^\* .*: submitted/gm)).length, 2, 'each change once');
    assert.ok(summaries.every((mail) => headerCount(mail, 'X-Airlock-Status') <= 1));
    assert.deepEqual(told([...of(smtp, first), ...of(smtp, second)].filter((mail) => statusOf(mail) !== undefined && !summaries.includes(mail))),
      ['failed alice', 'failed alice', 'failed carol', 'failed carol'], 'carol chose off');
  });

  await t.test('a review that waits: its managers are reminded until it is decided', async () => {
    const request = await inReview(tree, 'import', FILE);
    const reminders = () => of(smtp, request).filter((mail) => mail.parsed.subject.startsWith('Waiting for your review'));
    await until('two rounds', () => reminders().length >= 4);
    assert.deepEqual([...new Set(reminders().map(nameOf))].sort(), ['bob', 'erin']);
    assert.match(words(reminders()[0].parsed.text), /waits for a review since 20\d\d-\d\d-\d\d \d\d:\d\d UTC/);
    assert.equal((await bob.review(request, false, request.digest)).status, 200);
    await sent(tree);
    const count = reminders().length;
    await sleep(3500);
    await sent(tree);
    assert.equal(reminders().length, count);
  });

  await t.test('rules are tried out', async () => {
    const operator = await terminal('admin');
    const plan = (await operator.json(['admin', 'rules', 'test', '--status', 'in_review', '--direction', 'import', '--workspace', tree.first.id])).notices;
    assert.deepEqual(plan.map((row) => [row.role, row.person.email, row.outcome]), [
      ['managers', 'bob@example.org', 'now'], ['managers', 'erin@example.org', 'now'], ['owners', 'carol@example.org', 'now'],
    ].sort((a, b) => plan.findIndex((row) => row.person.email === a[1]) - plan.findIndex((row) => row.person.email === b[1])));
    const request = await draftWith(tree, 'import', {});
    const mine = (await operator.json(['admin', 'rules', 'test', '--status', 'submitted', '--request', request.id])).notices;
    assert.deepEqual(mine.map((row) => [row.person.email, row.template, row.outcome]), [['alice@example.org', 'status', 'digest'], ['carol@example.org', 'reminder', 'off']]);
    assert.match(await operator.ok(['admin', 'rules', 'test', '--status', 'approved']), /import +requestor .*mail\/status +yes +now/);
    assert.equal((await operator.run(['admin', 'rules', 'test', '--status', 'done'])).code, 65);
    assert.equal((await operator.run(['admin', 'rules', 'test'])).code, 64);
    assert.equal((await (await terminal('bob')).run(['admin', 'rules', 'test', '--status', 'approved'])).code, 77);
    assert.equal((await carol.call('POST', '/admin/rules/test', { status: 'approved' })).status, 403);
  });
  assert.equal((await admin.ok('GET', '/admin/events?endpoint=mail&state=dead')).deliveries.length, 0);
});

test('T68 the link of the final notice: only where the workspace allows it, and for the first address only', async (t) => {
  const smtp = await server(t);
  const tree = await startTree(t, { set: settings(smtp) });
  const operator = await terminalOf(tree, 'admin');
  await operator.ok(['admin', 'workspace', 'update', tree.first.id, '--notice-link', '300']);
  assert.notEqual((await operator.run(['admin', 'workspace', 'update', tree.first.id, '--notice-link', '901'])).code, 0);
  const request = await approved(tree, 'export', FILE);
  await sent(tree);
  const mails = of(smtp, request);
  const [final] = mails.filter((mail) => statusOf(mail) === 'approved');
  assert.ok(mails.every((mail) => mail === final || !/sig=/.test(mail.parsed.text)), 'in no other mail');
  const [link] = final.parsed.text.match(/http:\S+sig=\S+/);
  assert.ok(final.parsed.html.includes('until 20'));
  const from = (localAddress) => send('GET', listUrl(link), { agent: new http.Agent({ localAddress }) });
  assert.equal((await from('127.0.0.1')).status, 200);
  const second = await from('127.0.0.9');
  assert.equal(second.status, 403, second.text);
  assert.equal((await from('127.0.0.1')).status, 200, 'the first may go on');
  const { entries } = await tree.as('admin').ok('GET', `/admin/audit?request=${request.id}&limit=1000`);
  assert.ok(entries.some((entry) => entry.kind === 'refused' && entry.address === '127.0.0.9'), 'the second is on record');
  assert.ok(entries.some((entry) => entry.kind === 'link' && entry.detail.mailed));
  assert.ok(!JSON.stringify(entries).includes('sig='));
  assert.equal((await tree.as('bob').revoke(request)).status, 200);
  assert.equal((await from('127.0.0.1')).status, 403, 'it ends with the approval');
});
