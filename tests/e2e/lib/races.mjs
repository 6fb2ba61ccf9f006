// Many small races at once, and what must be true of the disk afterwards.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from './blob.mjs';
import { filesBelow } from './life.mjs';
import { until } from './tree.mjs';

const LANES = 8;
export const SPREAD_MS = 5;

/** Runs work(i) for i below count, some at a time. */
export async function inLanes(count, work, lanes = LANES) {
  const results = new Array(count);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** work, at a random moment of the next few milliseconds. */
export const soon = (work, spread = SPREAD_MS) => sleep(Math.random() * spread).then(work);

/** SHA-256 of every sealed object on disk, by request id; null when one vanished meanwhile (what a seal leaves over is swept). */
function bytesOnDisk(tree) {
  const found = new Map();
  try {
    for (const file of filesBelow(path.join(tree.dir, 'storage'))) {
      const match = /\/([0-9a-f-]{36})\.\d+\/[^/]+$/.exec(file.path);
      if (!match || file.path.includes('/delivery/')) continue;
      found.set(match[1], [...(found.get(match[1]) ?? []), sha256(fs.readFileSync(file.path))].sort());
    }
  } catch (error) {
    assert.equal(error.code, 'ENOENT');
    return null;
  }
  return found;
}

/** Waits until the disk holds, of each request, exactly the bytes with these digests ([] for none). */
export async function expectOnDisk(tree, wanted) {
  let wrong;
  await until('the disk to hold what the manifests say', () => {
    const disk = bytesOnDisk(tree);
    wrong = disk && wanted.filter(([id, digests]) => JSON.stringify(disk.get(id) ?? []) !== JSON.stringify(digests));
    return wrong?.length === 0;
  }, { timeout: 60_000, step: 500 }).catch((error) => assert.fail(`${error.message}: ${wrong?.length} are wrong, ${wrong?.[0]}`));
}
