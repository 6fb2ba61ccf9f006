// One big file up and down, in one piece and in blocks, over HTTP and TLS, beside nginx and Azurite. Who goes first meets
// the coldest memory, so everyone does in turn; ratios are of medians of the same rounds.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { blobUrl, blockId, putBlockList } from '../e2e/lib/blob.mjs';
import { draftWith, filesBelow } from '../e2e/lib/life.mjs';
import { runOk } from '../e2e/lib/run.mjs';
import { curl, curlMany, GiB, median, MiB, timed } from './measure.mjs';
import { medians } from './report.mjs';

const BLOCK = 8 * MiB;
const LANES = 4;

/** The file to be sent, whole and cut into blocks. */
export function writeSource(dir, size) {
  const source = { size, file: path.join(dir, 'source.bin'), blocks: [] };
  const whole = fs.openSync(source.file, 'w');
  for (let at = 0; at < size; at += BLOCK) {
    const bytes = randomBytes(Math.min(BLOCK, size - at));
    const block = path.join(dir, `source.${source.blocks.length}`);
    fs.writeSync(whole, bytes);
    fs.writeFileSync(block, bytes);
    source.blocks.push(block);
  }
  fs.closeSync(whole);
  return source;
}

export function removeSource(source) {
  for (const file of [source.file, ...source.blocks]) fs.rmSync(file);
}

/** Blocks of a new blob by LANES connections of one curl, then the list. Answers the milliseconds of the list alone. */
async function sendBlocks(url, source, extra) {
  const [link, name] = [url.replace('/big.bin?', '?'), 'blocks.bin'];
  const query = (n) => blobUrl(link, name, `comp=block&blockid=${encodeURIComponent(blockId(n))}`);
  await curlMany(source.blocks.map((file, n) => ({ url: query(n), file })), LANES, 201, extra);
  const began = performance.now();
  const answer = await putBlockList(link, name, source.blocks.map((_, n) => blockId(n)));
  if (answer.status !== 201) throw new Error(`the block list was answered ${answer.status}: ${answer.text}`);
  return performance.now() - began;
}

export class Airlock {
  name = 'airlock';
  constructor(tree, extra = []) {
    Object.assign(this, { tree, pid: tree.pid, dir: tree.dir, extra, hasBlocks: true });
  }
  async begin() {
    this.request = await draftWith(this.tree, 'export', {});
    this.url = blobUrl(this.request.link, 'big.bin');
  }
  end() {
    return this.tree.as('alice').cancel(this.request);
  }
}

export class Nginx {
  name = 'nginx';
  hasBlocks = false;
  constructor(server, extra = []) {
    Object.assign(this, { pid: server.pid, dir: server.dir, extra, url: `${server.url}/files/big.bin` });
  }
  begin() {}
  end() {
    return curl(['-X', 'DELETE', ...this.extra, this.url], [204]);
  }
}

export class Azurite {
  name = 'Azurite';
  hasBlocks = true;
  extra = [];
  constructor(server) {
    Object.assign(this, { pid: server.pid, dir: server.dir, url: blobUrl(server.link, 'big.bin') });
  }
  begin() {}
  end() {
    return curl(['-X', 'DELETE', this.url], [202]);
  }
}

/** Takes the party's big files out of memory, so that the disk must be read. */
async function forgetFiles(party) {
  await runOk('sync', []);
  for (const { path: file, size } of filesBelow(party.dir)) {
    if (size >= BLOCK) await runOk('dd', [`if=${file}`, 'iflag=nocache', 'count=0']);
  }
}

/** One party's turn: up in one piece, down at once, down from the disk, up in blocks. The disk owes nobody anything when it
 * begins. Answers seconds and processor seconds of each. */
async function turn(party, source) {
  const { pid, extra } = party;
  const put = ['-T', source.file, '-H', 'x-ms-blob-type: BlockBlob', '-H', 'Expect:', ...extra];
  await runOk('sync', []);
  await party.begin();
  const up = await timed(pid, () => curl([...put, party.url], [201, 204]));
  const down = await timed(pid, () => curl([...extra, party.url], [200]));
  await forgetFiles(party);
  const cold = await timed(pid, () => curl([...extra, party.url], [200]));
  const blocks = party.hasBlocks ? await timed(pid, () => sendBlocks(party.url, source, extra)) : null;
  await party.end();
  return { up, down, cold, blocks };
}

// airlock never has a file in memory that was just uploaded, nginx and Azurite have.
const WAYS = { up: 'upload in one piece', down: 'download after upload', cold: 'download from disk', blocks: 'upload in 8 MiB blocks' };

/** Takes turns and reports. Answers the median MiB/s by way and party, and the block list's milliseconds of airlock. */
export async function benchTransfers(report, parties, source, rounds, over) {
  const results = new Map(parties.map((party) => [party.name, { up: [], down: [], cold: [], blocks: [] }]));
  const lists = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % parties.length;
    for (const party of [...parties.slice(first), ...parties.slice(0, first)]) {
      const taken = await turn(party, source);
      if (party.name === 'airlock') lists.push(taken.blocks.value);
      for (const way of Object.keys(WAYS)) {
        if (!taken[way]) continue;
        const { seconds, cpu } = taken[way];
        results.get(party.name)[way].push({ 'MiB/s': source.size / seconds / MiB, 'CPU s/GiB': (cpu * GiB) / source.size });
      }
    }
  }
  const rates = { list: median(lists) };
  for (const [way, words] of Object.entries(WAYS)) {
    rates[way] = {};
    for (const [name, list] of results) {
      if (list[way].length === 0) continue;
      const values = medians(list[way]);
      rates[way][name] = values['MiB/s'];
      report.add(`${words}, ${source.size / MiB} MiB over ${over}`, name, values);
    }
  }
  return rates;
}

/** The goals of plain HTTP. */
export function transferGoals(report, rates) {
  for (const way of ['up', 'blocks']) {
    report.goal(`${WAYS[way]} / nginx WebDAV PUT`, rates[way].airlock / rates.up.nginx, { atLeast: 0.9 });
    report.goal(`${WAYS[way]} / Azurite`, rates[way].airlock / rates[way].Azurite, { atLeast: 2 });
  }
  for (const way of ['down', 'cold']) {
    report.goal(`${WAYS[way]} / nginx`, rates[way].airlock / rates[way].nginx, { atLeast: 0.95 });
    report.goal(`${WAYS[way]} / Azurite`, rates[way].airlock / rates[way].Azurite, { atLeast: 2 });
  }
  report.goal('Put Block List of 8 MiB blocks', rates.list, { atMost: 5, unit: 'ms' });
}

export function tlsGoals(report, rates) {
  report.goal('upload over TLS / nginx over TLS', rates.up.airlock / rates.up.nginx, { atLeast: 0.9 });
  for (const way of ['down', 'cold']) report.goal(`${WAYS[way]} over TLS / nginx over TLS`, rates[way].airlock / rates[way].nginx, { atLeast: 0.9 });
}
