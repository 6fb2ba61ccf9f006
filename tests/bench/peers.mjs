// The servers that airlock is measured beside: nginx (WebDAV PUT, static files) and Azurite. Each runs only here.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { freePortBase, until } from '../e2e/lib/tree.mjs';

// The packages are installed for the end-to-end tests.
const { BlobServiceClient, ContainerSASPermissions, StorageSharedKeyCredential } =
  createRequire(path.join(import.meta.dirname, '../e2e/package.json'))('@azure/storage-blob');
const MODULES = path.resolve(import.meta.dirname, '../e2e/node_modules');
const HOUR_MS = 3600_000;

async function answers(url) {
  return (await fetch(url).catch(() => null)) !== null;
}
function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false)).on('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}

function serve(file, args, options) {
  const child = spawn(file, args, { stdio: 'ignore', ...options });
  child.once('error', (error) => {
    throw error;
  });
  return { pid: child.pid, stop: () => child.kill('SIGTERM') };
}

/** nginx on one port: PUT and GET below /files/, a constant answer at /constant; over TLS with a certificate. */
export async function startNginx(dir, constant, tls) {
  const port = await freePortBase();
  const secure = tls ? `ssl_certificate ${tls.certificateFile}; ssl_certificate_key ${tls.keyFile}; ssl_protocols TLSv1.2 TLSv1.3;` : '';
  const files = path.join(dir, 'nginx');
  fs.mkdirSync(path.join(files, 'files'), { recursive: true });
  fs.chmodSync(files, 0o755);
  const config = path.join(dir, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/nginx-${name};`).join(' ');
  fs.writeFileSync(config, `
    ${process.getuid() === 0 ? 'user root;' : ''} daemon off; worker_processes 2; pid ${dir}/nginx.pid; error_log ${dir}/nginx.log;
    events { worker_connections 1024; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; client_max_body_size 0; ${temporary}
      server {
        listen 127.0.0.1:${port}${tls ? ' ssl' : ''}; ${secure}
        location /files/ { root ${files}; dav_methods PUT DELETE; }
        location = /constant { default_type application/json; return 200 '${constant.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'')}'; }
      }
    }`);
  const server = serve('nginx', ['-c', config, '-e', `${dir}/nginx.log`]);
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  await until('nginx', () => listens(port));
  return { ...server, url, dir: files, name: 'nginx' };
}

/** Azurite with its data on disk; answers a link to one container, as airlock would. */
export async function startAzurite(dir) {
  const port = await freePortBase();
  const account = 'bench';
  const data = path.join(dir, 'azurite');
  const key = crypto.randomBytes(64).toString('base64');
  const server = serve(process.execPath, [path.join(MODULES, 'azurite/dist/src/blob/main.js'), '--silent', '--disableTelemetry',
    '--skipApiVersionCheck', '--location', data, '--blobHost', '127.0.0.1', '--blobPort', String(port)], {
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
  });
  const url = `http://127.0.0.1:${port}/${account}`;
  await until('Azurite', () => answers(url), { timeout: 60_000 });
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(account, key));
  const container = service.getContainerClient('bench');
  await container.create();
  const link = await container.generateSasUrl({ expiresOn: new Date(Date.now() + HOUR_MS), permissions: ContainerSASPermissions.parse('rcwdl') });
  return { ...server, link, dir: data, name: 'Azurite' };
}
