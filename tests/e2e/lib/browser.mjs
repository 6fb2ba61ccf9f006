// Debian's Chromium for a test: a profile of its own, which is its home too, and nothing that calls home.
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { allProcesses, temporaryDir, until } from './tree.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** The browser's process group, and what left it: the handlers of crashes, which name the profile. */
function processesOf(profile) {
  const all = allProcesses();
  const named = all.filter(({ args }) => args.some((arg) => arg.includes(profile)));
  const groups = new Set(named.map(({ group }) => group));
  return all.filter(({ group }) => groups.has(group));
}

/** They write into the profile until they have all ended, which is later than the browser says that it is closed. */
async function closeBrowser(context, profile) {
  const running = new Set(processesOf(profile).map(({ group }) => group));
  await context.close();
  await until('Chromium to end', () => !allProcesses().some(({ group }) => running.has(group)));
  fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

/** A browser of the test's own, with nothing in it. */
export async function startBrowser(t, options = {}) {
  const profile = temporaryDir('chromium');
  const env = { ...process.env, HOME: profile };
  const context = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', headless: true, args: FLAGS, env, ...options });
  t.after(() => closeBrowser(context, profile));
  context.setDefaultTimeout(20_000);
  return context;
}
