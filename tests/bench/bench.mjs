// `make bench`: how fast airlock answers and moves bytes on this machine, beside nginx, Azurite and sha256sum in the same
// run, and what its processes keep in memory. Candidates take turns within each round, and medians are compared, because a
// machine has slow and fast minutes. At the end stands, goal by goal, what was reached and what was missed.
// --quick: fewer and smaller. The table goes to standard output, everything to build/bench.json.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { draftWith } from '../e2e/lib/life.mjs';
import { memoryOf, treeProcesses } from '../e2e/lib/memory.mjs';
import { runOk } from '../e2e/lib/run.mjs';
import { trust } from '../e2e/lib/http.mjs';
import { makeCa, serverCertificate, tlsSettings } from '../e2e/lib/tls.mjs';
import { BUILD, freePortBase, temporaryDir, Tree, UNLIMITED } from '../e2e/lib/tree.mjs';
import { benchLives, benchReads } from './control.mjs';
import { benchCrowd } from './crowd.mjs';
import { benchEvents } from './events.mjs';
import { benchGates } from './gates.mjs';
import { benchMany } from './many.mjs';
import { GiB, MiB } from './measure.mjs';
import { startAzurite, startNginx } from './peers.mjs';
import { Report } from './report.mjs';
import { benchScan } from './scan.mjs';
import { benchSealing } from './sealing.mjs';
import { Airlock, Azurite, benchTransfers, Nginx, removeSource, tlsGoals, transferGoals, writeSource } from './transfers.mjs';

const QUICK = process.argv.includes('--quick');
const ONLY = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const ROUNDS = QUICK ? 1 : 3;
const SIZE = QUICK ? 128 * MiB : GiB;
const WRK_SECONDS = QUICK ? 2 : 6;
const LIVES = QUICK ? 50 : 400;
const MANY = QUICK ? 1000 : 10_000;
const EVENTS = QUICK ? 2000 : 100_000;
const BLOB_MEMORY = 64 * MiB;

function benchMemory(report, tree, when) {
  let most = 0;
  for (const { pid, name } of treeProcesses(tree)) {
    const { rss, anonymous, peak } = memoryOf(pid);
    if (name.startsWith('airlock-blob')) most = Math.max(most, peak);
    report.add(`memory ${when}, ${name}`, 'airlock', { 'RSS MiB': rss / MiB, 'anonymous MiB': anonymous / MiB, 'peak MiB': peak / MiB });
  }
  report.goal(`most memory of a blob process, ${when}`, most / MiB, { atMost: BLOB_MEMORY / MiB, unit: 'MiB' });
}

class Bench {
  running = [];
  constructor() {
    this.scratch = temporaryDir('bench');
    this.report = new Report();
    fs.chmodSync(this.scratch, 0o755);
  }

  async tree(name, set = {}) {
    const tree = new Tree({ dir: path.join(this.scratch, name), base: await freePortBase(), set: { ...UNLIMITED, 'policy.max_files': 10_000, ...set } });
    this.running.push(tree);
    return tree.start();
  }
  async peer(starting) {
    const server = await starting;
    this.running.push(server);
    return server;
  }

  /** Reading, living, transfers over HTTP, sealing, many small files. */
  async plain() {
    const { report, scratch } = this;
    const tree = await this.tree('plain');
    benchMemory(report, tree, 'at rest');
    const request = await draftWith(tree, 'export', {});
    const nginx = await this.peer(startNginx(scratch, JSON.stringify(await tree.as('alice').show(request))));
    const azurite = await this.peer(startAzurite(scratch));
    const source = writeSource(scratch, SIZE);
    await benchReads(report, tree, nginx, { rounds: ROUNDS, seconds: WRK_SECONDS });
    await benchLives(report, tree, LIVES);
    transferGoals(report, await benchTransfers(report, [new Airlock(tree), new Nginx(nginx), new Azurite(azurite)], source, ROUNDS, 'HTTP'));
    await benchCrowd(report, tree, source, 'HTTP');
    await benchSealing(report, tree, source, ROUNDS);
    await benchMany(report, tree, azurite, scratch, MANY);
    benchMemory(report, tree, 'after all that');
    removeSource(source);
  }

  async tls() {
    const { report, scratch } = this;
    const ca = await makeCa(path.join(scratch, 'ca'));
    const certificate = await serverCertificate(ca);
    trust(ca.pem);
    const tree = await this.tree('tls', tlsSettings(certificate));
    const nginx = await this.peer(startNginx(scratch, '{}', certificate));
    const trusting = ['--cacert', ca.certificateFile];
    const source = writeSource(scratch, SIZE);
    tlsGoals(report, await benchTransfers(report, [new Airlock(tree, trusting), new Nginx(nginx, trusting)], source, ROUNDS, 'TLS'));
    await benchCrowd(report, tree, source, 'TLS', trusting);
    benchMemory(report, tree, 'after TLS');
    removeSource(source);
  }

  /** Receiving, hashing and writing durably, against receiving and hashing alone. */
  async ingest() {
    const { stdout } = await runOk(path.join(BUILD, 'tests/bench/ingest'), [this.scratch, String(SIZE), String(ROUNDS)], { timeout: 600_000 });
    for (const { connections, hashed, hashedCpu, durable, durableCpu, durableByThreads } of JSON.parse(stdout)) {
      const over = `${connections} connection${connections > 1 ? 's' : ''}`;
      this.report.add(`receive and hash, ${over}`, 'airlock', { 'MiB/s': hashed, 'CPU s/GiB': hashedCpu });
      this.report.add(`receive, hash, write durably, ${over}`, 'airlock',
        { 'MiB/s': durable, 'CPU s/GiB': durableCpu, 'without io_uring MiB/s': durableByThreads });
      this.report.goal(`receive + SHA-256 + durable / receive + SHA-256, ${over}`, durable / hashed, { atLeast: 0.8 });
    }
  }

  /** Text, read by the gates disclosure and identifiers. */
  async gates() {
    await benchGates(this.report, this.scratch, SIZE, ROUNDS);
  }

  /** The malware check, beside clamdscan and with a second clamd. */
  async scan() {
    await benchScan(this.report, this.scratch, SIZE, ROUNDS);
  }

  /** Webhooks, one of which is dead. */
  async events() {
    await benchEvents(this.report, (name, set) => this.tree(name, set), this.scratch, EVENTS);
  }

  async stop() {
    for (const server of this.running.splice(0).reverse()) await server.stop();
  }
}

async function main() {
  const bench = new Bench();
  const { report } = bench;
  report.line(`${os.cpus().length} cores (${os.cpus()[0].model.trim()}), kernel ${os.release()}, medians of ${ROUNDS}\n`);
  try {
    for (const part of ['plain', 'tls', 'ingest', 'gates', 'scan', 'events']) {
      if (ONLY.length > 0 && !ONLY.includes(part)) continue;
      await bench[part]();
      await bench.stop();
    }
    report.summary();
    fs.writeFileSync(path.join(BUILD, 'bench.json'), `${JSON.stringify({
      when: new Date().toISOString(), cores: os.cpus().length, cpu: os.cpus()[0].model.trim(), kernel: os.release(), rounds: ROUNDS,
      rows: report.rows, goals: report.goals,
    }, null, 2)}\n`);
  } finally {
    await bench.stop();
    fs.rmSync(bench.scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
