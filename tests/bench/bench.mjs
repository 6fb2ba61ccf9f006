// `make bench`: how fast airlock answers and moves bytes on this machine, beside nginx and Azurite in the same run, and what
// its processes keep in memory. Candidates take turns within each round, and medians are compared, because a machine has
// slow and fast minutes. --quick: fewer and smaller. The table goes to standard output, everything to build/bench.json.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { approved, draftWith } from '../e2e/lib/life.mjs';
import { blobUrl } from '../e2e/lib/blob.mjs';
import { memoryOf, treeProcesses } from '../e2e/lib/memory.mjs';
import { BUILD, freePortBase, temporaryDir, Tree } from '../e2e/lib/tree.mjs';
import { curl, GiB, median, MiB, percentile, timed, wrk } from './measure.mjs';
import { startAzurite, startNginx } from './peers.mjs';

const QUICK = process.argv.includes('--quick');
const ROUNDS = QUICK ? 1 : 3;
const SIZE = QUICK ? 128 * MiB : GiB;
const WRK_SECONDS = QUICK ? 2 : 6;
const CONNECTIONS = [1, 64];
const LIVES = QUICK ? 50 : 400;
const LANES = [1, 16];

const rows = [];
const say = (text) => process.stdout.write(`${text}\n`);
const rate = (bytes, seconds) => bytes / seconds / MiB;

function add(what, who, values) {
  rows.push({ what, who, ...values });
  say(`${what.padEnd(44)} ${who.padEnd(9)} ${Object.entries(values).map(([k, v]) => `${k} ${typeof v === 'number' ? v.toPrecision(4) : v}`).join('  ')}`);
}

/** Medians of a list of measurements, key by key. */
function medians(list) {
  return Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((one) => one[key]))]));
}

async function benchReads(tree, nginx) {
  const alice = tree.as('alice');
  const request = await approved(tree, 'export', { 'a.csv': 'a,b\n' });
  const url = `${tree.ready.api}/api${alice.at(request)}`;
  const headers = { Authorization: `Bearer ${await alice.token(tree.first.scope)}` };
  for (const connections of CONNECTIONS) {
    const results = { airlock: [], nginx: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [who, pid, target] of [['airlock', tree.pid, url], ['nginx', nginx.pid, `${nginx.url}/constant`]]) {
        const { value, cpu, seconds } = await timed(pid, () => wrk(target, { connections, seconds: WRK_SECONDS, headers }));
        results[who].push({ ...value, 'CPU µs/request': (cpu * 1e6) / (value.rps * seconds) });
      }
    }
    for (const [who, list] of Object.entries(results)) {
      const m = medians(list);
      add(`GET a request, ${connections} connections${who === 'nginx' ? ' (a constant)' : ''}`, who,
        { 'requests/s': m.rps, 'p50 ms': m.p50, 'p99 ms': m.p99, 'CPU µs/request': m['CPU µs/request'] });
    }
  }
}

async function benchLives(tree) {
  for (const lanes of LANES) {
    const times = [];
    let next = 0;
    const count = lanes === 1 ? LIVES / 4 : LIVES;
    const lane = async () => {
      while (next++ < count) {
        const began = performance.now();
        await approved(tree, 'export', { 'a.csv': 'some,bytes\n' });
        times.push(performance.now() - began);
      }
    };
    const { seconds, cpu } = await timed(tree.pid, () => Promise.all(Array.from({ length: lanes }, lane)));
    add(`whole life, draft to approved, ${lanes} at a time`, 'airlock', {
      'lives/s': times.length / seconds, 'p50 ms': percentile(times, 0.5), 'p99 ms': percentile(times, 0.99), 'CPU ms/life': (cpu * 1000) / times.length,
    });
  }
}

/** Who takes part in the transfers: where to put, where to get, and how to clean up. */
function contestants(tree, nginx, azurite) {
  return [
    {
      name: 'airlock', pid: tree.pid,
      async begin() {
        this.request = await draftWith(tree, 'export', {});
        this.url = blobUrl(this.request.link, 'big.bin');
      },
      end() {
        return tree.as('alice').cancel(this.request);
      },
    },
    {
      name: 'nginx', pid: nginx.pid,
      begin() {
        this.url = `${nginx.url}/files/big.bin`;
      },
      end() {
        return curl(['-X', 'DELETE', this.url], [204]);
      },
    },
    {
      name: 'Azurite', pid: azurite.pid,
      begin() {
        this.url = blobUrl(azurite.link, 'big.bin');
      },
      end() {
        return curl(['-X', 'DELETE', this.url], [202]);
      },
    },
  ];
}

function writeSource(file) {
  const handle = fs.openSync(file, 'w');
  for (let left = SIZE; left > 0; left -= 32 * MiB) fs.writeSync(handle, randomBytes(32 * MiB));
  fs.closeSync(handle);
}

async function benchTransfers(tree, nginx, azurite, scratch) {
  const source = path.join(scratch, 'source.bin');
  writeSource(source);
  const parties = contestants(tree, nginx, azurite);
  const results = new Map(parties.map((party) => [party.name, { up: [], down: [] }]));
  for (let round = 0; round < ROUNDS; round++) {
    // Who comes first meets the coldest memory: everyone does in turn.
    for (const party of [...parties.slice(round % parties.length), ...parties.slice(0, round % parties.length)]) {
      const { name, pid } = party;
      await party.begin();
      const up = await timed(pid, () => curl(['-T', source, '-H', 'x-ms-blob-type: BlockBlob', '-H', 'Expect:', party.url], [201, 204]));
      const down = await timed(pid, () => curl([party.url], [200]));
      await party.end();
      for (const [way, { seconds, cpu }] of Object.entries({ up, down })) {
        results.get(name)[way].push({ 'MiB/s': rate(SIZE, seconds), 'CPU s/GiB': (cpu * GiB) / SIZE });
      }
    }
  }
  for (const way of ['up', 'down']) {
    const base = median(results.get('airlock')[way].map((one) => one['MiB/s']));
    for (const [name, list] of results) {
      const m = medians(list[way]);
      const ratio = name === 'airlock' ? {} : { 'airlock is': `${(base / m['MiB/s']).toFixed(2)}x` };
      add(`${way === 'up' ? 'upload' : 'download'} ${SIZE / MiB} MiB by curl`, name, { ...m, ...ratio });
    }
  }
  fs.rmSync(source);
}

function benchMemory(tree, when) {
  for (const { pid, name } of treeProcesses(tree)) {
    const { rss, anonymous, peak } = memoryOf(pid);
    add(`memory ${when}, ${name}`, 'airlock', { 'RSS MiB': rss / MiB, 'anonymous MiB': anonymous / MiB, 'peak MiB': peak / MiB });
  }
}

async function main() {
  const scratch = temporaryDir('bench');
  fs.chmodSync(scratch, 0o755);
  const tree = new Tree({ dir: path.join(scratch, 'demo'), base: await freePortBase() });
  const running = [tree];
  try {
    await tree.start();
    say(`${os.cpus().length} cores (${os.cpus()[0].model.trim()}), kernel ${os.release()}, medians of ${ROUNDS}\n`);
    benchMemory(tree, 'at rest');
    const request = await draftWith(tree, 'export', {});
    const nginx = await startNginx(scratch, JSON.stringify(await tree.as('alice').show(request)));
    running.push(nginx);
    const azurite = await startAzurite(scratch);
    running.push(azurite);
    await benchReads(tree, nginx);
    await benchLives(tree);
    await benchTransfers(tree, nginx, azurite, scratch);
    benchMemory(tree, 'afterwards');
    fs.writeFileSync(path.join(BUILD, 'bench.json'), `${JSON.stringify({
      when: new Date().toISOString(), cores: os.cpus().length, cpu: os.cpus()[0].model.trim(), kernel: os.release(), rounds: ROUNDS, rows,
    }, null, 2)}\n`);
  } finally {
    for (const server of running.reverse()) await server.stop();
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
