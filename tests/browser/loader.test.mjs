// The loader by itself: against a frame that says only what a test lets it say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { axe, launchChromium, serve, windowListeners, workspace } from './tools.mjs';

const loader = readFileSync(new URL('public/embed.js', workspace), 'utf8');
const hashed = '/assets/widget-0123.js';
const phone = { width: 390, height: 780 };

let browser, chat, shop, attributes, scripts;

// Stands for the chat: remembers what it was told, says it is ready, closes on Escape.
const frameScript = `
  self.told = [];
  const tell = (type, fields) => parent.postMessage({ portico: 1, type, ...fields }, '*');
  addEventListener('message', ({ data, origin }) => told.push({ ...data, origin }));
  addEventListener('keydown', ({ key }) => key == 'Escape' && tell('close'));
  tell('ready');`;

before(async () => {
  browser = await launchChromium();
  chat = await serve(({ url }) => {
    const script = { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' };
    if (url == '/embed.js') return { headers: script, body: loader.replace('@assets@', hashed) };
    if (url == '/frame.js') return { headers: script, body: frameScript };
    if (url == hashed) return { headers: script };
    if (url.startsWith('/w/mute')) return { headers: { 'content-type': 'text/html' }, body: '<title>Mute</title>' };
    if (url.startsWith('/w/')) {
      const body = '<!doctype html><html lang="en"><title>Chat</title><main><h1>Chat</h1><input aria-label="Message"></main><script src="/frame.js"></script>';
      return { headers: { 'content-type': 'text/html' }, body };
    }
  });
  shop = await serve(({ url }) => {
    if (url == '/early.js') return { headers: { 'content-type': 'text/javascript' }, body: scripts };
    if (!['/', '/twice', '/inline'].includes(url)) return;
    const policy = `default-src 'none'; script-src 'self' http://chat.lamps.localhost:${chat.port}; frame-src http://chat.lamps.localhost:${chat.port}; style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
    const tag = `<script src="http://chat.lamps.localhost:${chat.port}/embed.js" ${attributes} async></script>`;
    const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Lamps</title><script src="/early.js"></script>${tag}${url == '/twice' ? tag : ''}<main><h1>Lamps</h1><button>Buy</button>${
      url == '/inline' ? '<portico-chat></portico-chat>' : ''
    }</main>`;
    return { headers: { 'content-type': 'text/html', 'content-security-policy': policy }, body };
  });
});
after(async () => {
  await browser.close();
  await Promise.all([chat.close(), shop.close()]);
});
beforeEach(() => {
  attributes = 'data-brand="lamps"';
  scripts = '';
  chat.requests.length = shop.requests.length = 0;
});

/** The shop in a fresh browser context; whatever its policy refuses fails the test. */
async function openShop(t, { path = '/', ...options } = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', message => message.type() == 'error' && complaints.push(message.text()));
  page.on('pageerror', error => complaints.push(String(error)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints.filter(text => !text.includes('favicon')), []);
  });
  await page.goto(`http://lamps.localhost:${shop.port}${path}`);
  await page.waitForFunction(() => self.Portico?.mount);
  return page;
}
const launcher = page => page.getByRole('button', { name: 'Chat', exact: true });
const panel = page => page.getByRole('dialog', { name: 'Chat' });
const chatIn = async page => {
  await page.locator('iframe').contentFrame().getByRole('textbox').waitFor();
  const frame = page.frames().find(frame => frame.url().includes('/w/'));
  await frame.waitForFunction(() => self.told?.some(({ type }) => type == 'open'));
  return frame;
};
const told = (frame, type) => frame.evaluate(type => self.told.filter(message => message.type == type), type);
const globals = page => page.evaluate(() => Object.keys(self).filter(name => /portico/i.test(name)));

test('before_the_press_there_is_one_request_and_a_button_and_nothing_else', async t => {
  const page = await openShop(t);
  await launcher(page).waitFor();
  assert.deepEqual(chat.requests.map(({ path }) => path), ['/embed.js']);
  assert.equal(chat.requests[0].headers.cookie, undefined);
  assert.equal(await page.locator('iframe').count(), 0);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, '']);
  assert.deepEqual(await page.context().cookies(), []);
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), []);
  assert.deepEqual(await globals(page), ['Portico']);
  assert.equal(await page.locator('portico-launcher').evaluate(host => getComputedStyle(host).colorScheme), 'light dark');
});

test('a_hover_fetches_the_static_files_once_and_without_credentials', async t => {
  const page = await openShop(t);
  await page.context().addCookies([{ name: 'a', value: 'b', url: `http://chat.lamps.localhost:${chat.port}` }]);
  const fetched = page.waitForRequest(request => request.url().endsWith(hashed));
  await launcher(page).hover();
  await (await fetched).response();
  await page.getByRole('button', { name: 'Buy' }).hover();
  await launcher(page).hover();
  const [asked, ...again] = chat.requests.filter(({ path }) => path == hashed);
  assert.equal(asked.headers.cookie, undefined);
  assert.deepEqual(again, []);
  assert.equal(await page.locator('iframe').count(), 0);
});

test('a_press_opens_the_panel_and_gives_the_frame_the_focus_escape_gives_it_back', async t => {
  const page = await openShop(t);
  await launcher(page).focus();
  await page.keyboard.press('Enter');
  await panel(page).waitFor();
  const frame = await chatIn(page);
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.localName == 'iframe');
  assert.equal(await launcher(page).getAttribute('aria-expanded'), 'true');
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), ['message']);
  const [configured] = await told(frame, 'configure');
  assert.equal(configured.origin, `http://lamps.localhost:${shop.port}`);
  assert.equal(configured.pageUrl, `http://lamps.localhost:${shop.port}/`);

  await page.keyboard.press('Escape');
  await panel(page).waitFor({ state: 'hidden' });
  // The dialog tells of its end a task later than it goes.
  await page.locator('portico-launcher').getByRole('button', { expanded: false }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.ariaLabel), 'Chat');
  await frame.waitForFunction(() => self.told.at(-1).type == 'close');
});

test('what_the_page_says_before_the_loader_or_the_frame_is_there_arrives', async t => {
  scripts = `self.Portico ??= Object.assign((...call) => Portico.q.push(call), { q: [] });
    self.heard = [];
    Portico('on', 'open', () => heard.push('open'));
    Portico('on', 'unread', count => heard.push(count));
    Portico('prefill', 'About Dag');
    Portico('identify', 'a.b.c');
    Portico('context', { product: 'dag' });`;
  const page = await openShop(t);
  await page.evaluate(() => Portico('open'));
  const frame = await chatIn(page);
  const [{ prefill, identity, context }] = await told(frame, 'configure');
  assert.deepEqual({ prefill, identity, context }, { prefill: 'About Dag', identity: 'a.b.c', context: { product: 'dag' } });
  await page.evaluate(() => Portico('context', { product: 'is' }));
  await frame.waitForFunction(() => self.told.at(-1).value?.product == 'is');

  await page.evaluate(() => Portico('close'));
  await frame.evaluate(() => parent.postMessage({ portico: 1, type: 'unread', count: 2 }, '*'));
  await page.getByRole('button', { name: 'Chat (2)' }).waitFor();
  assert.deepEqual(await page.evaluate(() => self.heard), ['open', 2]);
});

test('words_of_a_strange_origin_or_window_count_for_nothing', async t => {
  const page = await openShop(t);
  await launcher(page).click();
  const frame = await chatIn(page);
  // The right words from the page's own window, and from a window of the chat host that is not the frame.
  await page.evaluate(() => postMessage({ portico: 1, type: 'unread', count: 7 }, '*'));
  await frame.evaluate(() => {
    const inner = document.body.appendChild(document.createElement('iframe'));
    inner.contentWindow.eval(`top.postMessage({ portico: 1, type: 'unread', count: 8 }, '*')`);
  });
  // Messages arrive in order: once this one has, the others have been refused.
  await frame.evaluate(() => parent.postMessage({ portico: 1, type: 'unread', count: 3 }, '*'));
  await page.getByRole('button', { name: 'Chat (3)' }).waitFor();
});

test('a_phone_gets_a_sheet_that_holds_the_page_still_and_closes_by_going_back', async t => {
  const page = await openShop(t, { viewport: phone, hasTouch: true, isMobile: true });
  await page.evaluate(() => history.replaceState({ of: 'the page' }, '', '/twice'));
  await launcher(page).tap();
  await chatIn(page);
  await page.waitForFunction(() => !document.querySelector('portico-launcher').shadowRoot.getAnimations().length);
  assert.deepEqual(await page.locator('iframe').boundingBox(), { x: 0, y: 0, ...phone });
  assert.equal(await page.evaluate(() => document.documentElement.style.overflow), 'hidden');
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), ['message', 'popstate']);

  await page.goBack();
  await page.locator('portico-launcher').getByRole('button', { expanded: false }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/twice');
  assert.deepEqual(await page.evaluate(() => history.state), { of: 'the page' });
  assert.equal(await page.evaluate(() => document.documentElement.style.overflow), '');
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), ['message']);

  // Closed from inside, the sheet takes its own step in the history back.
  await launcher(page).tap();
  await panel(page).waitFor();
  await page.frames().at(-1).evaluate(() => parent.postMessage({ portico: 1, type: 'close' }, '*'));
  await panel(page).waitFor({ state: 'hidden' });
  await page.waitForFunction(() => history.state.of == 'the page' && !history.state.portico);
});

test('the_sheet_is_as_high_as_what_a_keyboard_or_zoom_leaves_to_see', async t => {
  const page = await openShop(t, { viewport: phone, hasTouch: true, isMobile: true });
  await launcher(page).tap();
  await chatIn(page);
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setPageScaleFactor', { pageScaleFactor: 2 });
  await page.waitForFunction(full => {
    const { height } = document.querySelector('portico-launcher').shadowRoot.querySelector('dialog').getBoundingClientRect();
    return visualViewport.height < full && Math.abs(height - visualViewport.height) < 1;
  }, phone.height);
});

test('the_page_toggles_hides_and_shows_and_can_stop_listening', async t => {
  const page = await openShop(t);
  const say = (...call) => page.evaluate(call => Portico(...call), call);
  await page.evaluate(() => {
    self.heard = [];
    self.listener = () => heard.push('open');
    Portico('on', 'open', listener);
  });
  await say('toggle');
  await panel(page).waitFor();
  await say('toggle');
  await panel(page).waitFor({ state: 'hidden' });
  await page.evaluate(() => Portico('off', 'open', listener));
  await say('hide');
  await launcher(page).waitFor({ state: 'hidden' });
  await say('open');
  await panel(page).waitFor();
  await say('close');
  await panel(page).waitFor({ state: 'hidden' });
  await say('show');
  await launcher(page).waitFor();
  assert.deepEqual(await page.evaluate(() => heard), ['open']);
});

test('a_second_script_tag_changes_nothing', async t => {
  const page = await openShop(t, { path: '/twice' });
  await launcher(page).click();
  await chatIn(page);
  assert.equal(await page.locator('portico-launcher').count(), 1);
  assert.equal(await page.locator('iframe').count(), 1);
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), ['message']);
});

test('shutdown_leaves_nothing_and_the_loader_can_come_back', async t => {
  const page = await openShop(t);
  const before = await page.evaluate(() => document.documentElement.outerHTML);
  await launcher(page).click();
  const frame = await chatIn(page);
  await frame.evaluate(() => parent.postMessage({ portico: 1, type: 'resume', handle: 'h' }, '*'));
  await page.waitForFunction(() => localStorage['portico:lamps'] == 'h');
  await page.evaluate(() => Portico('shutdown'));
  assert.deepEqual(await globals(page), []);
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), []);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.equal(page.frames().length, 1);
  const after = await page.evaluate(() => document.documentElement.outerHTML);
  assert.equal(after, before.replace(/<portico-launcher.*<\/portico-launcher>/s, ''));
});

test('the_chat_can_stand_in_the_page_and_come_and_go_with_it', async t => {
  const page = await openShop(t, { path: '/inline' });
  const start = page.locator('portico-chat').getByRole('button', { name: 'Chat' });
  await start.waitFor();
  await launcher(page.locator('portico-launcher')).waitFor({ state: 'hidden' });
  assert.deepEqual(chat.requests.map(({ path }) => path), ['/embed.js']);
  await start.click();
  await chatIn(page);
  for (let round = 0; round < 5; round++) {
    await page.evaluate(() => {
      document.querySelector('portico-chat').remove();
      document.querySelector('main').append(Object.assign(document.createElement('portico-chat')));
      document.querySelector('portico-chat').shadowRoot.querySelector('button').click();
    });
  }
  await chatIn(page);
  assert.equal(page.frames().length, 2);
  assert.deepEqual(await windowListeners(page, /\/embed\.js$/), ['message']);
  await page.evaluate(() => document.querySelector('portico-chat').remove());
  await launcher(page).waitFor();
});

test('a_frame_that_never_comes_leaves_a_way_on', async t => {
  attributes = 'data-brand="mute" data-label="Ask us"';
  const page = await openShop(t);
  await page.getByRole('button', { name: 'Ask us' }).click();
  // The link waits out an animation: finish it.
  await page.evaluate(() => {
    const tree = document.querySelector('portico-launcher').shadowRoot;
    for (const animation of tree.getAnimations()) animation.finish();
  });
  const link = page.getByRole('link', { name: 'Ask us ↗' });
  assert.equal(await link.getAttribute('href'), `http://chat.lamps.localhost:${chat.port}/c/mute?locale=en`);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
});

test('attributes_set_look_and_place_in_either_direction', async t => {
  attributes = 'data-brand="lamps" data-label="تواصل معنا" data-launcher="label" data-color="gold" data-side="start" data-offset="40px" data-layer="7" data-theme="dark"';
  const page = await openShop(t, { viewport: { width: 1000, height: 800 } });
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  const button = page.getByRole('button', { name: 'تواصل معنا' });
  const box = await button.boundingBox();
  assert.equal(box.x + box.width, 960);
  assert.equal(box.y + box.height, 760);
  const style = await button.evaluate(button => {
    const { color, backgroundColor } = getComputedStyle(button);
    const { zIndex, colorScheme } = getComputedStyle(button.getRootNode().host);
    return { color, backgroundColor, zIndex, colorScheme };
  });
  assert.match(style.color, /^oklch\(0 /, 'a light colour takes black words');
  assert.deepEqual({ ...style, color: '' }, { color: '', backgroundColor: 'rgb(255, 215, 0)', zIndex: '7', colorScheme: 'dark' });
});

test('axe_finds_nothing_on_a_page_with_launcher_panel_or_sheet', async t => {
  for (const viewport of [{ width: 1200, height: 800 }, phone]) {
    const page = await openShop(t, { viewport });
    assert.deepEqual(await axe(page), []);
    await launcher(page).click();
    await chatIn(page);
    assert.deepEqual(await axe(page), []);
  }
});
