// Azure Blob calls as plain HTTP.
import crypto from 'node:crypto';
import assert from 'node:assert/strict';
import { send } from './http.mjs';

export const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** The address of a blob below a container link; query parameters are added behind the link's. */
export function blobUrl(link, name, query = '') {
  const at = link.indexOf('?');
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${link.slice(0, at)}/${path}${link.slice(at)}${query && `&${query}`}`;
}
export function listUrl(link, query = '') {
  return `${link}&restype=container&comp=list${query && `&${query}`}`;
}

export function putBlob(link, name, body, headers = {}, options = {}) {
  return send('PUT', blobUrl(link, name), { headers: { 'x-ms-blob-type': 'BlockBlob', ...headers }, body, ...options });
}
export const getBlob = (link, name, headers = {}) => send('GET', blobUrl(link, name), { headers });
export const headBlob = (link, name, headers = {}) => send('HEAD', blobUrl(link, name), { headers });
export const deleteBlob = (link, name) => send('DELETE', blobUrl(link, name));
export const listBlobs = (link, query) => send('GET', listUrl(link, query));

export const blockId = (number) => Buffer.from(String(number).padStart(8, '0')).toString('base64');
export function putBlock(link, name, id, body, headers = {}) {
  return send('PUT', blobUrl(link, name, `comp=block&blockid=${encodeURIComponent(id)}`), { headers, body });
}
export function putBlockList(link, name, ids, headers = {}) {
  const items = ids.map((id) => `<Latest>${id}</Latest>`).join('');
  const body = `<?xml version="1.0" encoding="utf-8"?><BlockList>${items}</BlockList>`;
  return send('PUT', blobUrl(link, name, 'comp=blocklist'), { headers: { 'content-type': 'application/xml', ...headers }, body });
}

/** Names in a listing, in order. */
export function namesOf(answer) {
  return [...answer.text.matchAll(/<Blob><Name>([^<]*)<\/Name>/g)].map((match) => match[1]);
}

/** Asserts Azure's XML error of that status and code. */
export function assertAzureError(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['x-ms-error-code'], code);
  if (answer.bytes.length) {
    assert.match(answer.headers['content-type'], /^application\/xml/);
    assert.ok(answer.text.includes(`<Code>${code}</Code>`), answer.text);
  }
}
