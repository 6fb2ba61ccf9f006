// A host of net.mjs: started in a network namespace, it holds that open and does from within what it is asked for.
import fs from 'node:fs';
import { send, sendRaw, trust } from './http.mjs';

const CONNECT_MS = 1500;

const bytesOf = (base64) => Buffer.from(base64, 'base64');

async function raw({ url, bytes, before }) {
  try {
    return { text: await sendRaw(url, bytesOf(bytes), { before: bytesOf(before) }) };
  } catch (error) {
    return { error: error.code ?? error.message };
  }
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
  trust: ({ pem }) => trust(pem),
  sysctl: ({ name, value }) => fs.writeFileSync(`/proc/sys/net/${name}`, value),
};

process.on('message', async ({ id, what, fields }) => process.send({ id, answer: (await DOINGS[what](fields)) ?? {} }));
process.on('disconnect', () => process.exit());
