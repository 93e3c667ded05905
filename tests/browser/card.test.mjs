// Cards and carousels, as visitors and representatives see them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, frameOf, inbox, log, scene } from './scene.mjs';
import { axe } from './tools.mjs';

const stage = scene();
const { openChat, openPage, person, signIn } = stage;
// What is refused on purpose below, browsers report.
const refused = /status of (400|404|502)/;

const carousel = talk => log(talk).getByRole('region', { name: 'Cards side by side' });
const track = talk => carousel(talk).getByRole('list');
const seeLamps = talk => talk.getByRole('button', { name: 'See our lamps' }).click();
/** Where the first card begins, from the start of the line. */
const passed = talk => track(talk).evaluate(list => Math.abs(list.scrollLeft));
/** Once it has stood still for ten frames. */
const rests = talk => track(talk).evaluate(list => new Promise(resolve => {
  let last, frames = 0;
  const look = () => {
    frames = list.scrollLeft == last ? frames + 1 : 0;
    last = list.scrollLeft;
    if (frames == 10) resolve();
    else requestAnimationFrame(look);
  };
  look();
}));

test('a_carousel_goes_by_button_and_by_arrow_key_and_says_where_one_is', async t => {
  const page = await openChat(await person(t, { viewport: { width: 1440, height: 900 } }));
  const talk = chat(page);
  await seeLamps(talk);
  const cards = track(talk).getByRole('listitem');
  await cards.nth(4).waitFor({ state: 'attached' });
  assert.equal(await cards.count(), 5);
  assert.match(await cards.nth(1).innerText(), /^2\/5/);
  const [back, next] = ['Previous card', 'Next card'].map(name => carousel(talk).getByRole('button', { name }));
  assert.equal(await back.isVisible(), false, 'there is nothing before the first');
  await next.click();
  await back.waitFor();
  await rests(talk);
  const step = await passed(talk);
  assert.ok(step > 200, `a card further: ${step}`);
  await back.click();
  await back.waitFor({ state: 'hidden' });
  await rests(talk);
  assert.equal(await passed(talk), 0);
  await track(talk).focus();
  await page.keyboard.press('ArrowRight');
  await back.waitFor();
  for (let presses = 0; presses < 4; presses++) {
    await rests(talk);
    if (await next.isVisible()) await next.click();
  }
  await next.waitFor({ state: 'hidden' });
});

test('in_arabic_the_next_card_is_on_the_left', async t => {
  const page = await openPage(await person(t, { viewport: { width: 360, height: 740 } }), '?locale=ar');
  await page.getByRole('button', { name: 'مصابيحنا' }).click();
  const next = page.getByRole('button', { name: 'البطاقة التالية' });
  assert.ok((await next.boundingBox()).x < 100);
  await next.click();
  await page.getByRole('button', { name: 'البطاقة السابقة' }).waitFor();
  const list = page.getByRole('region', { name: 'بطاقات متجاورة' }).getByRole('list');
  await list.evaluate(list => list.scrollLeft < 0 || Promise.reject(new Error('it went the other way')));
});

test('pictures_come_from_the_chat_host_alone_and_shift_nothing', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  const asked = [];
  page.on('request', request => asked.push(new URL(request.url())));
  const frame = frameOf(page);
  let release;
  const isReleased = new Promise(resolve => (release = resolve));
  await page.route('**/picture?*', async route => {
    await isReleased;
    await route.continue();
  });
  await seeLamps(talk);
  const picture = talk.getByRole('img', { name: 'A table lamp with a linen shade' });
  await picture.waitFor();
  const place = () => frame.evaluate(() => [...document.querySelectorAll('.card-content')].map(card => card.getBoundingClientRect().height));
  const before = await place();
  release();
  await picture.evaluate(picture => picture.decode());
  assert.deepEqual(await place(), before);
  assert.ok((await picture.evaluate(picture => picture.naturalWidth)) <= 640, 'no larger than the screen needs');
  assert.deepEqual([...new Set(asked.filter(({ protocol }) => protocol != 'data:').map(({ origin }) => origin))], [stage.demo.chat]);
});

test('the_chat_host_draws_pictures_of_the_brand_and_of_nobody_else', async t => {
  const page = await openPage(await person(t, {}, refused), '');
  const answer = (url, width = 320) => page.evaluate(
    async path => {
      const { status, headers } = await fetch(path);
      return [status, headers.get('content-type'), headers.get('content-security-policy')];
    },
    `/b/lykta/picture?width=${width}&url=${encodeURIComponent(url)}`,
  );
  const drawn = await answer(`${stage.demo.shop}/art/dag.jpg`);
  assert.deepEqual(drawn, [200, 'image/jpeg', "default-src 'none'; sandbox"]);
  for (const [url, width, status] of [
    [`${stage.demo.chat}/embed.js`, 320, 400],
    ['https://evil.example/a.png', 320, 400],
    ['file:///etc/passwd', 320, 400],
    [`${stage.demo.shop}/art/dag.jpg`, 5000, 400],
    [`${stage.demo.shop}/art/none.jpg`, 320, 404],
    [`${stage.demo.shop}/art/dag.svg`, 320, 502],
  ]) {
    assert.deepEqual((await answer(url, width)).slice(0, 2), [status, 'application/problem+json'], url);
  }
});

test('a_tap_on_a_card_is_said_and_answered_and_the_studio_shows_the_same_card', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await seeLamps(talk);
  const natt = track(talk).getByRole('listitem').filter({ hasText: 'Natt · 189 €' });
  assert.equal(await natt.getByRole('link', { name: 'See Natt' }).evaluate(link => link.href), `${stage.demo.shop}/natt`);
  await natt.getByRole('button', { name: 'Delivery' }).click();
  await log(talk).getByText('5 working days', { exact: false }).waitFor();

  const studio = await signIn(await person(t, { viewport: { width: 1440, height: 900 } }));
  await studio.getByRole('tab', { name: 'All' }).click();
  await inbox(studio).getByRole('listitem').first().click();
  const seen = studio.getByRole('log').getByRole('listitem').filter({ hasText: 'Dag · 149 €' }).last();
  await seen.getByRole('img', { name: 'A table lamp with a linen shade' }).evaluate(picture => picture.decode());
  assert.equal(await seen.getByRole('button', { name: 'Delivery' }).isDisabled(), true, 'it is the visitor who is asked');
  for (const screen of [frameOf(page), studio]) assert.deepEqual(await axe(screen), []);
});

test('a_carousel_fits_the_narrowest_phone_with_large_text', async t => {
  const page = await openPage(await person(t, { viewport: { width: 320, height: 640 }, colorScheme: 'dark' }));
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  await page.getByRole('button', { name: 'See our lamps' }).click();
  await page.getByRole('img', { name: 'A table lamp with a linen shade' }).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing stands out at the side');
  assert.deepEqual(await axe(page), []);
});
