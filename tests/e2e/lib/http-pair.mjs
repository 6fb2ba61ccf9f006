// Our HTTP layer under a server of the least content (tests/unit/http/echo_server.c), and nginx beside it or in front of it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUILD, temporaryDir } from './tree.mjs';

export const HEAD_DEADLINE_MS = 2000;
const QUIET_MS = 3000; // a server that has not answered or closed by then does not

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitUntilOpen(port) {
  for (let i = 0; i < 100; i++) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.end();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}

/** Where nginx answers by itself. */
export const NGINX_ALONE = (directory) => `
  location / { default_type application/json; return 200 '{"hello":"world"}'; }
  location /put/ { root ${directory}; dav_methods PUT; create_full_put_path on; }`;

/** Where nginx passes on to a port, over connections that it keeps, with a mark on each head it writes. */
export const nginxProxy = (port, mark) => ({
  around: `upstream behind { server 127.0.0.1:${port}; keepalive 4; }`,
  location: `location / {
    proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header ${mark} nginx;
    proxy_request_buffering off; proxy_next_upstream off; proxy_read_timeout 5s;
  }`,
});

function nginxConfiguration(directory, port, { around = '', location }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`).join(' ');
  return `
    ${process.getuid() === 0 ? 'user root;' : ''}
    daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 5s;
      ${around}
      server { listen 127.0.0.1:${port}; ${location} }
    }`;
}

/** Servers that end together; each start answers a port. */
export class Servers {
  #children = [];
  directory = temporaryDir('http');

  async airlock() {
    const program = path.join(BUILD, 'tests/unit/http/echo_server');
    const child = spawn(program, ['0', this.directory, String(HEAD_DEADLINE_MS)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.stdout.once('data', (line) => resolve(Number(line)));
    });
  }

  async nginx(configuration) {
    const port = await freePort();
    const file = path.join(this.directory, `nginx-${port}.conf`);
    fs.writeFileSync(file, nginxConfiguration(this.directory, port, configuration));
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const args = ['-p', this.directory, '-c', file, '-e', `${this.directory}/error.log`];
    this.#children.push(spawn('nginx', args, { stdio: 'inherit', env }));
    await waitUntilOpen(port);
    return port;
  }

  async stop() {
    for (const child of this.#children) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Sends raw bytes, and the parts behind them each after a pause. Everything that came back until the server closed
 *  or was quiet for long enough. */
export function converse(port, raw, { parts = [], quiet = QUIET_MS } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks = [];
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(quiet, end);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // a reset while we still send: what came before it counts
    socket.on('close', end);
    socket.write(Buffer.from(raw, 'latin1'));
    (async () => {
      for (const part of parts) {
        await sleep(100);
        if (!socket.destroyed) socket.write(Buffer.from(part, 'latin1'));
      }
    })();
  });
}

/** The statuses of all answers, "100 Continue" left out. */
export function statuses(text) {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])).filter((status) => status >= 200);
}
