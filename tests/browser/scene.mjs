// A demo with people in it: what the tests that play visitor and representative share.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { startDemo } from './demo.mjs';
import { launchChromium } from './tools.mjs';

export const phone = { width: 390, height: 780 };
/** The states that one's own message comes to by itself. */
export const arrived = / · (Sent|Delivered|Read)$/;

export const launcher = page => page.locator('portico-launcher').getByRole('button').last();
/** The chat in the page's frame; a page that is the chat stands for itself. */
export const chat = page => page.locator('iframe').contentFrame();
export const frameOf = page => page.frames().find(frame => frame.url().includes('/w/'));
export const composer = chat => chat.getByRole('textbox', { name: 'Your message' });
export const log = chat => chat.getByRole('log', { name: 'Conversation' });
export const reply = studio => studio.getByRole('region', { name: 'Write' }).getByRole('textbox');
export const inbox = studio => studio.getByRole('list', { name: 'Conversations' });

/** The document can be read before its code has come; the greeting, or whatever else was said, comes with the code. */
export const isAlive = chat => chat.getByRole('log').getByRole('listitem').first().waitFor();

/** Says `text` and sees it in the log. */
export async function say(chat, text) {
  await composer(chat).fill(text);
  await composer(chat).press('Enter');
  await log(chat).getByText(text, { exact: true }).first().waitFor();
}

/** A demo and a browser for the tests of one file; `prepare` does something with the demo before the first of them. */
export function scene(prepare = () => {}) {
  const scene = { person, openChat, openPage, signIn, takeOver };
  before(async () => {
    scene.demo = await startDemo();
    await prepare(scene.demo);
    scene.browser = await launchChromium();
  });
  after(async () => {
    await scene.browser?.close();
    await scene.demo?.stop();
  });

  /** A browser of somebody's own. What its pages complain about fails the test. */
  async function person(t, options = {}, foreseen = undefined) {
    return watched(t, await scene.browser.newContext(options), foreseen);
  }

  /** Opens the chat on a page of the shop. */
  async function openChat(context, path = '/') {
    const page = await context.newPage();
    await page.goto(scene.demo.shop + path);
    await launcher(page).click();
    await isAlive(chat(page));
    return page;
  }

  /** Opens the chat as a page of its own. */
  async function openPage(context, rest = '') {
    const page = await context.newPage();
    await page.goto(`${scene.demo.chat}/c/lykta${rest}`);
    await isAlive(page);
    return page;
  }

  /** The studio, signed in. */
  async function signIn(context, email = scene.demo.email) {
    const page = await context.newPage();
    await page.goto(scene.demo.studio);
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(scene.demo.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await inbox(page).waitFor({ state: 'attached' });
    return page;
  }

  /** The studio with the newest conversation taken over. */
  async function takeOver(context) {
    const studio = await signIn(context);
    await studio.getByRole('tab', { name: 'All' }).click();
    await inbox(studio).getByRole('listitem').first().click();
    await studio.getByRole('button', { name: 'Take over' }).first().click();
    await reply(studio).waitFor();
    return studio;
  }

  return scene;
}

// Signed out, the studio learns so by a 401; where a server goes away, browsers say so.
const always = /status of 401|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection/;

/** `context`, which ends with the test; what its pages complain about fails it, unless it is `foreseen`. */
export function watched(t, context, foreseen = always) {
  const complaints = [];
  context.on('console', message => message.type() == 'error' && complaints.push(`${message.text()} ${message.location().url}`));
  context.on('weberror', error => complaints.push(String(error.error())));
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints.filter(text => !always.test(text) && !foreseen.test(text)), []);
  });
  context.setDefaultTimeout(20_000);
  return context;
}
