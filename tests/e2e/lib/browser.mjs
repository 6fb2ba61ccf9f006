// Debian's Chromium for a test: a profile of its own, and nothing that calls home.
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { temporaryDir } from './tree.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A browser of the test's own, with nothing in it. */
export async function startBrowser(t, options = {}) {
  const profile = temporaryDir('chromium');
  const context = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', headless: true, args: FLAGS, ...options });
  t.after(async () => {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  context.setDefaultTimeout(20_000);
  return context;
}
