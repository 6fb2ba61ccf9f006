// A receiver of webhooks that believes only what is signed, as docs/EVENTS.md says.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

/** Keeps every well-signed call, by path; answers it with status(path). */
export class Receiver {
  calls = [];
  forged = 0;
  status = () => 204;

  constructor(keys) {
    this.keys = keys;
  }
  async start() {
    this.server = http.createServer((request, response) => this.#take(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }
  url(where) {
    return `http://127.0.0.1:${this.server.address().port}/${where}`;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = request.headers;
    const signed = (key) => `v1,${crypto.createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
    const given = signatures.split(' ');
    const good = given.length === this.keys.length && this.keys.every((key, i) => given[i] === signed(key));
    if (good && Math.abs(Date.now() / 1000 - Number(time)) < 60)
      this.calls.push({ where: request.url.slice(1), id, time, type: request.headers['content-type'], text: body, event: JSON.parse(body) });
    else this.forged++;
    response.writeHead(this.status(request.url.slice(1))).end();
  }
  /** What came there about the request, once each, in the order of their numbers. */
  of(where, request) {
    const seen = new Map();
    for (const call of this.calls) if (call.where === where && call.event.subject === request.id) seen.set(call.id, call);
    return [...seen.values()].sort((a, b) => a.event.data.sequence - b.event.data.sequence);
  }
}

/** The keys as events.webhook_secret_file has them. */
export function keyFile(file, keys) {
  fs.writeFileSync(file, keys.map((key) => `whsec_${key.toString('base64')}\n`).join(''), { mode: 0o600 });
  return file;
}
