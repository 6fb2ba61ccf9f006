// Measuring: processor time of processes, percentiles, medians, wrk and curl.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { run } from '../e2e/lib/run.mjs';
import { descendants } from '../e2e/lib/tree.mjs';

const TICKS_PER_SECOND = 100;
export const MiB = 1024 * 1024;
export const GiB = 1024 * MiB;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Processor seconds that a process and all below it have used. */
export function cpuSeconds(pid) {
  let ticks = 0;
  for (const one of [pid, ...descendants(pid).map((p) => p.pid)]) {
    const stat = fs.readFileSync(`/proc/${one}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Runs work and answers its seconds, and the processor seconds of pid meanwhile. */
export async function timed(pid, work) {
  const cpu = cpuSeconds(pid);
  const began = process.hrtime.bigint();
  const value = await work();
  return { value, seconds: Number(process.hrtime.bigint() - began) / 1e9, cpu: cpuSeconds(pid) - cpu };
}

const UNIT_MS = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
const milliseconds = (text) => {
  const [, number, unit] = /([\d.]+)(us|ms|s|m)/.exec(text);
  return Number(number) * UNIT_MS[unit];
};

/** wrk: requests a second and latency; no answer but 2xx is taken. */
export async function wrk(url, { connections, seconds, headers = {} }) {
  const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency'];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const { code, stdout, stderr } = await run('wrk', [...args, url]);
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes('Non-2xx'), stdout);
  return {
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p50: milliseconds(/^\s+50%\s+(\S+)/m.exec(stdout)[1]),
    p99: milliseconds(/^\s+99%\s+(\S+)/m.exec(stdout)[1]),
  };
}

/** One transfer by curl; answers its status. */
export async function curl(args, expected) {
  const { code, stdout, stderr } = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args]);
  assert.equal(code, 0, stderr);
  assert.ok(expected.includes(Number(stdout)), `curl got ${stdout}`);
}

const quoted = (text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Uploads { url, file } and downloads { url }, so many at a time over as many kept connections, with one curl; links stay off its command line. */
export async function curlMany(transfers, atATime, expected, extra = []) {
  const config = transfers.map(({ url, file }) => `url = ${quoted(url)}\noutput = /dev/null\n${file ? `upload-file = ${quoted(file)}\n` : ''}`).join('');
  const args = ['-sS', '-Z', '--parallel-immediate', '--parallel-max', String(atATime), '-H', 'Expect:', '-w', '%{http_code}\n', ...extra, '-K', '-'];
  const { code, stdout, stderr } = await run('curl', args, { input: config });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n').filter((status) => Number(status) !== expected), [], stdout);
}
