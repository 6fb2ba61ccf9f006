// What a file could do to the one who opens it: T46 in a browser, T49 in a terminal; T47 what our own lists could do in a
// spreadsheet.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { blobUrl, draftWith, putBlob, startTree } from './harness.mjs';
import { startBrowser } from './lib/browser.mjs';
import { Terminal } from './lib/cli.mjs';

// With an icon of its own: otherwise the browser asks for one, some time after the page.
const BEACON_PAGE = '<!doctype html><link rel="icon" href="data:,"><p>ok';

/** Counts whoever comes: scripts of the files would call it. */
async function startBeacon(t) {
  const seen = [];
  const server = http.createServer((request, response) => {
    seen.push(request.url);
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('content-type', 'text/html');
    response.end(BEACON_PAGE);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, seen };
}

/** Twenty files that some browser, once, ran or fetched something for: [name, content type, content]. */
function polyglots(beacon) {
  const call = (n) => `fetch('${beacon}/script-${n}');new Image().src='${beacon}/image-${n}'`;
  const html = (n) => `<!doctype html><img src="${beacon}/tag-${n}"><script>${call(n)}</script><p>text`;
  const svg = (n) => `<svg xmlns="http://www.w3.org/2000/svg" onload="${call(n)}"><image href="${beacon}/svg-${n}"/><script>${call(n)}</script></svg>`;
  const xslt = `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="${beacon}/style.xsl"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${call('xml')}</h:script></a>`;
  const gif = (n) => `GIF89a/*${'\0'.repeat(8)}*/=0;${call(n)}`;
  return [
    ['page.html', 'text/html', html(1)], ['page.htm', 'text/html; charset=utf-7', html(2)], ['page.txt', 'text/plain', html(3)],
    ['page.csv', 'text/csv', html(4)], ['page.png', 'image/png', html(5)], ['page', '', html(6)], ['page.bin', 'application/octet-stream', html(7)],
    ['page.xhtml', 'application/xhtml+xml', `<html xmlns="http://www.w3.org/1999/xhtml"><script>${call(8)}</script></html>`],
    ['picture.svg', 'image/svg+xml', svg(9)], ['picture.xml', 'text/xml', svg(10)], ['styled.xml', 'application/xml', xslt],
    ['script.js', 'text/javascript', call(12)], ['script.json', 'application/json', call(13)], ['script.gif', 'image/gif', gif(14)],
    ['script.gif.js', 'application/javascript', gif(15)], ['report.pdf', 'application/pdf', `%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.launchURL("${beacon}/pdf"))>>>>endobj\n${html(16)}`],
    ['mail.mht', 'multipart/related', `MIME-Version: 1.0\nContent-Type: text/html\n\n${html(17)}`], ['page.mhtml', 'message/rfc822', `Content-Type: text/html\n\n${html(18)}`],
    ['sheet.css', 'text/css', `@import url("${beacon}/css"); body { background: url("${beacon}/background") }`], ['worker.wasm', 'application/wasm', html(20)],
  ];
}

/** Submits and approves; answers the link that the requestor downloads with. */
async function releasedLink(tree, request) {
  const [alice, bob] = [tree.as('alice'), tree.as('bob')];
  assert.equal((await alice.submit(request)).status, 200);
  const sealed = await alice.waitStatus(request, 'in_review');
  assert.equal((await bob.review(request, true, sealed.properties.manifestDigest)).status, 200);
  await alice.waitStatus(request, 'approved');
  return alice.linkUrl(request);
}

test('T46 twenty polyglots opened and embedded in a browser: no script ran, no request left', async (t) => {
  const tree = await startTree(t, { set: { 'policy.max_files': 30 } });
  const beacon = await startBeacon(t);
  const files = polyglots(beacon.url);
  assert.equal(files.length, 20);
  const request = await draftWith(tree, 'export', {});
  for (const [name, type, content] of files) {
    assert.equal((await putBlob(request.link, name, content, type ? { 'x-ms-blob-content-type': type } : {})).status, 201, name);
  }
  const link = await releasedLink(tree, request);
  const urls = files.map(([name]) => blobUrl(link, name));
  const context = await startBrowser(t);
  const page = await context.newPage();

  await t.test('the beacon sees what does run', async () => {
    await page.goto(`${beacon.url}/own`);
    await page.evaluate((url) => fetch(`${url}/control`), beacon.url);
    assert.deepEqual(beacon.seen, ['/own', '/control']);
  });
  beacon.seen.length = 0;
  await t.test('opened: a download each, never a page', async () => {
    for (const url of urls) {
      const download = page.waitForEvent('download');
      await page.goto(url).catch((error) => assert.match(error.message, /Download is starting|ERR_ABORTED/));
      await (await download).delete();
    }
  });
  await t.test('embedded by somebody\'s page: nothing of it runs or shows', async () => {
    await page.goto('about:blank');
    const outcomes = await page.evaluate(async (list) => {
      const embed = (tag, attribute, url) => new Promise((resolve) => {
        const element = document.createElement(tag);
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('refused');
        element[attribute] = url;
        document.body.append(element);
        setTimeout(() => resolve('nothing'), 1500);
      });
      const seen = [];
      for (const url of list) {
        seen.push(...await Promise.all([embed('script', 'src', url), embed('iframe', 'src', url), embed('object', 'data', url), embed('embed', 'src', url), embed('img', 'src', url)]));
      }
      return { seen, scripts: seen.filter((_, i) => i % 5 === 0) };
    }, urls);
    assert.ok(outcomes.scripts.every((outcome) => outcome !== 'loaded'), outcomes.scripts.join());
  });
  assert.deepEqual(beacon.seen, []);
});

test('T47 lists as CSV have no formula in them', async (t) => {
  const tree = await startTree(t);
  const title = '=cmd|\' /C calc\'!A0, "two"';
  const request = await tree.as('alice').createRequest(tree.first, 'export', title);
  const terminal = new Terminal(tree.scratch, 'alice', tree.ready.api);
  const { client_id, client_secret } = tree.as('alice').account;
  assert.equal((await terminal.logInAsProgram(client_id, client_secret)).code, 0);
  const stdout = await terminal.ok(['request', 'list', '--output', 'csv']);
  assert.ok(stdout.startsWith('ID,TYPE,STATUS,TITLE,CREATED BY,UPDATED\r\n'), stdout);
  assert.ok(stdout.includes(`${request.id},export,draft,"'=cmd|' /C calc'!A0, ""two""",`), stdout);
  const refused = await terminal.run(['request', 'show', request.id, '--output', 'csv']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /prints no list/);
});

test('T49 names that aim at a terminal are printed escaped', async (t) => {
  const tree = await startTree(t);
  const request = await draftWith(tree, 'export', { 'invoice\u202Efdp.exe': 'x' });
  await tree.as('alice').submit(request);
  await tree.as('alice').waitStatus(request, 'in_review');
  const terminal = new Terminal(tree.scratch, 'bob', tree.ready.api);
  const { client_id, client_secret } = tree.as('bob').account;
  assert.equal((await terminal.logInAsProgram(client_id, client_secret)).code, 0);
  const stdout = await terminal.ok(['request', 'show', request.id]);
  assert.ok(stdout.includes('invoice\\u{202e}fdp.exe'), stdout);
  // eslint-disable-next-line no-control-regex
  assert.ok(!/[\u202e\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(stdout), JSON.stringify(stdout));
});
