// Many small files by AzCopy, beside Azurite.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { azcopyOk } from '../e2e/lib/run.mjs';
import { draftWith } from '../e2e/lib/life.mjs';
import { timed } from './measure.mjs';

const BYTES = 4096;
const PER_DIRECTORY = 500;

export function writeMany(dir, count) {
  const root = path.join(dir, 'many');
  for (let n = 0; n < count; n++) {
    const at = path.join(root, `d${Math.floor(n / PER_DIRECTORY)}`);
    if (n % PER_DIRECTORY === 0) fs.mkdirSync(at, { recursive: true });
    fs.writeFileSync(path.join(at, `f${n}.bin`), randomBytes(BYTES));
  }
  return root;
}

async function upload(scratch, root, link, pid) {
  const args = ['copy', `${root}/*`, link, '--from-to=LocalBlob', '--recursive', '--log-level=ERROR'];
  return timed(pid, () => azcopyOk(scratch, args, { timeout: 900_000 }));
}

export async function benchMany(report, tree, azurite, scratch, count) {
  const root = writeMany(scratch, count);
  const request = await draftWith(tree, 'export', {});
  const rates = {};
  for (const [who, link, pid] of [['airlock', request.link, tree.pid], ['Azurite', azurite.link, azurite.pid]]) {
    const { seconds, cpu } = await upload(scratch, root, link, pid);
    rates[who] = count / seconds;
    report.add(`${count} files of 4 KiB by AzCopy`, who, { 'files/s': rates[who], 's': seconds, 'CPU ms/file': (cpu * 1000) / count });
  }
  report.goal(`${count} files of 4 KiB by AzCopy / Azurite`, rates.airlock / rates.Azurite, { atLeast: 3 });
  await tree.as('alice').cancel(request);
  fs.rmSync(root, { recursive: true });
}
