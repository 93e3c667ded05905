// One conversation on two devices: the link, its picture, and that it works once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrived, chat, composer, launcher, log, phone, say, scene } from './scene.mjs';
import { require } from './tools.mjs';

const stage = scene();
const { openChat, openPage, person } = stage;

/** Opens the page with the link, and returns the address that a camera reads from the picture. */
async function deviceLink(context, talk) {
  await talk.getByRole('button', { name: 'Menu' }).click();
  await talk.getByRole('button', { name: 'Continue on another device' }).click();
  const picture = talk.getByRole('dialog').getByRole('img', { name: 'Continue on another device' });
  const png = await picture.screenshot();
  const page = await context.newPage();
  const { data, width, height } = await page.evaluate(async source => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(source), char => char.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    const { data, width, height } = canvas.getImageData(0, 0, image.width, image.height);
    return { data: [...data], width, height };
  }, png.toString('base64'));
  await page.close();
  const jsqr = require('jsqr');
  const read = (jsqr.default ?? jsqr)(Uint8ClampedArray.from(data), width, height);
  assert.ok(read, 'a camera reads the picture');
  return read.data;
}

/** What `/c/<brand>#<secret>` asks before anything happens. */
async function follow(context, link) {
  const page = await context.newPage();
  const redeemed = [];
  page.on('request', request => request.url().endsWith('/redeem') && redeemed.push(request));
  await page.goto(link);
  await page.getByRole('heading', { name: 'Continue your conversation here?' }).waitFor();
  assert.deepEqual(redeemed, [], 'scanners open links too: only a press uses one up');
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  return page;
}

test('a_conversation_goes_on_on_the_phone_that_scans_its_picture', async t => {
  const desk = await person(t);
  const page = await openChat(desk, '/dag');
  await say(chat(page), 'Said at the desk');
  await log(chat(page)).getByText(arrived).first().waitFor();
  const link = await deviceLink(desk, chat(page));
  assert.ok(link.startsWith(`${stage.demo.chat}/c/lykta#`), link);
  await chat(page).getByText(/^Works until \d+:\d\d/).waitFor();
  await page.keyboard.press('Escape');

  const mobile = await follow(await person(t, { viewport: phone, hasTouch: true, isMobile: true }), link);
  await log(mobile).getByText('Said at the desk').waitFor();
  assert.equal(new URL(mobile.url()).hash, '', 'the secret is gone from the address');
  await say(mobile, 'Said on the phone');
  await log(chat(page)).getByText('Said on the phone').waitFor();
  await say(chat(page), 'And back');
  await log(mobile).getByText('And back').waitFor();
  // It is the phone's own from now on.
  await mobile.reload();
  await log(mobile).getByText('And back').waitFor();

  // The second use is refused, whoever tries.
  const third = await follow(await person(t, {}, /status of 410/), link);
  await third.getByRole('heading', { name: 'This link no longer works' }).waitFor();
  assert.equal(await third.getByText('Said at the desk').count(), 0);
  await third.getByRole('button', { name: 'Start a conversation' }).click();
  await composer(third).waitFor();
  assert.equal(await log(third).getByText('Said at the desk').count(), 0);
});

test('the_link_can_be_copied_instead', async t => {
  const context = await person(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await openPage(context);
  await say(page, 'Copy me');
  await log(page).getByText(arrived).first().waitFor();
  const scanned = await deviceLink(context, page);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), scanned);
});

test('an_ended_conversation_is_forgotten_here', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await say(talk, 'Soon forgotten');
  await log(talk).getByText(arrived).first().waitFor();
  await talk.getByRole('button', { name: 'Menu' }).click();
  await talk.getByRole('button', { name: 'End the conversation' }).click();
  await talk.getByRole('dialog').getByRole('button', { name: 'End the conversation' }).click();
  await talk.getByRole('heading', { name: 'The conversation has ended' }).waitFor();
  assert.equal(await talk.getByText('Soon forgotten').count(), 0);
  await page.reload();
  await launcher(page).click();
  await composer(talk).waitFor();
  await log(talk).getByText('Hello! I am Alma', { exact: false }).waitFor();
  await say(talk, 'Anew');
  assert.equal(await log(talk).getByText('Soon forgotten').count(), 0);
});
