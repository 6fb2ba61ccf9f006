// A certificate authority of the test's own, made by openssl, and certificates of it for servers.
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { runOk } from './run.mjs';

/** A new authority in a directory: { dir, certificateFile, keyFile, pem }. */
export async function makeCa(dir, { name = 'airlock test authority' } = {}) {
  fs.mkdirSync(dir, { recursive: true });
  const certificateFile = path.join(dir, 'ca.pem');
  const keyFile = path.join(dir, 'ca.key');
  await runOk('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile,
    '-out', certificateFile, '-days', '2', '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
  return { dir, certificateFile, keyFile, pem: fs.readFileSync(certificateFile, 'utf8') };
}

/** A certificate for a server: { certificateFile, keyFile, serial }; its files carry prefix, an older pair there is replaced. */
export async function serverCertificate(ca, { names = ['localhost'], ips = ['127.0.0.1'], prefix = 'server', days = 2 } = {}) {
  const certificateFile = path.join(ca.dir, `${prefix}.pem`);
  const keyFile = path.join(ca.dir, `${prefix}.key`);
  const request = path.join(ca.dir, `${prefix}.csr`);
  const extensions = path.join(ca.dir, `${prefix}.ext`);
  const alternatives = [...names.map((name) => `DNS:${name}`), ...ips.map((ip) => `IP:${ip}`)].join(',');
  const serial = `10${Array.from({ length: 14 }, () => Math.floor(Math.random() * 16).toString(16)).join('')}`.toUpperCase();
  fs.writeFileSync(extensions, `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`);
  await runOk('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', request, '-subj', `/CN=${names[0] ?? ips[0]}`]);
  await runOk('openssl', ['x509', '-req', '-in', request, '-CA', ca.certificateFile, '-CAkey', ca.keyFile, '-set_serial', `0x${serial}`, '-days', String(days), '-extfile', extensions, '-out', certificateFile]);
  fs.chmodSync(keyFile, 0o600);
  return { certificateFile, keyFile, serial };
}

/** The settings with which airlockd speaks TLS under that certificate. */
export function tlsSettings(certificate) {
  return { 'tls.certificate_file': certificate.certificateFile, 'tls.key_file': certificate.keyFile };
}

/** The serial number of the certificate that a server of that address shows. */
export function serialAt(url, ca) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port, ca: ca.pem }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.on('error', reject);
  });
}
