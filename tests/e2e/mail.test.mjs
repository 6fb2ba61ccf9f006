// Mail to a real server: TLS and a log-in, refusals, a server that is away, texts that are hostile; an operator's templates.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeCa, program, run, serverCertificate, temporaryDir } from './harness.mjs';
import { headerCount, MailServer } from './lib/smtp.mjs';

const TLS_HOST = '127.0.0.2'; // no name of this machine that counts as loopback: as any other server it must speak TLS
const DATA = {
  request_id: '6f1b9c5e-2a4d-4f6b-8e0c-1d2e3f405162', title: 'Blutdruck in Köln', workspace: 'Cardiology', direction: 'export', status: 'rejected',
  status_text: 'rejected', actor: 'Bob Example', reason: 'Groups of fewer than ten, in <table 3> & "table 4".',
  what_next: 'Change the files and ask again.', portal_url: 'https://tre.example.org/workspaces/w/requests/r?a=1&b=2',
};
let number = 0;
const delivery = (address, data = {}, more = {}) =>
  ({ message: `notice.${++number}`, to: { address, name: 'Alice Example' }, template: 'status', data: { ...DATA, ...data }, ...more });

/** Sends with the program's own code; answers { outcome, detail } of each delivery, in their order. */
async function send(url, deliveries, { from = 'TRE Köln <airlock@example.org>', username = '', passwordFile = '', caFile = '', templates = '' } = {}) {
  const { code, stdout, stderr } = await run(program('tests/unit/notify/mail_probe'), [url, from, username, passwordFile, caFile, templates],
    { input: deliveries.map((one) => `${JSON.stringify(one)}\n`).join('') });
  assert.equal(code, 0, stderr);
  const results = stdout.trim().split('\n').map((line) => JSON.parse(line));
  return deliveries.map((one) => results.find((result) => result.message === one.message));
}

async function server(t, options) {
  const made = await new MailServer(options).start();
  t.after(() => made.stop());
  return made;
}

test('on loopback: one recipient, one header block, both parts', async (t) => {
  const smtp = await server(t);
  const [result] = await send(`smtp://127.0.0.1:${smtp.port}`, [delivery('alice@example.org')]);
  assert.deepEqual([result.outcome, result.detail], ['delivered', '']);
  const [mail] = smtp.mails;
  assert.deepEqual([mail.from, mail.to, mail.secure], ['airlock@example.org', ['alice@example.org'], false]);
  const { parsed } = mail;
  assert.equal(parsed.subject, 'Airlock export rejected: Blutdruck in Köln');
  assert.deepEqual(parsed.from.value, [{ address: 'airlock@example.org', name: 'TRE Köln' }]);
  assert.deepEqual(parsed.to.value, [{ address: 'alice@example.org', name: 'Alice Example' }]);
  assert.equal(parsed.headers.get('x-airlock-status'), 'rejected');
  assert.equal(parsed.headers.get('x-airlock-request'), DATA.request_id);
  assert.equal(parsed.headers.get('auto-submitted'), 'auto-generated');
  assert.match(parsed.messageId, /^<notice\.\d+@example\.org>$/);
  assert.ok(Math.abs(Date.now() - parsed.date) < 60_000);
  assert.match(parsed.text, /^Status: rejected$/m);
  assert.match(mail.raw, /\r\nStatus: rejected\r\n/, 'no encoding breaks the line');
  for (const text of [DATA.reason, DATA.portal_url, DATA.what_next]) assert.ok(parsed.text.replaceAll('\n', ' ').includes(text), text);
  assert.ok(parsed.html.includes('Groups of fewer than ten, in &lt;table 3&gt; &amp; &quot;table 4&quot;.'));
  assert.ok(parsed.html.includes('href="https://tre.example.org/workspaces/w/requests/r?a=1&amp;b=2"'));
  assert.ok(!/[^\x00-\x7F]/.test(mail.raw), 'seven bits');
  for (const header of ['From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'Content-Type']) assert.equal(headerCount(mail, header), 1, header);
});

test('TLS and a log-in', async (t) => {
  const dir = temporaryDir('mail');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const [ca, otherCa] = [await makeCa(path.join(dir, 'ca')), await makeCa(path.join(dir, 'other'))];
  const pair = await serverCertificate(ca, { names: ['mail.example.org'], ips: [TLS_HOST] });
  const tls = { key: fs.readFileSync(pair.keyFile), cert: fs.readFileSync(pair.certificateFile) };
  const passwordFile = path.join(dir, 'password');
  fs.writeFileSync(passwordFile, 'open sesame\n', { mode: 0o600 });
  const wrongFile = path.join(dir, 'wrong');
  fs.writeFileSync(wrongFile, 'open barley\n', { mode: 0o600 });
  const users = { airlock: 'open sesame' };
  const good = { username: 'airlock', passwordFile, caFile: ca.certificateFile };
  const starttls = await server(t, { host: TLS_HOST, users, ...tls });
  const url = `smtp://${TLS_HOST}:${starttls.port}`;

  await t.test('STARTTLS', async () => {
    const [result] = await send(url, [delivery('alice@example.org')], good);
    assert.equal(result.outcome, 'delivered', result.detail);
    assert.deepEqual([starttls.mails[0].secure, starttls.mails[0].user], [true, 'airlock']);
  });
  await t.test('TLS from the first byte', async (t) => {
    const smtps = await server(t, { host: TLS_HOST, users, secure: true, ...tls });
    const [result] = await send(`smtps://${TLS_HOST}:${smtps.port}`, [delivery('alice@example.org')], good);
    assert.equal(result.outcome, 'delivered', result.detail);
    assert.equal(smtps.mails[0].user, 'airlock');
  });
  await t.test('nothing goes to a server whose certificate is another\'s', async (t) => {
    const known = starttls.mails.length;
    const [unknown] = await send(url, [delivery('alice@example.org')], { ...good, caFile: otherCa.certificateFile });
    assert.equal(unknown.outcome, 'failed');
    assert.match(unknown.detail, /certificate/i);
    const elsewhere = await server(t, { host: '127.0.0.3', users, ...tls });
    const [misnamed] = await send(`smtp://127.0.0.3:${elsewhere.port}`, [delivery('alice@example.org')], good);
    assert.equal(misnamed.outcome, 'failed');
    assert.match(misnamed.detail, /127\.0\.0\.3|subject name/);
    assert.equal(starttls.mails.length + elsewhere.mails.length, known);
  });
  await t.test('nothing goes in plain to a server that does not offer TLS', async (t) => {
    const plain = await server(t, { host: TLS_HOST, disabledCommands: ['STARTTLS'], users, allowInsecureAuth: true });
    const [result] = await send(`smtp://${TLS_HOST}:${plain.port}`, [delivery('alice@example.org')], good);
    assert.equal(result.outcome, 'failed');
    assert.match(result.detail, /STARTTLS/);
    assert.equal(plain.mails.length, 0);
  });
  await t.test('a wrong password can be mended, so nothing is given up', async () => {
    const [result] = await send(url, [delivery('alice@example.org')], { ...good, passwordFile: wrongFile });
    assert.equal(result.outcome, 'failed');
    assert.match(result.detail, /mail\.username.*535/);
    assert.ok(!result.detail.includes('barley'));
  });
});

test('refused, later, away and back', async (t) => {
  const smtp = await server(t);
  const url = `smtp://127.0.0.1:${smtp.port}`;
  smtp.onRecipient = (address) => ({ 'gone@example.org': '550 5.1.1 no such user', 'full@example.org': '452 4.2.2 mailbox full' })[address] ?? '';
  const results = await send(url, ['gone', 'full', 'alice'].map((name) => delivery(`${name}@example.org`)));
  assert.deepEqual(results.map((result) => result.outcome), ['refused', 'failed', 'delivered']);
  assert.match(results[0].detail, /550 5\.1\.1 no such user/);
  assert.match(results[1].detail, /452 4\.2\.2 mailbox full/);

  const late = delivery('full@example.org');
  smtp.onContent = () => '451 4.3.0 try again';
  smtp.onRecipient = () => '';
  assert.equal((await send(url, [late]))[0].outcome, 'failed');
  smtp.onContent = () => '';
  await smtp.stop();
  assert.equal((await send(url, [late]))[0].outcome, 'failed');
  await smtp.start();
  assert.equal((await send(url, [late]))[0].outcome, 'delivered');
  const [first, second] = [smtp.mails.at(-1), (await send(url, [late]), smtp.mails.at(-1))];
  assert.notEqual(first, second);
  assert.equal(first.parsed.messageId, second.parsed.messageId, 'the same mail again is known by its id');
});

test('more mails than are under way at once', async (t) => {
  const smtp = await server(t);
  const people = Array.from({ length: 50 }, (_, i) => `person${i}@example.org`);
  const results = await send(`smtp://127.0.0.1:${smtp.port}`, people.map((address) => delivery(address)));
  assert.ok(results.every((result) => result.outcome === 'delivered'), JSON.stringify(results.find((result) => result.outcome !== 'delivered')));
  assert.deepEqual(smtp.mails.map((mail) => mail.to[0]).sort(), [...people].sort());
  assert.ok(smtp.mails.every((mail) => mail.to.length === 1));
});

test('T63 hostile names and titles stay in their place', async (t) => {
  const smtp = await server(t);
  const hostile = [
    'x\r\nBcc: mallory@example.org\r\n\r\nbody', 'x\nTo: mallory@example.org', 'x\rBcc: mallory@example.org', '"x" <mallory@example.org>',
    'mallory@example.org, x', 'x\u2028Bcc: mallory@example.org', 'x\u0085Bcc: mallory@example.org', '\u202Egnp.exe', '\n.\r\n', 'Status: approved',
    '=?UTF-8?B?DQpCY2M6IG1hbGxvcnlAZXhhbXBsZS5vcmc=?=', '<img src=https://mallory.example/x>', '"><script>alert(1)</script>', '{{reason}}', 'ö'.repeat(5000),
  ];
  const mails = hostile.map((text) => delivery('bob@example.org', { title: text, workspace: text, actor: text, reason: text }, { to: { address: 'bob@example.org', name: text } }));
  const results = await send(`smtp://127.0.0.1:${smtp.port}`, mails);
  assert.deepEqual(results.filter((result) => result.outcome !== 'delivered'), []);
  assert.equal(smtp.mails.length, hostile.length);
  for (const mail of smtp.mails) {
    assert.deepEqual(mail.to, ['bob@example.org']);
    assert.deepEqual(mail.parsed.to.value.map((one) => one.address), ['bob@example.org']);
    for (const header of ['From', 'To', 'Subject']) assert.equal(headerCount(mail, header), 1, mail.raw);
    for (const header of ['Cc', 'Bcc']) assert.equal(headerCount(mail, header), 0, mail.raw);
    assert.deepEqual(mail.parsed.text.match(/^Status: .*$/gm), ['Status: rejected']);
    assert.ok(!/<img|<script/i.test(mail.parsed.html), mail.parsed.html);
    assert.equal(mail.parsed.attachments.length, 0);
    assert.ok(mail.raw.split('\r\n').every((line) => line.length <= 998));
  }
  const addresses = ['bob@example.org\r\nRCPT TO:<mallory@example.org>', 'bob@example.org>,<mallory@example.org', 'bob@example.org mallory@example.org'];
  for (const result of await send(`smtp://127.0.0.1:${smtp.port}`, addresses.map((address) => delivery(address)))) assert.equal(result.outcome, 'refused');
  assert.equal(smtp.mails.length, hostile.length);
});

test('an operator\'s templates, and a broken one', async (t) => {
  const dir = temporaryDir('templates');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const smtp = await server(t);
  fs.writeFileSync(path.join(dir, 'status.subject'), 'Neues von {{title}}\n');
  fs.writeFileSync(path.join(dir, 'status.txt'), 'Guten Tag,\n\nStatus: {{status}}\n');
  const [result] = await send(`smtp://127.0.0.1:${smtp.port}`, [delivery('alice@example.org')], { templates: dir });
  assert.equal(result.outcome, 'delivered', result.detail);
  assert.equal(smtp.mails[0].parsed.subject, 'Neues von Blutdruck in Köln');
  assert.equal(smtp.mails[0].parsed.text.trimEnd(), 'Guten Tag,\n\nStatus: rejected');

  fs.writeFileSync(path.join(dir, 'status.txt'), 'Guten Tag,\n\nStatus: {{status}}\n{{#titel}}\n');
  const config = path.join(dir, '..', `${path.basename(dir)}.conf`);
  t.after(() => fs.rmSync(config, { force: true }));
  fs.writeFileSync(config, `mail.templates = ${dir}\n`);
  const checked = await run(program('airlockd'), ['--check', '--config', config]);
  assert.equal(checked.code, 78);
  const told = `mail.templates cannot be used: ${dir}/status.txt:4: there is no value "titel"`;
  assert.ok(checked.stdout.includes(`${config}:1: ${told}`), checked.stdout);
  const home = temporaryDir('mail-demo');
  t.after(() => fs.rmSync(home, { recursive: true, force: true }));
  const started = await run(program('airlockd'), ['--demo', home, '--set', `mail.templates=${dir}`]);
  assert.equal(started.code, 78);
  assert.ok(started.stderr.includes(told), started.stderr);
});
