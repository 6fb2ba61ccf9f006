// Other people's clients, as processes: AzCopy, az, curl, and airlock's own command line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { program as built } from './tree.mjs';

const AZCOPY = path.resolve(import.meta.dirname, '../node_modules/@azure-tools/azcopy-linux/dist/bin',
  `azcopy_linux_${process.arch === 'arm64' ? 'arm64' : 'amd64'}`);

/** Runs a program to its end; answers code, stdout, stderr. through: words of another program that starts it. */
export function run(file, args, { env = {}, input, timeout = 300_000, cwd, onStart, through = [] } = {}) {
  const [program, ...words] = [...through, file, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { env: { ...process.env, ...env }, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    const out = { stdout: '', stderr: '' };
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.stdout.on('data', (chunk) => (out.stdout += chunk));
    child.stderr.on('data', (chunk) => (out.stderr += chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...out });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    onStart?.(child);
  });
}

export async function runOk(file, args, options) {
  const result = await run(file, args, options);
  assert.equal(result.code, 0, `${path.basename(file)} ${args.filter((a) => !a.includes('sig=')).join(' ')}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** AzCopy with its plans and logs below scratch. */
export function azcopy(scratch, args, options = {}) {
  const home = path.join(scratch, 'azcopy');
  fs.mkdirSync(home, { recursive: true });
  const env = { HOME: home, AZCOPY_LOG_LOCATION: home, AZCOPY_JOB_PLAN_LOCATION: home, AZCOPY_DISABLE_SYSLOG: 'true', ...options.env };
  return run(AZCOPY, [...args, '--skip-version-check'], { ...options, env });
}
export async function azcopyOk(scratch, args, options) {
  const result = await azcopy(scratch, args, options);
  assert.equal(result.code, 0, `azcopy ${args[0]}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** The Azure CLI, without telemetry, with its configuration below scratch. */
export function az(scratch, args, options = {}) {
  const env = { AZURE_CONFIG_DIR: path.join(scratch, 'az'), AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_CORE_NO_COLOR: 'yes', ...options.env };
  return run('az', args, { ...options, env });
}

/** airlock's own command line, with the login kept below scratch. */
export function airlock(home, args, options = {}) {
  return run(built('airlock'), args, { ...options, env: { HOME: home, XDG_CONFIG_HOME: path.join(home, '.config'), ...options.env } });
}
