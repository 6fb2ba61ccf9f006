// What airlock-gate adds to a scan, and that a second clamd costs nothing. All scanners are real, without the cache of clean
// files, so that every round scans.
import path from 'node:path';
import { Clamd } from '../e2e/lib/clamd.mjs';
import { runOk } from '../e2e/lib/run.mjs';
import { BUILD } from '../e2e/lib/tree.mjs';
import { MiB } from './measure.mjs';
import { medians } from './report.mjs';
import { removeSource, writeSource } from './transfers.mjs';

const SETTINGS = { DisableCache: 'yes', MaxFileSize: '2000M', MaxScanSize: '4000M' };

async function gate(clamds, files) {
  const { stdout } = await runOk(path.join(BUILD, 'tests/bench/scan'), [clamds.map(({ socket }) => socket).join(' '), ...files], { timeout: 900_000 });
  return JSON.parse(stdout).seconds;
}

async function clamdscan(clamd, file) {
  const began = performance.now();
  await runOk('clamdscan', ['--fdpass', '--no-summary', `--config-file=${clamd.configFile}`, file], { timeout: 900_000 });
  return (performance.now() - began) / 1000;
}

export async function benchScan(report, scratch, size, rounds) {
  const clamds = [];
  for (const name of ['clamd-1', 'clamd-2']) clamds.push(new Clamd({ dir: path.join(scratch, name), settings: SETTINGS }));
  try {
    for (const clamd of clamds) await clamd.start();
    const source = writeSource(scratch, size);
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const alone = await clamdscan(clamds[0], source.file);
      const child = await gate(clamds.slice(0, 1), [source.file]);
      const two = await gate(clamds.slice(0, 1), [source.file, source.file]);
      const shared = await gate(clamds, [source.file, source.file]);
      times.push({ 'clamdscan s': alone, 'gate s': child, 'two files, one clamd s': two, 'two clamds s': shared });
    }
    removeSource(source);
    const found = medians(times);
    report.add(`malware scan of ${size / MiB} MiB`, 'airlock', found);
    report.goal('malware scan, airlock-gate / clamdscan --fdpass', found['gate s'] / found['clamdscan s'], { atMost: 1.1 });
    report.goal('two files at once, one clamd / two', found['two files, one clamd s'] / found['two clamds s'], { atLeast: 0.9 });
  } finally {
    for (const clamd of clamds) await clamd.stop();
  }
}
