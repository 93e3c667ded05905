// What visitors feel, measured in Chromium against the release binary. Prints rows as JSON:
// [{ what, measured, target, is_floor }]. `cargo xtask bench --part browser` shows them as a table.
import { startDemo } from '../../tests/browser/demo.mjs';
import { launchChromium, serve } from '../../tests/browser/tools.mjs';

const ROUNDS = 5;
const HISTORY = 10_000;
const PHONE = { cpu: 4, network: { latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750, offline: false } };
const rows = [];
const report = (what, measured, target = null) => rows.push({ what, measured, target, is_floor: false });
const median = values => values.toSorted((a, b) => a - b)[values.length >> 1];
const rounds = async measure => {
  const values = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await measure());
  return values;
};
const repeat = async measure => median(await rounds(measure));
/** The same of several figures measured together. */
const medians = async measure => {
  const values = await rounds(measure);
  return Object.fromEntries(Object.keys(values[0]).map(name => [name, median(values.map(value => value[name]))]));
};

// Runs in every document before its own scripts; times are milliseconds on one clock for all frames.
const probe = () => {
  const now = () => performance.timeOrigin + performance.now();
  // A channel's task comes right after the frame was drawn.
  const painted = () => new Promise(resolve => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(now());
    channel.port2.postMessage(0);
  }));
  self.probe = { longTasks: 0, shift: 0 };
  new PerformanceObserver(list => (self.probe.longTasks += list.getEntries().length)).observe({ type: 'longtask' });
  new PerformanceObserver(list => list.getEntries().forEach(({ value }) => (self.probe.shift += value))).observe({ type: 'layout-shift', buffered: true });
  new MutationObserver((_, observer) => {
    if (!document.querySelector('html > portico-launcher')) return;
    observer.disconnect();
    painted().then(time => (self.probe.launcher = time - performance.timeOrigin));
  }).observe(document, { childList: true, subtree: true });
  addEventListener('click', event => (self.probe.pressed ??= performance.timeOrigin + event.timeStamp), true);
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const instance = await instantiate(...given);
    self.probe.memory = Object.values(instance.exports).find(part => part instanceof WebAssembly.Memory);
    return instance;
  };
  if (self == top) return;
  addEventListener('focusin', ({ target }) => {
    if (/^(textarea|input)$/.test(target.localName)) painted().then(time => (self.probe.focused ??= time));
  });
  new MutationObserver((_, observer) => {
    if (!document.querySelector('[role=log] li .bubble')) return;
    observer.disconnect();
    painted().then(time => (self.probe.filled = time));
  }).observe(document, { childList: true, subtree: true });
};

const demo = await startDemo();
const browser = await launchChromium();

async function visit(t = {}) {
  const context = await browser.newContext(t.phone ? { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } : {});
  await context.addInitScript(probe);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  if (t.phone) {
    await session.send('Emulation.setCPUThrottlingRate', { rate: PHONE.cpu });
    await session.send('Network.emulateNetworkConditions', PHONE.network);
  }
  return { context, page, session };
}
const launcher = page => page.locator('portico-launcher .go');
const frameOf = page => page.frames().find(frame => frame != page.mainFrame() && frame.url().startsWith('http'));
async function focused(page) {
  await page.locator('iframe').contentFrame().locator(':focus').waitFor();
  const frame = frameOf(page);
  await frame.waitForFunction(() => self.probe.focused && performance.getEntriesByName('first-contentful-paint').length);
  return frame;
}
async function pressToFocus(t, address = demo.shop) {
  const { context, page } = await visit(t);
  await page.goto(address, { waitUntil: 'load' });
  await launcher(page).waitFor();
  if (t.prefetched) {
    const loaded = page.waitForLoadState('networkidle');
    await launcher(page).dispatchEvent('pointerenter');
    await loaded;
    await page.waitForFunction(() => performance.getEntriesByType('resource').filter(({ initiatorType, responseEnd }) => initiatorType == 'link' && responseEnd).length >= 3);
  }
  await launcher(page).evaluate(button => button.click());
  const frame = await focused(page);
  // What was drawn with the focus in it, or, if that came later, shown on the screen for the first time.
  const seen = await frame.evaluate(() =>
    Math.max(self.probe.focused, performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime));
  const time = seen - await page.evaluate(() => self.probe.pressed);
  await context.close();
  return time;
}

async function launcherAlone(t) {
  const { context, page } = await visit(t);
  if (!t.phone) await browser.startTracing(page, { categories: ['devtools.timeline', 'v8'] });
  await page.goto(`${demo.shop}/dag`, { waitUntil: 'load' });
  await page.waitForFunction(() => self.probe.launcher && performance.getEntriesByName('first-contentful-paint').length);
  const seen = await page.evaluate(() => ({
    launcher: self.probe.launcher,
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    longTasks: self.probe.longTasks,
    shift: self.probe.shift,
    stored: localStorage.length + sessionStorage.length + document.cookie.length,
  }));
  if (!t.phone) {
    const { traceEvents } = JSON.parse(await browser.stopTracing());
    const ours = traceEvents.filter(({ name, args }) => /EvaluateScript|v8.compile|FunctionCall/.test(name) && args?.data?.url?.endsWith('/embed.js'));
    seen.mainThread = ours.reduce((sum, { dur = 0 }) => sum + dur / 1000, 0);
  }
  await context.close();
  return seen;
}

async function transfers() {
  const { context, page, session } = await visit();
  const bytes = new Map();
  const urls = new Map();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength));
  await page.goto(demo.shop, { waitUntil: 'networkidle' });
  const ofChat = () => [...bytes].filter(([id]) => urls.get(id).startsWith(demo.chat) && !urls.get(id).includes('/api/'));
  const sum = entries => entries.reduce((total, [, size]) => total + size, 0) / 1000;
  const before = ofChat();
  bytes.clear();
  await launcher(page).evaluate(button => button.click());
  await focused(page);
  await page.waitForLoadState('networkidle');
  const after = ofChat();
  await context.close();
  return { before: sum(before), beforeCount: before.length, after: sum(after), afterCount: after.length };
}

/** Milliseconds from the press of Enter until one's own words are on screen. */
async function enterToPaint(frame) {
  const composer = frame.locator('textarea');
  return repeat(async () => {
    const text = `Measured ${Math.random().toString(36).slice(2)}`;
    await composer.fill(text);
    const drawn = frame.evaluate(text => new Promise(resolve => {
      let pressed;
      addEventListener('keydown', ({ key, timeStamp }) => (pressed = key == 'Enter' ? timeStamp : pressed), { capture: true });
      const observer = new MutationObserver(() => {
        if (!document.querySelector('[role=log]').textContent.includes(text)) return;
        observer.disconnect();
        requestAnimationFrame(() => {
          const channel = new MessageChannel(); // Its task comes right after this frame was drawn.
          channel.port1.onmessage = () => resolve(performance.now() - pressed);
          channel.port2.postMessage(0);
        });
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true });
    }), text);
    await composer.press('Enter');
    return drawn;
  });
}

try {
  const desk = await medians(() => launcherAlone({}));
  report('launcher on screen after the first paint, ms', Math.max(0, desk.launcher - desk.firstPaint), 50);
  report('launcher on screen after navigation, phone, ms', (await medians(() => launcherAlone({ phone: true }))).launcher, 700);
  report('main thread before opening, ms', desk.mainThread, 10);
  report('long tasks before opening', desk.longTasks, 0);
  report('layout shift before opening', desk.shift, 0);
  report('things stored before opening', desk.stored, 0);
  const { before, beforeCount, after, afterCount } = await transfers();
  report('transfer before opening with headers, kB', before);
  report('requests before opening', beforeCount, 1);
  report("transfer on opening with headers and the brand's logo, kB", after);
  report('requests on opening', afterCount, 6);

  report('press to painted and focused, prefetched, ms', await repeat(() => pressToFocus({ prefetched: true })), 80);
  report('press to painted and focused, cold, ms', await repeat(() => pressToFocus({})), 150);
  report('press to painted and focused, phone prefetched, ms', await repeat(() => pressToFocus({ phone: true, prefetched: true })), 350);
  report('press to painted and focused, phone cold, ms', await repeat(() => pressToFocus({ phone: true })), 1200);
  const peer = await barePeer();
  report('the same of a bare iframe in plain script, ms', await repeat(() => pressToFocus({}, peer.address)));
  report('the same of a bare iframe, phone, ms', await repeat(() => pressToFocus({ phone: true }, peer.address)));
  await peer.close();

  await longHistory();
} finally {
  await browser.close();
  await demo.stop();
}
console.log(JSON.stringify(rows));

async function longHistory() {
  const { context, page, session } = await visit();
  await page.goto(demo.shop);
  await launcher(page).click();
  const empty = await focused(page);
  report('Enter to own message on screen, ms', await enterToPaint(empty), 20);
  await page.goto('about:blank');
  const open = async () => {
    await page.goto(demo.shop);
    await launcher(page).evaluate(button => button.click());
    const frame = await focused(page);
    await frame.waitForFunction(() => self.probe.filled);
    return { frame, time: await frame.evaluate(() => self.probe.filled) - await page.evaluate(() => self.probe.pressed) };
  };
  const short = await repeat(async () => (await open()).time);
  await demo.kill('SIGTERM');
  await demo.restart('--history', String(HISTORY));
  // The bot first answers what was left unanswered.
  await (await open()).frame.waitForFunction(async () => {
    const count = () => document.querySelectorAll('[role=log] li').length;
    const before = count();
    await new Promise(resolve => setTimeout(resolve, 2000));
    return count() == before;
  }, null, { polling: 100 });
  const long = await repeat(async () => (await open()).time);
  report('press to messages on screen, short history, ms', short);
  report('press to messages on screen, history of 10,000, ms', long);
  report('the same, times that of a short one', long / short, 1.3);
  const { frame } = await open();
  report('Enter to own message, history of 10,000, ms', await enterToPaint(frame), 20);
  report('DOM nodes, history of 10,000', await frame.evaluate(() => document.querySelectorAll('*').length), 600);
  const dropped = await frame.evaluate(() => new Promise(resolve => {
    const log = [document.querySelector('[role=log]'), ...document.querySelectorAll('[role=log] *, main, main *')]
      .find(element => element.scrollHeight > element.clientHeight + 10 && /auto|scroll/.test(getComputedStyle(element).overflowY));
    let last, dropped = 0, frames = 0;
    const step = time => {
      if (last && time - last > 25) dropped++;
      last = time;
      log.scrollTop -= 40;
      if (++frames < 180) requestAnimationFrame(step);
      else resolve(dropped);
    };
    requestAnimationFrame(step);
  }));
  report('dropped frames in three seconds of scrolling', dropped, 0);
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.enable').then(() => session.send('Performance.getMetrics'));
  const heap = metrics.find(({ name }) => name == 'JSHeapUsedSize').value;
  const wasm = await frame.evaluate(() => self.probe.memory?.buffer.byteLength ?? 0);
  report('JS heap and WASM memory, history of 10,000, MB', (heap + wasm) / 1e6, 10);
  await context.close();
}

/** The least that a frame in plain script can be: what everything above it costs is Portico's own. */
async function barePeer() {
  const frame = '<!doctype html><title>Peer</title><header>Brand</header><main role=log></main><textarea autofocus></textarea>';
  const page = '<!doctype html><title>Shop</title><h1>Shop</h1><script src=/peer.js></script>';
  const script = `const host = document.documentElement.appendChild(document.createElement('portico-launcher'));
    const button = host.attachShadow({ mode: 'open' }).appendChild(Object.assign(document.createElement('button'), { className: 'go', textContent: 'Chat' }));
    button.onclick = () => host.shadowRoot.append(Object.assign(document.createElement('iframe'), { src: '/frame' }));`;
  const server = await serve(({ url }) => {
    if (url == '/peer.js') return { headers: { 'content-type': 'text/javascript' }, body: script };
    return { headers: { 'content-type': 'text/html' }, body: url == '/frame' ? frame : page };
  });
  return { address: `http://localhost:${server.port}/`, close: server.close };
}
