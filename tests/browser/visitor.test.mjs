// What a visitor sees and does in the chat.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { arrived, chat, composer, frameOf, inbox, isAlive, launcher, log, phone, reply, say, scene } from './scene.mjs';
import { hide, show, workspace } from './tools.mjs';

const stage = scene();
const { openChat, openPage, person, takeOver } = stage;

const texts = language => JSON.parse(readFileSync(new URL(`public/locales/${language}.json`, workspace), 'utf8'));
const menu = (chat, name = 'Menu') => chat.getByRole('button', { name });

async function answer(studio, text) {
  await reply(studio).fill(text);
  await reply(studio).press('Enter');
}

test('the_header_leads_to_the_proof_and_from_there_to_the_proof_page', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await talk.getByRole('button', { name: /^Lykta Verified/ }).click();
  const sheet = talk.getByRole('dialog', { name: 'Lykta' });
  await sheet.getByText(`You are talking to ${new URL(stage.demo.shop).host}.`, { exact: false }).waitFor();
  await sheet.getByText('File on its website').waitFor();
  for (const fact of ['Domain', 'Proven by', 'Checked by', 'Last checked', 'Valid until']) {
    await sheet.getByRole('term').filter({ hasText: fact }).waitFor();
  }
  const link = sheet.getByRole('link', { name: 'Check this proof yourself' });
  assert.equal(await link.evaluate(link => link.href), `${stage.demo.chat}/v/lykta`);
  // Escape takes the sheet away, and leaves the chat.
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'hidden' });
  await composer(talk).waitFor();
});

test('the_brand_writes_limited_markdown_the_visitor_plain_words_and_both_links', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await say(talk, 'Not **bold**, but https://lykta.example/a_b');
  await log(talk).getByText(arrived).first().waitFor();
  const studio = await takeOver(await person(t));
  await answer(studio, 'Some **bold**, *soft*, [a label](https://lykta.example/x), <b>no markup</b> and [no script](javascript:alert(1))');
  await answer(studio, 'And a second thought.');

  await log(talk).getByText('And a second thought.').waitFor();
  const bubble = log(talk).getByText('no markup', { exact: false });
  assert.equal(await bubble.getByRole('strong').innerText(), 'bold');
  assert.equal(await bubble.getByRole('emphasis').innerText(), 'soft');
  assert.deepEqual(await bubble.getByRole('link').evaluateAll(links => links.map(link => [link.textContent, link.href, link.target, link.rel])), [
    ['a label', 'https://lykta.example/x', '_blank', 'noopener noreferrer nofollow ugc'],
  ]);
  assert.match(await bubble.innerText(), /<b>no markup<\/b> and \[no script\]\(javascript:alert\(1\)\)/);
  const own = log(talk).getByText('Not **bold**, but', { exact: false });
  assert.equal(await own.getByRole('link').evaluate(link => link.href), 'https://lykta.example/a_b');
  // What one person says in one breath is one group: one name above it, one time below.
  const group = log(talk).getByRole('listitem').filter({ hasText: /no markup|second thought/ });
  assert.deepEqual(await group.evaluateAll(rows => rows.map(row => [row.innerText.startsWith('Nora'), /\d:\d\d/.test(row.innerText)])), [
    [true, false],
    [false, true],
  ]);
  const names = await log(talk).getByText('Nora', { exact: true }).count();
  assert.equal(names, 1);
});

test('emoji_alone_are_large_and_each_message_has_its_own_direction', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  for (const text of ['🎉👍🏽', 'Fine 🎉', 'مرحبًا بكم']) await say(talk, text);
  const style = text => log(talk).getByText(text, { exact: true }).first().evaluate(bubble => {
    const { fontSize, direction } = getComputedStyle(bubble);
    return { size: parseFloat(fontSize), direction, dir: bubble.dir };
  });
  const [alone, mixed, arabic] = [await style('🎉👍🏽'), await style('Fine 🎉'), await style('مرحبًا بكم')];
  assert.ok(alone.size >= 2 * mixed.size, `${alone.size} px beside ${mixed.size} px`);
  assert.deepEqual([mixed.dir, mixed.direction, arabic.dir, arabic.direction], ['auto', 'ltr', 'auto', 'rtl']);
});

test('the_composer_grows_with_the_words_and_says_how_many_are_left', async t => {
  const talk = chat(await openChat(await person(t)));
  const field = composer(talk);
  const height = async () => (await field.boundingBox()).height;
  const one = await height();
  await field.pressSequentially('One');
  for (const word of ['Two', 'Three']) {
    await field.press('Shift+Enter');
    await field.pressSequentially(word);
  }
  assert.ok((await height()) > 2 * one, 'three lines are taller than two times one');
  await field.fill('line\n'.repeat(60));
  assert.ok((await height()) < 12 * one, 'a long text scrolls inside the field');
  await field.fill('x'.repeat(3071));
  await talk.getByText('1 character left').waitFor();
  await field.fill('x'.repeat(3074));
  await talk.getByText('2 characters too many').waitFor();
  await field.press('Enter');
  assert.equal((await field.inputValue()).length, 3074, 'what is too long is not sent');
  await field.fill('One\nTwo');
  await field.press('Enter');
  const lines = await log(talk).getByText('OneTwo').innerText();
  assert.equal(lines, 'One\nTwo');
  assert.equal(await field.inputValue(), '');
  assert.equal(await height(), one);
});

test('a_draft_is_there_again_after_a_reload_and_on_another_page', async t => {
  const page = await openChat(await person(t));
  await say(chat(page), 'Something first');
  await composer(chat(page)).pressSequentially('Half a tho');
  await frameOf(page).waitForFunction(() => Object.entries(localStorage).some(pair => pair[0].includes('/draft/') && pair[1] == 'Half a tho'));
  for (const path of ['/dag', '/natt']) {
    await page.goto(stage.demo.shop + path);
    await launcher(page).click();
    await log(chat(page)).getByText('Something first').waitFor();
    assert.equal(await composer(chat(page)).inputValue(), 'Half a tho');
  }
  await composer(chat(page)).press('Enter');
  await log(chat(page)).getByText('Half a tho').waitFor();
  await page.reload();
  await launcher(page).click();
  await log(chat(page)).getByText('Half a tho').waitFor();
  assert.equal(await composer(chat(page)).inputValue(), '', 'what was sent is a draft no longer');
});

for (const isSent of [false, true]) test(`one_writes_${isSent ? 'and_sends_' : ''}before_the_code_is_there`, async t => {
  const page = await (await person(t)).newPage();
  let release;
  const isReleased = new Promise(resolve => (release = resolve));
  await page.route('**/*.wasm', async route => {
    await isReleased;
    await route.continue();
  });
  await page.goto(stage.demo.shop);
  await launcher(page).click();
  await composer(chat(page)).and(chat(page).locator(':focus')).waitFor();
  await page.keyboard.type('Quicker than the code');
  if (isSent) await page.keyboard.press('Enter');
  release();
  await isAlive(chat(page));
  if (!isSent) await page.keyboard.press('Enter');
  await log(chat(page)).getByText('Quicker than the code', { exact: true }).waitFor();
  assert.equal(await composer(chat(page)).inputValue(), '');
});

test('whoever_comes_back_sees_what_was_said_and_no_greeting_before_it', async t => {
  const context = await person(t);
  const first = await openChat(context);
  await say(chat(first), 'I will be back');
  await log(chat(first)).getByText(arrived).first().waitFor();
  await first.close();
  await context.addInitScript(() => {
    new MutationObserver((_, observer) => {
      const rows = document.querySelectorAll('[role=log] li');
      if (!rows.length) return;
      observer.disconnect();
      self.firstShown = [...rows].map(row => row.textContent).join();
    }).observe(document, { childList: true, subtree: true });
  });
  const page = await openChat(context);
  assert.match(await frameOf(page).evaluate(() => self.firstShown), /I will be back/);
});

test('enter_ends_a_composition_and_sends_nothing', async t => {
  const context = await person(t);
  const page = await openPage(context);
  const session = await context.newCDPSession(page);
  await composer(page).focus();
  await session.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await page.keyboard.press('Enter');
  await session.send('Input.insertText', { text: '日本' });
  assert.equal((await composer(page).inputValue()).trim(), '日本');
  assert.equal(await log(page).getByText('にほん').count(), 0);
  await page.keyboard.press('Enter');
  await log(page).getByText('日本', { exact: true }).waitFor();
  assert.equal(await log(page).getByRole('listitem').filter({ hasText: /にほん/ }).count(), 0);
});

test('a_message_goes_from_sent_to_delivered_to_read', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await say(talk, 'Talk to a person');
  await log(talk).getByText(arrived).first().waitFor();
  const studio = await takeOver(await person(t));
  await talk.getByText('Nora is answering', { exact: true }).waitFor();
  // With the conversation left, nobody of the brand receives it: the server has it, no more.
  await studio.keyboard.press('Escape');
  await studio.keyboard.press('Escape');
  await studio.getByRole('heading', { name: 'No conversation open' }).waitFor();
  await say(talk, 'Who sees this?');
  const row = log(talk).getByRole('listitem').filter({ hasText: 'Who sees this?' });
  await row.getByText(/ · Sent$/).waitFor();
  await hide(studio);
  await inbox(studio).getByRole('listitem').first().click();
  await row.getByText(/ · Delivered$/).waitFor();
  await show(studio);
  await row.getByText(/ · Read$/).waitFor();
});

test('a_screen_reader_is_told_each_message_of_the_brand_once_and_none_of_ones_own', async t => {
  const page = await openPage(await person(t));
  await page.evaluate(() => {
    self.told = [];
    const live = [...document.querySelectorAll('[aria-live=polite]')];
    const note = () => live.forEach(region => region.textContent.trim() && self.told.push(region.textContent));
    live.forEach(region => new MutationObserver(note).observe(region, { childList: true, subtree: true, characterData: true }));
  });
  await say(page, 'What is it made of?');
  await log(page).getByText('Oak from within 200 km', { exact: false }).waitFor();
  await say(page, 'Thanks');
  await log(page).getByText(arrived).last().waitFor();
  const told = await page.evaluate(() => self.told.join('\n'));
  assert.equal(told.split('Oak from within 200 km').length, 2, told);
  assert.ok(!told.includes('What is it made of?'), told);
  assert.match(told, /^Alma: /);
});

test('the_sound_is_off_until_asked_for_and_silent_while_one_looks', async t => {
  const context = await person(t);
  await context.addInitScript(() => {
    self.tones = 0;
    const { start } = AudioScheduledSourceNode.prototype;
    AudioScheduledSourceNode.prototype.start = function (...when) {
      self.tones++;
      return start.apply(this, when);
    };
  });
  const page = await openChat(context);
  const talk = chat(page);
  const tones = () => frameOf(page).evaluate(() => self.tones);
  await say(talk, 'Talk to a person');
  await log(talk).getByText(arrived).first().waitFor();
  const studio = await takeOver(await person(t));
  await launcher(page).click();
  await answer(studio, 'Unheard');
  await page.getByRole('button', { name: /^Chat \(\d+\)$/ }).waitFor();
  assert.equal(await tones(), 0);

  await launcher(page).click();
  await log(talk).getByText('Unheard').waitFor();
  await menu(talk).click();
  await talk.getByRole('switch', { name: 'Sound for new messages' }).click();
  const sample = await tones();
  assert.ok(sample > 0, 'turned on, it is heard once');
  await page.keyboard.press('Escape');
  await answer(studio, 'While looking');
  await log(talk).getByText('While looking').waitFor();
  assert.equal(await tones(), sample);
  await launcher(page).click();
  await answer(studio, 'Heard');
  await page.getByRole('button', { name: 'Chat (1)' }).waitFor();
  assert.equal(await tones(), 2 * sample);
  // The choice outlives the page.
  await page.reload();
  await launcher(page).click();
  await menu(talk).click();
  await talk.getByRole('switch', { name: 'Sound for new messages', checked: true }).waitFor();
});

test('the_full_page_is_the_same_chat_and_counts_in_its_title_what_came_unseen', async t => {
  const page = await openPage(await person(t));
  assert.equal(await page.title(), 'Lykta');
  assert.equal(await page.getByRole('button', { name: 'Close' }).count(), 0, 'there is no panel to close');
  await say(page, 'Talk to a person');
  await log(page).getByText(arrived).first().waitFor();
  const studio = await takeOver(await person(t));
  await page.getByText('Nora is answering', { exact: true }).waitFor();
  await hide(page);
  await answer(studio, 'One');
  await answer(studio, 'Two');
  await page.waitForFunction(() => document.title == '(2) Lykta');
  await show(page);
  await page.waitForFunction(() => document.title == 'Lykta');
});

test('the_chat_in_the_flow_of_the_page_talks_too', async t => {
  const page = await (await person(t)).newPage();
  await page.goto(`${stage.demo.shop}/contact`);
  await page.getByRole('main').getByRole('button', { name: 'Chat' }).click();
  await isAlive(chat(page));
  await say(chat(page), 'From within the page');
  await log(chat(page)).getByText(arrived).first().waitFor();
  assert.equal(await page.locator('portico-launcher').getByRole('button').count(), 0);
});

test('the_page_hears_that_messages_go_and_come_and_not_one_word_of_them', async t => {
  const page = await (await person(t)).newPage();
  await page.addInitScript(() => addEventListener('message', ({ data }) => (self.heard ??= []).push(JSON.stringify(data))));
  await page.goto(`${stage.demo.shop}/dag`);
  await page.waitForFunction(() => self.Portico?.mount);
  await page.evaluate(() => {
    self.events = [];
    for (const name of ['message-sent', 'message-received']) Portico('on', name, () => self.events.push(name));
    Portico('open');
  });
  await isAlive(chat(page));
  await say(chat(page), 'What is it made of?');
  await log(chat(page)).getByText('Oak from within 200 km', { exact: false }).waitFor();
  await page.waitForFunction(() => self.events.includes('message-received'));
  assert.equal(await page.evaluate(() => self.events[0]), 'message-sent');
  const heard = await page.evaluate(() => self.heard.join('\n'));
  assert.ok(heard.includes('message-sent') && !/made of|Oak/.test(heard), heard);
});

test('the_transcript_holds_who_said_what', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await say(talk, 'What is it made of?');
  await log(talk).getByText('Oak from within 200 km', { exact: false }).waitFor();
  await menu(talk).click();
  const [download] = await Promise.all([page.waitForEvent('download'), talk.getByRole('button', { name: 'Download transcript' }).click()]);
  assert.equal(download.suggestedFilename(), 'lykta.txt');
  const text = readFileSync(await download.path(), 'utf8');
  assert.match(text, /^Lykta · lykta\.localhost/);
  assert.match(text, / · You\nWhat is it made of\?\n[^]* · Alma\n[^]*Oak from within 200 km/);
});

test('the_look_that_was_chosen_stays', async t => {
  const page = await openChat(await person(t, { colorScheme: 'light' }));
  const talk = chat(page);
  const surface = () => frameOf(page).evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = 'var(--color-surface)';
    return [getComputedStyle(probe).color, probe.remove()][0];
  });
  const light = await surface();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await surface();
  assert.notEqual(dark, light, 'as the device has it');
  await menu(talk).click();
  await talk.getByLabel('Appearance').selectOption('Light');
  assert.equal(await surface(), light);
  await page.reload();
  await launcher(page).click();
  await composer(talk).waitFor();
  assert.equal(await surface(), light);
});

test('the_language_that_was_chosen_stays_and_back_still_closes_the_sheet', async t => {
  const page = await openChat(await person(t, { viewport: phone, hasTouch: true, isMobile: true }));
  const talk = chat(page);
  await say(talk, 'Before');
  await log(talk).getByText(arrived).first().waitFor();
  await menu(talk).click();
  await talk.getByLabel('Language').selectOption('Deutsch');
  await talk.getByRole('textbox', { name: texts('de').composer }).waitFor();
  await talk.getByText('Before').waitFor();
  await page.goBack();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.goto(`${stage.demo.shop}/dag`);
  await launcher(page).click();
  await talk.getByRole('textbox', { name: texts('de').composer }).waitFor();
  await menu(talk, texts('de').menu).click();
  await talk.getByLabel(texts('de').language).selectOption('English');
  await composer(talk).waitFor();
});

test('the_browser_decides_the_language_where_no_page_does_and_only_that_one_is_fetched', async t => {
  for (const [locale, language, other] of [['de-AT', 'de', 'es'], ['es-MX', 'es', 'de'], ['ar-EG', 'ar', 'de'], ['pt-BR', 'en', 'de']]) {
    const context = await person(t, { locale });
    const page = await context.newPage();
    const answers = [];
    page.on('response', response => answers.push(response));
    await page.goto(`${stage.demo.chat}/c/lykta`);
    await page.getByRole('textbox', { name: texts(language).composer }).waitFor();
    const bodies = await Promise.all(answers.map(answer => answer.text().catch(() => '')));
    const holds = text => bodies.some(body => body.includes(text));
    assert.ok(holds(texts(language).endedDetail) && !holds(texts(other).endedDetail), locale);
    assert.equal(await page.evaluate(() => document.documentElement.lang), language == 'en' ? 'en' : locale);
    assert.equal(await page.evaluate(() => document.documentElement.dir), language == 'ar' ? 'rtl' : 'ltr');
  }
});

test('plurals_and_numbers_are_those_of_the_language', async t => {
  const page = await openPage(await person(t, { locale: 'ar-EG' }));
  const words = texts('ar');
  const plural = new Intl.PluralRules('ar-EG');
  for (const left of [1, 2, 3, 11, 100]) {
    await page.getByRole('textbox').fill('x'.repeat(3072 - left));
    const text = words[`charactersLeft.${plural.select(left)}`].replace('{count}', left.toLocaleString('ar-EG'));
    await page.getByText(text, { exact: true }).waitFor();
  }
});

test('text_of_twice_the_size_fits_a_phone', async t => {
  const context = await person(t, { viewport: { width: 360, height: 740 } });
  const page = await openPage(context);
  const session = await context.newCDPSession(page);
  const size = () => log(page).getByText('Hello! I am Alma', { exact: false }).evaluate(bubble => parseFloat(getComputedStyle(bubble).fontSize));
  const before = await size();
  await session.send('Page.setFontSizes', { fontSizes: { standard: 32 } });
  await page.reload();
  await log(page).waitFor();
  assert.equal(await size(), 2 * before);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  const box = await page.getByRole('button', { name: 'Send' }).boundingBox();
  assert.ok(box.x + box.width <= 360 && box.y + box.height <= 740, JSON.stringify(box));
  await say(page, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
});

test('nothing_moves_for_those_who_asked_for_stillness', async t => {
  for (const [reducedMotion, moves] of [['no-preference', true], ['reduce', false]]) {
    const context = await person(t, { reducedMotion });
    // Every animation and transition that begins anywhere, whatever its length.
    await context.addInitScript(() => {
      self.moved = [];
      for (const kind of ['animationstart', 'transitionrun']) addEventListener(kind, event => self.moved.push(event), true);
    });
    const page = await openChat(context);
    await say(chat(page), 'Find a lamp');
    await chat(page).getByRole('button', { name: 'Beside the bed' }).waitFor();
    await menu(chat(page)).click();
    await chat(page).getByRole('dialog').waitFor();
    const durations = () => document.getAnimations().map(animation => animation.effect.getComputedTiming().duration);
    const shadow = await launcher(page).evaluate(button => button.getRootNode().getAnimations().length);
    const framed = await frameOf(page).evaluate(durations);
    const rise = await launcher(page).evaluate(button => getComputedStyle(button.getRootNode().querySelector('dialog')).animationName);
    assert.equal(rise, moves ? 'rise' : 'none');
    if (!moves) assert.deepEqual([shadow, framed.filter(duration => duration > 1)], [0, []]);
  }
});

test('a_phone_types_at_sixteen_pixels_and_keeps_clear_of_notches', async t => {
  const context = await person(t, { viewport: phone, hasTouch: true, isMobile: true });
  const page = await openChat(context);
  const size = await composer(chat(page)).evaluate(field => parseFloat(getComputedStyle(field).fontSize));
  assert.ok(size >= 16, `below 16 px phones zoom in: ${size}`);
  const session = await context.newCDPSession(page);
  const frame = async () => page.locator('iframe').boundingBox();
  assert.deepEqual(await frame(), { x: 0, y: 0, ...phone });
  await session.send('Emulation.setSafeAreaInsetsOverride', { insets: { top: 47, bottom: 34 } });
  assert.deepEqual(await frame(), { x: 0, y: 47, width: phone.width, height: phone.height - 47 - 34 });
});
