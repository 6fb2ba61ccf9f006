// Whole stretches of a request's life, for tests that are about something else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { putBlob } from './blob.mjs';

/** A draft of alice with the files, { name: bytes }. */
export async function draftWith(tree, type, files, who = 'alice') {
  const person = tree.as(who);
  const request = await person.createRequest(tree.first, type);
  const link = await person.linkUrl(request);
  for (const [name, bytes] of Object.entries(files)) {
    const answer = await putBlob(link, name, bytes);
    assert.equal(answer.status, 201, `${name}: ${answer.text}`);
  }
  return Object.assign(request, { link, files });
}

export async function inReview(tree, type, files, who = 'alice') {
  const request = await draftWith(tree, type, files, who);
  const answer = await tree.as(who).submit(request);
  assert.equal(answer.status, 200, answer.text);
  request.sealed = await tree.as(who).waitStatus(request, 'in_review');
  request.digest = request.sealed.properties.manifestDigest;
  return request;
}

export async function approved(tree, type, files, who = 'alice') {
  const request = await inReview(tree, type, files, who);
  const answer = await tree.as('bob').review(request, true, request.digest);
  assert.equal(answer.status, 200, answer.text);
  await tree.as(who).waitStatus(request, 'approved');
  return request;
}

/** Every ordinary file below dir, as { path, size }. */
export function filesBelow(dir) {
  const found = [];
  const walk = (at) => {
    for (const entry of fs.readdirSync(at, { withFileTypes: true })) {
      const full = path.join(at, entry.name);
      if (entry.isDirectory()) walk(full);
      else if (entry.isFile()) found.push({ path: full, size: fs.statSync(full).size });
    }
  };
  if (fs.existsSync(dir)) walk(dir);
  return found;
}

/** Files below the tree's directory that hold exactly these bytes. */
export function filesHolding(tree, bytes) {
  return filesBelow(tree.dir).filter((f) => f.size === bytes.length && fs.readFileSync(f.path).equals(bytes)).map((f) => f.path);
}

/** Where core keeps a request's objects: every directory whose name is REQUEST.TOKEN, relative to the tree's. */
export function containerDirs(tree, request) {
  const dirs = new Set();
  const walk = (at) => {
    for (const entry of fs.readdirSync(at, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const full = path.join(at, entry.name);
      if (entry.name.startsWith(`${request.id}.`)) dirs.add(path.relative(tree.dir, full));
      walk(full);
    }
  };
  walk(tree.dir);
  return [...dirs];
}
