// The main path in the other two engines: Firefox by WebDriver BiDi, WebKitGTK by its WebDriver.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { startDemo } from './demo.mjs';
import { freePort, require } from './tools.mjs';

const SENT = 'What is it made of?';
const ANSWERED = 'Oak from within 200 km';
let demo;
before(async () => {
  demo = await startDemo();
});
after(() => demo?.stop());

/** Asks again until `question` is answered with something true. What is asked waits by itself, or is cheap. */
async function until(question, what, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question().catch(error => (error.message.includes('no such') ? undefined : Promise.reject(error)));
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('firefox_opens_sends_and_is_answered', async t => {
  const { launch } = require('puppeteer-core');
  const browser = await launch({
    browser: 'firefox',
    executablePath: process.env.PORTICO_FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${demo.shop}/dag`);
  await (await page.waitForSelector('portico-launcher >>> .go')).click();
  const frame = await (await page.waitForSelector('portico-launcher >>> iframe')).contentFrame();
  const composer = await frame.waitForSelector('textarea[aria-label="Your message"]');
  await frame.waitForSelector('[role=log]');
  await composer.type(SENT);
  await page.keyboard.press('Enter');
  await frame.waitForFunction(text => document.querySelector('[role=log]').textContent.includes(text), {}, ANSWERED);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('portico-launcher').shadowRoot.querySelector('dialog').open);
});

test('webkit_opens_sends_and_is_answered', async t => {
  const ends = []; // What was begun last ends first.
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env: display(ends) });
  ends.push(() => driver.kill());
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  await until(() => ask('GET', '/status').catch(() => false), 'the driver starts');
  const browser = { binary: process.env.PORTICO_WEBKIT ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser', args: ['--automation'] };
  const { sessionId } = await ask('POST', '/session', {
    capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': browser } },
  });
  const page = (method, path, body) => ask(method, `/session/${sessionId}${path}`, body);
  ends.push(() => page('DELETE', ''));
  const run = (script, ...args) => page('POST', '/execute/sync', { script, args });
  const tree = `document.querySelector('portico-launcher')?.shadowRoot`;
  await page('POST', '/url', { url: `${demo.shop}/dag` });
  const button = await until(() => run(`return ${tree}?.querySelector('.go')`), 'the launcher');
  await page('POST', `/element/${Object.values(button)[0]}/click`, {});
  const frame = await until(() => run(`return ${tree}.querySelector('iframe')`), 'the frame');
  await page('POST', '/frame', { id: frame });
  const composer = await until(() => run(`return document.querySelector('button[aria-label=Send]') && document.querySelector('textarea')`), 'the composer');
  // WebKit gives a frame of another origin the focus only by a gesture in it: a press, as people do, then keys.
  await page('POST', `/element/${Object.values(composer)[0]}/click`, {});
  const keys = [...`${SENT}\uE007`].flatMap(value => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
  await page('POST', '/actions', { actions: [{ type: 'key', id: 'keys', actions: keys }] });
  await until(() => run(`return document.querySelector('[role=log]').textContent.includes(arguments[0])`, ANSWERED), 'the answer');
  assert.equal(await run('return document.querySelectorAll("textarea")[0].value'), '');
});

/** MiniBrowser needs a display; a virtual one serves. */
function display(ends) {
  if (process.env.DISPLAY) return process.env;
  const number = 90 + (process.pid % 900);
  const screen = spawn('Xvfb', [`:${number}`, '-screen', '0', '1280x900x24'], { stdio: 'ignore' });
  ends.push(() => screen.kill());
  return { ...process.env, DISPLAY: `:${number}` };
}
