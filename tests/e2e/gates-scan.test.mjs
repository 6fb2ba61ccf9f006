// The malware gate with a real clamd (lib/clamd.mjs) that has one signature, EICAR's, and with one that says what it is
// told (lib/scripted-clamd.mjs). Whatever becomes of the scanner, nothing that it did not call clean gets to a reviewer.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { Clamd, eicar } from './lib/clamd.mjs';
import { draftWith } from './lib/life.mjs';
import { quine } from './lib/quine.mjs';
import { encryptedRar } from './lib/rar.mjs';
import { runOk } from './lib/run.mjs';
import { times } from './lib/scale.mjs';
import { ScriptedClamd, versionOf } from './lib/scripted-clamd.mjs';
import { startTree, temporaryDir, until } from './lib/tree.mjs';

const MiB = 2 ** 20;
const SEVENZIP_METHODS = ['LZMA', 'LZMA2', 'PPMd', 'BZip2', 'Deflate', 'Copy'];
const SEEN_MS = 2000; // a reason must be visible so soon
const PATIENCE_MS = 60_000;
const MALWARE_ONLY = { 'scan.allow_undated': 'true', 'scan.retry_ms': 200, 'scan.retry_max_ms': 400 };

function scratchDir(t) {
  const dir = temporaryDir('clamd');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const submitted = async (tree, files) => {
  const request = await draftWith(tree, 'import', files);
  const answer = await tree.as('alice').submit(request);
  assert.equal(answer.status, 200, answer.text);
  return request;
};

/** Submits the files; answers the codes that the malware gate found once the request rests in the status. */
async function scanned(tree, files, status) {
  const request = await submitted(tree, files);
  await tree.as('alice').waitStatus(request, status, PATIENCE_MS);
  const { gateReport } = await tree.as('alice').ok('GET', tree.as('alice').at(request, '/gates'));
  const malware = gateReport.gates.find(({ gate }) => gate === 'malware');
  return { request, malware, codes: (malware.files ?? []).flatMap(({ findings }) => findings.map(({ code }) => code)) };
}

/** Waits for a statusMessage that fits, while the request stays submitted. */
function waiting(tree, request, pattern, timeout = PATIENCE_MS) {
  return until(`${pattern} in the statusMessage`, async () => {
    const now = await tree.as('alice').show(request);
    assert.equal(now.status, 'submitted', now.statusMessage);
    return pattern.test(now.statusMessage ?? '') && now;
  }, { timeout });
}

/** The bytes packed by programs that people use, by name. */
async function archives(dir) {
  const at = (name) => path.join(dir, name);
  fs.writeFileSync(at('sample.txt'), eicar());
  const made = {};
  const make = async (name, program, ...args) => {
    await runOk(program, args, { cwd: dir });
    made[name] = fs.readFileSync(at(name));
  };
  await make('sample.zip', 'zip', '-q', 'sample.zip', 'sample.txt');
  await make('sample.tar.gz', 'tar', '-czf', 'sample.tar.gz', 'sample.txt');
  await make('sample.tar', 'tar', '-cf', 'sample.tar', 'sample.txt');
  await make('sample.tar.xz', 'xz', '-k', 'sample.tar');
  await make('sample.tar.zst', 'zstd', '-q', 'sample.tar', '-o', 'sample.tar.zst');
  await make('sample.tar.lz4', 'lz4', '-q', 'sample.tar', 'sample.tar.lz4');
  for (const method of [...SEVENZIP_METHODS, 'Deflate64']) await make(`${method}.7z`, '7z', 'a', '-bd', `-m0=${method}`, `${method}.7z`, 'sample.txt');
  made['sample.gz'] = zlib.gzipSync(eicar());
  await make('secret.zip', 'zip', '-q', '-P', 'secret', 'secret.zip', 'sample.txt');
  await make('secret.7z', '7z', 'a', '-bd', '-psecret', '-mhe=on', 'secret.7z', 'sample.txt');
  return made;
}

/** Zip files one in another, from 1 to depth. */
async function nested(dir, depth) {
  const made = [];
  let inner = 'sample.txt';
  for (let at = 1; at <= depth; at++) {
    await runOk('zip', ['-q', `nested${at}.zip`, inner], { cwd: dir });
    inner = `nested${at}.zip`;
    made.push(fs.readFileSync(path.join(dir, inner)));
  }
  return made;
}

test('a real scanner', async (t) => {
  const dir = scratchDir(t);
  const clamd = await new Clamd({ dir, settings: { MaxFileSize: '64M' } }).start(t);
  const tree = await startTree(t, { set: { ...MALWARE_ONLY, 'scan.clamd_socket': clamd.socket, 'scan.max_bytes': 80 * MiB } });
  const packed = await archives(dir);

  await t.test('a clean file goes on, and the report names the engine', async () => {
    const { malware } = await scanned(tree, { 'table.csv': Buffer.from('ward,count\nA,20\n') }, 'in_review');
    assert.equal(malware.verdict, 'pass');
    assert.equal(malware.engine.name, 'clamav');
    assert.match(malware.engine.version, /^\d+\.\d+/);
  });

  await t.test('T35 EICAR is blocked, and its data moved', async () => {
    const { request, codes } = await scanned(tree, { 'a.txt': eicar() }, 'blocked_by_scan');
    assert.deepEqual(codes, ['malware']);
    assert.match((await tree.as('alice').show(request)).statusMessage, /malware/);
  });

  await t.test('T36 EICAR in archives is blocked', async () => {
    const names = Object.keys(packed).filter((name) => !/^secret|^Deflate64/.test(name));
    await Promise.all(names.map(async (name) => {
      const { codes } = await scanned(tree, { [name]: packed[name] }, 'blocked_by_scan');
      assert.ok(codes.includes('malware'), `${name}: ${codes}`);
    }));
  });

  await t.test('T36 what nobody here can unpack is blocked as not scanned', async () => {
    const { codes } = await scanned(tree, { 'a.7z': packed['Deflate64.7z'] }, 'blocked_by_scan');
    assert.deepEqual(codes, ['scan-limit']);
  });

  await t.test('T36 EICAR nested 1 to 20 deep never gets to a reviewer', async () => {
    await Promise.all((await nested(dir, 20)).map(async (bytes, i) => {
      const { codes } = await scanned(tree, { [`nested${i + 1}.zip`]: bytes }, 'blocked_by_scan');
      assert.ok(codes.includes(i < 16 ? 'malware' : 'scan-limit'), `${i + 1} deep: ${codes}`);
    }));
  });

  await t.test('T37 what is encrypted is blocked, and not called malware', async () => {
    for (const name of ['secret.zip', 'secret.7z']) {
      const { codes } = await scanned(tree, { [name]: packed[name] }, 'blocked_by_scan');
      assert.ok(codes.includes('scan-encrypted') && !codes.includes('malware'), `${name}: ${codes}`);
    }
  });

  await t.test('T37 an encrypted RAR, whose bytes libarchive would show as they are, is blocked', async () => {
    const { codes } = await scanned(tree, { 'secret.rar': encryptedRar() }, 'blocked_by_scan');
    assert.ok(codes.includes('scan-encrypted'), `${codes}`);
  });

  await t.test('T38 a file that unpacks to itself ends at a limit', async () => {
    const bytes = quine();
    assert.deepEqual(zlib.gunzipSync(bytes), bytes);
    const { codes } = await scanned(tree, { 'r.gz': bytes }, 'blocked_by_scan');
    assert.deepEqual([...new Set(codes)], ['scan-limit']); // ours, and the scanner's own
  });

  await t.test('T39 what is larger than the scanner reads is blocked as not scanned', async () => {
    for (const size of [65 * MiB, 81 * MiB]) { // beyond clamd's limit; beyond ours
      const { codes } = await scanned(tree, { 'large.bin': Buffer.concat([eicar(), Buffer.alloc(size)]) }, 'blocked_by_scan');
      assert.deepEqual(codes, ['scan-limit']);
    }
  });
});

test('T41 a scanner that is absent, killed, suspended and restarted', async (t) => {
  const clamd = await new Clamd({ dir: scratchDir(t) }).start(t);
  const tree = await startTree(t, { set: { ...MALWARE_ONLY, 'scan.clamd_socket': clamd.socket } });
  const alice = tree.as('alice');
  const large = crypto.randomBytes(24 * MiB);

  await t.test('absent: the request waits with the reason, and goes on when it comes', async () => {
    await clamd.kill();
    const request = await submitted(tree, { 'a.txt': Buffer.from('harmless') });
    const now = await waiting(tree, request, /malware scanner.*Connection refused/, SEEN_MS + 1000);
    assert.ok(now.statusMessage.includes(clamd.socket), now.statusMessage);
    await sleep(SEEN_MS); // it waits on, it does not slip through
    assert.equal((await alice.show(request)).status, 'submitted');
    await clamd.start();
    assert.equal((await alice.waitStatus(request, 'in_review', PATIENCE_MS)).statusMessage ?? null, null);
  });

  await t.test('suspended in the middle of a scan: visible within 2 s, and clean afterwards', async () => {
    const request = await submitted(tree, { 'large.bin': large });
    await until('the scan to begin', () => tree.processes().filter(({ name }) => name === 'airlock-gate').length > 1);
    clamd.suspend();
    const began = Date.now();
    await waiting(tree, request, /does not answer within 1 second/);
    assert.ok(Date.now() - began < SEEN_MS + 500, `it took ${Date.now() - began} ms`);
    clamd.resume();
    await alice.waitStatus(request, 'in_review', PATIENCE_MS);
  });

  await t.test('killed at points all along a scan: never in review', async () => {
    const bytes = Buffer.concat([large, eicar()]);
    const points = times(8, 20);
    for (let i = 0; i < points; i++) {
      const request = await submitted(tree, { 'large.bin': bytes });
      await sleep((i * 1000) / points);
      await clamd.kill();
      await sleep(50);
      const { status } = await alice.show(request);
      assert.ok(['submitted', 'blocking_in_progress', 'blocked_by_scan'].includes(status), status);
      await clamd.start();
      await alice.waitStatus(request, 'blocked_by_scan', PATIENCE_MS);
    }
  });
});

test('T41 given up after scan.give_up, and tried again by an operator', async (t) => {
  const clamd = new Clamd({ dir: scratchDir(t) });
  const tree = await startTree(t, { set: { ...MALWARE_ONLY, 'scan.clamd_socket': clamd.socket, 'scan.give_up': 2 } });
  const request = await submitted(tree, { 'a.txt': Buffer.from('harmless') });

  const failed = await tree.as('alice').waitStatus(request, 'failed', PATIENCE_MS);
  assert.match(failed.statusMessage, /could not be checked within the time allowed.*No such file/);
  await clamd.start(t);
  const { status, text } = await tree.as('admin').call('POST', `/admin/requests/${request.id}/retry`);
  assert.equal(status, 200, text);
  await tree.as('alice').waitStatus(request, 'in_review', PATIENCE_MS);
});

test('T36 T37 T39 a scanner whose settings let things through is not used', async (t) => {
  for (const [setting, remedy] of [['AlertExceedsMax', /AlertExceedsMax yes/], ['AlertEncrypted', /AlertEncrypted yes/]]) {
    const clamd = await new Clamd({ dir: scratchDir(t), settings: { [setting]: 'no' } }).start(t);
    const tree = await startTree(t, { set: { ...MALWARE_ONLY, 'scan.clamd_socket': clamd.socket } });
    const request = await submitted(tree, { 'a.txt': Buffer.from('harmless') });
    await waiting(tree, request, remedy);
    Object.assign(clamd.settings, { [setting]: 'yes' });
    await clamd.restart();
    await tree.as('alice').waitStatus(request, 'in_review', PATIENCE_MS);
  }
});

test('a scanner that does as it is told', async (t) => {
  const scripted = await new ScriptedClamd(path.join(scratchDir(t), 'socket')).start(t);
  const tree = await startTree(t, { set: { ...MALWARE_ONLY, 'scan.allow_undated': 'false', 'scan.clamd_socket': scripted.socket, 'scan.timeout': 2 } });
  const alice = tree.as('alice');

  await t.test('T45 base and date stand in the report', async () => {
    const { malware } = await scanned(tree, { 'a.txt': Buffer.from('a') }, 'in_review');
    assert.equal(malware.engine.base, '27500');
    assert.ok(Math.abs(Date.parse(malware.engine.baseDate) - Date.now()) < 3_600_000, malware.engine.baseDate);
  });

  for (const [what, version, reason] of [
    ['an old base', versionOf(8, 27000), /out of date: 8 days old/],
    ['a base without a date', 'ClamAV 1.4.6', /tells no date/],
  ])
    await t.test(`T42 ${what} calls nothing clean`, async () => {
      scripted.version = version;
      const request = await submitted(tree, { 'a.txt': Buffer.from('a') });
      await waiting(tree, request, reason);
      scripted.version = versionOf(0);
      await alice.waitStatus(request, 'in_review', PATIENCE_MS);
    });

  for (const [what, verdict] of [
    ['an error', 'Cannot allocate memory ERROR'],
    ['an empty answer', ''],
    ['something like OK', 'ok'],
    ['OK with more behind it', { raw: '#: fd[9]: OK\0OK\0' }],
    ['half of OK', { raw: '#: fd[9]: O', end: true }],
    ['OK without its end', { raw: '#: fd[9]: OK', end: true }],
    ['nothing and a close', { raw: '', end: true }],
    ['the answer to another question', { raw: '77: fd[9]: OK\0' }],
    ['the answer without a number', { raw: 'fd[9]: OK\0' }],
    ['bytes without end', { raw: 'A'.repeat(100_000) }],
  ])
    await t.test(`T41 ${what} is not clean`, async () => {
      scripted.verdict = verdict;
      const request = await submitted(tree, { 'a.txt': Buffer.from('a') });
      await waiting(tree, request, /The malware scanner/);
      scripted.verdict = 'OK';
      await alice.waitStatus(request, 'in_review', PATIENCE_MS);
    });

  await t.test('T41 a slow scan is ended by scan.timeout, and tried again', async () => {
    scripted.verdict = null;
    const request = await submitted(tree, { 'a.txt': Buffer.from('a') });
    await waiting(tree, request, /did not come to an end/);
    scripted.verdict = 'OK';
    await alice.waitStatus(request, 'in_review', PATIENCE_MS);
  });

  await t.test('T41 one that takes connections and says nothing is visible within 2 s', async () => {
    scripted.isSilent = true;
    const request = await submitted(tree, { 'a.txt': Buffer.from('a') });
    await waiting(tree, request, /does not answer/, SEEN_MS + 1000);
    scripted.isSilent = false;
    await alice.waitStatus(request, 'in_review', PATIENCE_MS);
  });
});
