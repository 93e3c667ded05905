// The tools that the browser tests drive: found where `cargo xtask` installs them.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const workspace = new URL('../../', import.meta.url);
const tools = process.env.PORTICO_TOOLS ?? new URL('target/tools/', workspace).pathname;
export const require = createRequire(join(tools, 'package.json'));

const CHROMIUM_FLAGS = [
  '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const chromiumOptions = flags => ({
  executablePath: process.env.PORTICO_CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid() != 0, // Chromium refuses to start a sandbox as root.
  args: [...CHROMIUM_FLAGS, ...flags],
});

/** Debian's Chromium, with nothing of its own to fetch. */
export const launchChromium = (flags = []) => require('playwright-core').chromium.launch(chromiumOptions(flags));

/** The same with the settings that lie in `folder`; the browser ends with the returned context. */
export const launchProfile = folder => require('playwright-core').chromium.launchPersistentContext(folder, chromiumOptions([]));

/** A web server on a free port of this machine. `answer` returns `{ status, headers, body }`, or nothing for 404. */
export async function serve(answer) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method, path: request.url, headers: request.headers });
    const { status = 200, headers = {}, body = '' } = answer(request) ?? { status: 404 };
    response.writeHead(status, headers).end(body);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    port,
    requests,
    close() {
      server.closeAllConnections();
      return new Promise(resolve => server.close(resolve));
    },
  };
}

/** A folder that is gone after the test. */
export function temporaryFolder(test) {
  const folder = mkdtempSync(join(tmpdir(), 'portico-browser-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What axe-core finds wrong in `frame`, a page without its frames or one of them, as lines that say what and where. */
export async function axe(frame) {
  const source = require('node:fs').readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the debugger, so that no policy of the page is in the way.
  const { violations } = await frame.evaluate(`${source};axe.run(document, { iframes: false })`);
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.target).join(' | ')}`);
}

/** A port that nobody listens on just now. */
export async function freePort() {
  const server = await serve(() => undefined);
  await server.close();
  return server.port;
}

/** What the page's window listens to on behalf of the scripts at `addresses`: the driver's own listeners come from elsewhere. */
export async function windowListeners(page, addresses) {
  const session = await page.context().newCDPSession(page);
  const ours = new Set();
  session.on('Debugger.scriptParsed', ({ url, scriptId }) => addresses.test(url) && ours.add(scriptId));
  await session.send('Debugger.enable');
  const { result } = await session.send('Runtime.evaluate', { expression: 'self' });
  const { listeners } = await session.send('DOMDebugger.getEventListeners', { objectId: result.objectId });
  await session.detach();
  return listeners.filter(({ scriptId }) => ours.has(scriptId)).map(({ type }) => type).sort();
}

/** Makes `page` believe that nobody looks at it: headless pages never hide by themselves. */
export const hide = page => page.evaluate(() => {
  Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
});
export const show = page => page.evaluate(() => {
  delete document.visibilityState;
  document.dispatchEvent(new Event('visibilitychange'));
});
