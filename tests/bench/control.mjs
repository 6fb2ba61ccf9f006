// The control plane: reading a request beside nginx's constant answer, and whole lives of requests.
import { approved } from '../e2e/lib/life.mjs';
import { median, percentile, timed, wrk } from './measure.mjs';
import { medians } from './report.mjs';

const CONNECTIONS = [1, 64];
const LANES = [1, 16];

export async function benchReads(report, tree, nginx, { rounds, seconds: each }) {
  const alice = tree.as('alice');
  const request = await approved(tree, 'export', { 'a.csv': 'a,b\n' });
  const url = `${tree.ready.api}/api${alice.at(request)}`;
  const headers = { Authorization: `Bearer ${await alice.token(tree.first.scope)}` };
  for (const connections of CONNECTIONS) {
    const results = { airlock: [], nginx: [] };
    for (let round = 0; round < rounds; round++) {
      for (const [who, pid, target] of [['airlock', tree.pid, url], ['nginx', nginx.pid, `${nginx.url}/constant`]]) {
        const { value, cpu, seconds } = await timed(pid, () => wrk(target, { connections, seconds: each, headers }));
        results[who].push({ ...value, 'CPU µs/request': (cpu * 1e6) / (value.rps * seconds) });
      }
    }
    for (const [who, list] of Object.entries(results)) {
      const m = medians(list);
      report.add(`GET a request, ${connections} connections${who === 'nginx' ? ' (a constant)' : ''}`, who,
        { 'requests/s': m.rps, 'p50 ms': m.p50, 'p99 ms': m.p99, 'CPU µs/request': m['CPU µs/request'] });
    }
  }
}

export async function benchLives(report, tree, lives) {
  for (const lanes of LANES) {
    const times = [];
    let next = 0;
    const count = lanes === 1 ? lives / 4 : lives;
    const lane = async () => {
      while (next++ < count) {
        const began = performance.now();
        await approved(tree, 'export', { 'a.csv': 'some,bytes\n' });
        times.push(performance.now() - began);
      }
    };
    const { seconds, cpu } = await timed(tree.pid, () => Promise.all(Array.from({ length: lanes }, lane)));
    report.add(`whole life, draft to approved, ${lanes} at a time`, 'airlock', {
      'lives/s': times.length / seconds, 'p50 ms': median(times), 'p99 ms': percentile(times, 0.99), 'CPU ms/life': (cpu * 1000) / times.length,
    });
  }
}
