// Runs the browser tests, one file after the other: `node tests/browser/run.mjs [file…]`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const named = process.argv.slice(2);
const files = named.length ? named : readdirSync(folder).filter(name => name.endsWith('.test.mjs')).map(name => folder + name);
// Two at once would share two cores with two browsers and a server each.
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exit(status ?? 1);
