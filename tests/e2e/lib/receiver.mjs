// A receiver of webhooks, as docs/EVENTS.md tells an organisation to write one: it takes nothing that airlock did not sign.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const AGE_MAX_S = 60;

/** A file of keys as events.webhook_secret_file wants it; answers its path. */
export function keyFile(file, keys) {
  fs.writeFileSync(file, keys.map((key) => `whsec_${key.toString('base64')}\n`).join(''), { mode: 0o600 });
  return file;
}

/** Keeps every call that is signed by all its keys, by path; answers it with status(path). */
export class Receiver {
  calls = [];
  forged = 0;
  status = () => 204;
  /** { path: (response, request) => … }: who answers otherwise. */
  answers = {};

  constructor(keys) {
    this.keys = keys;
  }
  /** tls: { cert, key }; then it is reached at every address of this machine. */
  async start({ tls, host = '127.0.0.1' } = {}) {
    const take = (request, response) => this.#take(request, response);
    this.server = tls ? https.createServer(tls, take) : http.createServer(take);
    await new Promise((resolve) => this.server.listen(0, host, resolve));
    return this;
  }
  get port() {
    return this.server.address().port;
  }
  url(where) {
    return `http://127.0.0.1:${this.port}/${where}`;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
  #isSigned(headers, body) {
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' } = headers;
    const signed = (key) => `v1,${crypto.createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
    return this.keys.every((key) => signatures.split(' ').includes(signed(key))) && Math.abs(Date.now() / 1000 - Number(time)) < AGE_MAX_S;
  }
  async #take(request, response) {
    const where = request.url.slice(1);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { headers } = request;
    if (this.#isSigned(headers, text)) {
      this.calls.push({ where, id: headers['webhook-id'], time: headers['webhook-timestamp'], type: headers['content-type'],
        signatures: headers['webhook-signature'].split(' '), headers, text, event: JSON.parse(text), at: Date.now() });
    } else {
      this.forged++;
    }
    if (this.answers[where]) this.answers[where](response, request);
    else response.writeHead(this.status(where)).end();
  }
  /** What came there about the request, once each, in the order of their numbers. */
  of(where, request) {
    const seen = new Map();
    for (const call of this.calls) if (call.where === where && call.event.subject === request.id) seen.set(call.id, call);
    return [...seen.values()].sort((a, b) => a.event.data.sequence - b.event.data.sequence);
  }
}
