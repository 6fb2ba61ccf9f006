// A small HTTP client for tests: says exactly what came back, follows nothing, keeps connections alive.
import { X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

// Free sockets go after 4 s, before any server here gives up on them.
const KEPT = { keepAlive: true, maxSockets: 256, timeout: 4000 };
const shared = new http.Agent(KEPT);
const secure = new https.Agent(KEPT);
let trusted;

/** From now on https addresses are judged by this authority (PEM), where a request names none itself. */
export function trust(pem) {
  trusted = pem;
}

/** An answer: status, headers, bytes, and its text or JSON on demand. */
class Answer {
  constructor(message, bytes) {
    this.status = message.statusCode;
    this.headers = message.headers;
    this.bytes = bytes;
  }
  get text() {
    return this.bytes.toString('utf8');
  }
  get body() {
    try {
      return JSON.parse(this.text);
    } catch {
      return this.text;
    }
  }
}

/** Names below .test exist nowhere (RFC 6761): here they are this machine, so that links may hold host names. */
function lookup(name, options, done) {
  if (!name.endsWith('.test')) dns.lookup(name, options, done);
  else if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}

/** The parts of an address, its path untouched: what tests send is not tidied up ("/a/../b" stays). */
function target(url) {
  const [, scheme, ipv6, name, port, path] = /^(https?):\/\/(?:\[([^\]]+)\]|([^/:?]+)):(\d+)([^#]*)/.exec(url);
  return { secure: scheme === 'https', hostname: ipv6 ?? name, port, path: path || '/', lookup };
}

/** Node's own check turns IPv6 addresses into host names, and then finds none of them in any certificate. */
function checkServerIdentity(host, certificate) {
  if (!net.isIPv6(host)) return tls.checkServerIdentity(host, certificate);
  return new X509Certificate(certificate.raw).checkIP(host) ? undefined : new Error(`${host} is not in the certificate`);
}

/** Sends a request; body may be a Buffer, a string, an object (as JSON) or a readable stream with a Content-Length header. */
export function send(method, url, { headers = {}, body, agent, ca = trusted, timeout = 60000 } = {}) {
  return new Promise((resolve, reject) => {
    const stream = body && typeof body.pipe === 'function';
    let bytes;
    const all = { ...headers };
    if (body !== undefined && !stream) {
      if (typeof body === 'object' && !Buffer.isBuffer(body)) {
        all['content-type'] ??= 'application/json';
        bytes = Buffer.from(JSON.stringify(body));
      } else {
        bytes = Buffer.from(body);
      }
    }
    if (bytes) all['content-length'] ??= bytes.length;
    else if (!stream && ['PUT', 'POST', 'PATCH'].includes(method)) all['content-length'] ??= 0;
    const to = target(url);
    const [library, usual, checked] = to.secure ? [https, secure, { ca, checkServerIdentity }] : [http, shared, {}];
    const request = library.request({ ...to, ...checked, method, headers: all, agent: agent ?? usual, timeout }, (message) => {
      const chunks = [];
      message.on('data', (chunk) => chunks.push(chunk));
      message.on('end', () => resolve(new Answer(message, Buffer.concat(chunks))));
      message.on('error', reject);
      message.on('aborted', () => reject(new Error('the answer was cut off')));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${timeout} ms`)));
    request.on('error', reject);
    if (stream) {
      body.on('error', (error) => request.destroy(error));
      body.pipe(request);
    } else {
      request.end(bytes);
    }
  });
}

export function form(fields) {
  return new URLSearchParams(fields).toString();
}

export async function postForm(url, fields, headers = {}) {
  return send('POST', url, { headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: form(fields) });
}

/** Writes text or bytes as they stand to the address of url, and answers what comes back until the server closes or
 * falls silent. before: bytes that come before TLS. */
export function sendRaw(url, text, { silence = 1500, before = '', ca = trusted } = {}) {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    let answer = '';
    const failed = (error) => (answer ? resolve(answer) : reject(error));
    const plain = net.connect({ host, port });
    plain.setTimeout(silence, () => plain.destroy());
    plain.on('error', failed);
    plain.on('close', () => resolve(answer));
    plain.once('connect', () => plain.write(before, () => {
      const socket = protocol === 'https:' ? tls.connect({ socket: plain, host, ca, checkServerIdentity }) : plain;
      if (socket !== plain) socket.on('error', failed);
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.write(text);
    }));
  });
}
