// What the tests share, in one import.
export { assertProblem, Person, Request } from './lib/api.mjs';
export * from './lib/blob.mjs';
export { form, postForm, send, sendRaw, trust } from './lib/http.mjs';
export { airlock, az, azcopy, azcopyOk, run, runOk } from './lib/run.mjs';
export * from './lib/tls.mjs';
export * from './lib/tree.mjs';
export * from './lib/life.mjs';
