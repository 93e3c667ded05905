// The real thing: `portico demo` on free ports, with a data folder of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspace } from './tools.mjs';

export const binary = process.env.PORTICO_BINARY ?? fileURLToPath(new URL('target/debug/portico', workspace));

/** Starts a demo; `restart` brings it back on the same ports and data after `kill`. */
export async function startDemo() {
  const data = mkdtempSync(join(tmpdir(), 'portico-demo-'));
  const demo = { data, kill, restart, stop, ...(await launch(data, [])) };

  async function kill(signal = 'SIGKILL') {
    const ended = once(demo.server, 'exit');
    demo.server.kill(signal);
    const [code] = await ended;
    return code;
  }
  async function restart(...flags) {
    const [chat, shop] = [demo.studio, demo.shop].map(url => `127.0.0.1:${new URL(url).port}`);
    Object.assign(demo, await launch(data, ['--listen', chat, '--shop-listen', shop, ...flags]));
  }
  async function stop() {
    await kill('SIGTERM');
    rmSync(data, { recursive: true, force: true });
  }
  return demo;
}

async function launch(data, flags) {
  const ports = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0', '--shop-listen', '127.0.0.1:0'];
  const server = spawn(binary, ['demo', '--data', data, ...ports, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints = [];
  server.stderr.on('data', chunk => complaints.push(chunk));
  const told = [];
  for await (const line of createInterface({ input: server.stdout })) {
    told.push(line);
    if (line.startsWith('Ctrl+C')) break;
  }
  const find = pattern => told.join('\n').match(pattern)?.[1];
  const shop = find(/^The shop +(\S+)/m);
  if (!shop) throw new Error(`the demo did not start:\n${told.join('\n')}\n${Buffer.concat(complaints)}`);
  return {
    server,
    shop,
    studio: find(/^The studio +(\S+)/m),
    chat: new URL(find(/^The studio +(\S+)/m)).origin,
    email: find(/sign in as (\S+)/),
    password: find(/password (\S+)/),
  };
}
