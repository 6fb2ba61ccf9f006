// A clamd that does as it is told, for what a real one cannot be made to say: an old base, nonsense, half an answer,
// silence. It knows the session protocol and no virus; tests with a real one stand beside it (gates-scan.test.mjs).
import fs from 'node:fs';
import net from 'node:net';

const DAY_MS = 86_400_000;
const PROBES = ['OK', 'Marker FOUND', 'Heuristics.Limits.Exceeded.MaxRecursion FOUND', 'Heuristics.Encrypted.Zip FOUND', 'Heuristics.Limits.Exceeded.MaxFileSize FOUND'];

/** The answer to VERSION of a base that is so many days old. */
export function versionOf(days, number = 27500) {
  const [weekday, day, month, year, time] = new Date(Date.now() - days * DAY_MS).toUTCString().replace(',', '').split(' ');
  return `ClamAV 1.4.6/${number}/${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`;
}

export class ScriptedClamd {
  constructor(socket) {
    this.socket = socket;
    this.version = versionOf(0);
    /** The answer about a file: a text behind "N: fd[9]: "; { raw, end } for any bytes and a close; null for silence. */
    this.verdict = 'OK';
    this.probes = PROBES; // in airlock's order
    this.isSilent = false;
    this.scans = 0; // of files, not of probes
    this.connections = new Set();
    this.server = net.createServer((connection) => this.#serve(connection));
  }

  async start(t) {
    fs.rmSync(this.socket, { force: true });
    await new Promise((resolve) => this.server.listen(this.socket, resolve));
    t?.after(() => this.stop());
    return this;
  }

  async stop() {
    for (const { connection } of this.connections) connection.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(connection) {
    // airlock keeps one connection for probes; every other one is of a check.
    const isGuard = ![...this.connections].some((other) => other.isGuard);
    const session = { connection, isGuard, asked: 0, probed: 0, text: '' };
    this.connections.add(session);
    connection.on('error', () => {});
    connection.on('close', () => this.connections.delete(session));
    connection.on('data', (bytes) => {
      session.text += bytes.toString('latin1');
      const commands = session.text.split('\0');
      session.text = commands.pop();
      for (const command of commands) this.#answer(session, command);
    });
  }

  #answer(session, command) {
    if (command === '' || command === 'zIDSESSION') return; // the byte that a descriptor rides on, or no question
    session.asked++;
    if (this.isSilent) return;
    if (command === 'zVERSION') session.connection.write(`${session.asked}: ${this.version}\0`);
    else if (command === 'zPING') session.connection.write(`${session.asked}: PONG\0`);
    else if (session.isGuard) session.connection.write(`${session.asked}: fd[9]: ${this.probes[session.probed++ % this.probes.length]}\0`);
    else this.#judge(session);
  }

  #judge(session) {
    this.scans++;
    const { verdict } = this;
    if (verdict === null) return;
    if (typeof verdict === 'string') session.connection.write(`${session.asked}: fd[9]: ${verdict}\0`);
    else {
      session.connection.write(verdict.raw.replaceAll('#', session.asked));
      if (verdict.end) session.connection.end();
    }
  }
}
