// A host of net.mjs: started in a network namespace, it holds that open and does from within what it is asked for.
import fs from 'node:fs';
import net from 'node:net';
import { send } from './http.mjs';

const CONNECT_MS = 1500;
const SILENCE_MS = 300;

function raw({ host, port, bytes }) {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect({ host, port });
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error('no connection'), { code: 'ETIMEDOUT' })), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.setTimeout(SILENCE_MS, () => socket.destroy());
      socket.write(Buffer.from(bytes, 'base64'));
    });
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.once('error', ({ code }) => resolve(text ? { text } : { error: code }));
    socket.once('close', () => resolve({ text }));
  });
}

async function request({ method, url, headers, body }) {
  try {
    const answer = await send(method, url, { headers, body, agent: false, timeout: CONNECT_MS });
    return { status: answer.status, code: answer.headers['x-ms-error-code'], text: answer.text };
  } catch (error) {
    return { error: error.code ?? error.message };
  }
}

const DOINGS = {
  hello: () => ({}),
  send: request,
  raw,
  sysctl: ({ name, value }) => fs.writeFileSync(`/proc/sys/net/${name}`, value),
};

process.on('message', async ({ id, what, fields }) => process.send({ id, answer: (await DOINGS[what](fields)) ?? {} }));
process.on('disconnect', () => process.exit());
