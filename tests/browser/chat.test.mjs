// A visitor and a representative, in the real shop, chat and studio.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, composer, launcher, log, phone, say, scene } from './scene.mjs';
import { axe, windowListeners } from './tools.mjs';

const stage = scene();
const { openChat, person, signIn } = stage;

test('a_visitor_is_answered_by_a_bot_that_says_so_and_then_by_a_person', async t => {
  const visitor = await openChat(await person(t), '/dag');
  const talk = chat(visitor);
  await talk.getByRole('img', { name: 'Verified' }).waitFor();
  await talk.getByText('Alma, a bot, is answering').waitFor();
  await say(talk, 'What is it made of?');
  await log(talk).getByText('Oak from within 200 km', { exact: false }).waitFor();
  await say(talk, 'I want to talk to a person');

  const studio = await signIn(await person(t, { viewport: { width: 1440, height: 900 } }));
  // Who has waited longest stands first.
  await studio.getByRole('list', { name: 'Conversations' }).getByRole('listitem').last().click();
  await studio.getByRole('log').getByText('What is it made of?').waitFor();
  await studio.getByRole('button', { name: 'Take over' }).first().click();
  await talk.getByText('Nora is answering', { exact: true }).waitFor();

  const reply = studio.getByRole('region', { name: 'Write' }).getByRole('textbox');
  await reply.pressSequentially('Hello, Nora here.');
  await talk.getByText('Nora is typing…').waitFor();
  await reply.press('Enter');
  await log(talk).getByText('Hello, Nora here.').waitFor();
  await composer(talk).pressSequentially('Hello Nora!');
  await studio.getByText(/typing/i).first().waitFor();
  await composer(talk).press('Enter');
  await studio.getByRole('log').getByText('Hello Nora!').waitFor();
  await log(talk).getByText(/ · Read$/).last().waitFor();

  // What is said while the panel is closed is counted on the launcher.
  await launcher(visitor).click();
  await reply.fill('Is there anything else?');
  await reply.press('Enter');
  await visitor.getByRole('button', { name: 'Chat (1)' }).waitFor();
});

test('before_opening_the_shop_asks_the_chat_host_for_one_file_and_keeps_nothing', async t => {
  const context = await person(t);
  const page = await context.newPage();
  const asked = [];
  page.on('request', request => asked.push(request.url()));
  for (const path of ['/', '/dag', '/contact']) {
    asked.length = 0;
    await page.goto(stage.demo.shop + path, { waitUntil: 'networkidle' });
    assert.deepEqual(asked.filter(url => !url.startsWith(stage.demo.shop)), [`${stage.demo.chat}/embed.js`]);
  }
  assert.deepEqual(await context.cookies(), []);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, '']);
  assert.deepEqual(await page.evaluate(() => indexedDB.databases()), []);
});

test('opening_takes_at_most_six_files_and_none_of_a_third_party', async t => {
  const context = await person(t);
  const page = await context.newPage();
  const files = new Set();
  page.on('request', request => request.url().startsWith(stage.demo.shop) || files.add(request.url()));
  await page.goto(stage.demo.shop);
  await page.waitForFunction(() => self.Portico?.mount);
  files.clear();
  await launcher(page).click();
  await composer(chat(page)).waitFor();
  assert.ok([...files].every(url => url.startsWith(stage.demo.chat)), [...files].join('\n'));
  const loaded = [...files].filter(url => !url.includes('/api/'));
  assert.ok(loaded.length <= 6, loaded.join('\n'));
});

test('twenty_client_side_navigations_leave_one_frame_one_socket_and_no_listener_more', async t => {
  const context = await person(t);
  const page = await context.newPage();
  const sockets = [];
  page.on('websocket', socket => sockets.push(socket));
  await page.goto(`${stage.demo.shop}/app/`);
  await launcher(page).click();
  await composer(chat(page)).waitFor();
  await say(chat(page), 'I go for a walk');
  await launcher(page).click();
  const count = async () => ({
    listeners: await windowListeners(page, /\/(embed|shop)\.js$/),
    frames: page.frames().length,
    launchers: await page.locator('portico-launcher').count(),
    sockets: sockets.filter(socket => !socket.isClosed()).length,
  });
  const atFirst = await count();
  assert.deepEqual({ frames: atFirst.frames, sockets: atFirst.sockets }, { frames: 2, sockets: 1 });
  for (let round = 0; round < 20; round++) {
    const [path, heading] = round % 2 ? ['/app/', 'Light for long evenings'] : ['/app/dag', 'Dag'];
    await page.locator(`a[href="${path}"], a[href="${path}#lamps"]`).first().evaluate((link, path) => {
      link.href = path;
      link.click();
    }, path);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  }
  assert.deepEqual(await count(), atFirst);
  for (let round = 0; round < 5; round++) {
    await page.goBack();
    await page.goForward();
  }
  assert.deepEqual(await count(), atFirst);
  await launcher(page).click();
  await log(chat(page)).getByText('I go for a walk').waitFor();
});

test('what_was_written_while_the_server_was_gone_arrives_once_after_a_reload', async t => {
  const context = await person(t);
  const page = await openChat(context);
  await say(chat(page), 'Hello there');
  await log(chat(page)).getByText(/ · (Sent|Delivered|Read)$/).first().waitFor();
  await stage.demo.kill();
  await say(chat(page), 'Is anybody there?');
  await page.goto('about:blank');
  await stage.demo.restart();
  await page.goto(stage.demo.shop);
  await launcher(page).click();
  await log(chat(page)).getByText('Is anybody there?').waitFor();
  await log(chat(page)).getByText(/ · (Sent|Delivered|Read)$/).first().waitFor();
  await page.reload();
  await launcher(page).click();
  await log(chat(page)).getByText('Is anybody there?').waitFor();
  assert.equal(await log(chat(page)).getByText('Is anybody there?').count(), 1);
});

test('two_tabs_share_one_socket_and_show_the_same', async t => {
  const context = await person(t);
  const sockets = [];
  context.on('page', page => page.on('websocket', socket => sockets.push(socket)));
  const first = await openChat(context);
  await say(chat(first), 'From the first tab');
  const second = await openChat(context, '/natt');
  await log(chat(second)).getByText('From the first tab').waitFor();
  await say(chat(second), 'From the second tab');
  await log(chat(first)).getByText('From the second tab').waitFor();
  assert.equal(sockets.filter(socket => !socket.isClosed()).length, 1);
  // The tab that holds the socket goes: the other takes over.
  await first.close();
  await say(chat(second), 'Still here');
  await log(chat(second)).getByText(/ · (Sent|Delivered|Read)$/).last().waitFor();
});

test('the_whole_way_goes_by_keyboard', async t => {
  const page = await (await person(t)).newPage();
  await page.goto(`${stage.demo.shop}/is`);
  await page.waitForFunction(() => self.Portico?.mount);
  await page.keyboard.press('Shift+Tab');
  for (let step = 0; step < 40; step++) {
    if (await launcher(page).evaluate(button => button.matches(':focus'))) break;
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await composer(chat(page)).waitFor();
  await page.frames().find(frame => frame.url().includes('/w/')).waitForFunction(() => document.activeElement.localName == 'textarea');
  await page.keyboard.type('Delivery');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('to Bergen?');
  await page.keyboard.press('Enter');
  await log(chat(page)).getByText('5 working days in the workshop', { exact: false }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.ok(await launcher(page).evaluate(button => button.matches(':focus')));
});

test('arabic_reads_from_right_to_left', async t => {
  const page = await (await person(t)).newPage();
  await page.goto(`${stage.demo.shop}/ar`);
  const button = page.getByRole('button', { name: 'محادثة' });
  assert.ok((await button.boundingBox()).x < 100, 'the launcher is at the end of the line, which is left');
  await button.click();
  await chat(page).getByRole('textbox').waitFor();
  const frame = page.frames().find(frame => frame.url().includes('/w/'));
  assert.equal(await frame.evaluate(() => getComputedStyle(document.body).direction), 'rtl');
  await chat(page).getByText('ألما').first().waitFor();
});

test('the_page_hands_over_what_the_visitor_looks_at_and_a_draft', async t => {
  const page = await (await person(t)).newPage();
  await page.goto(`${stage.demo.shop}/mane`);
  await page.getByRole('button', { name: 'Order Måne' }).click();
  await composer(chat(page)).waitFor();
  await page.frames().find(frame => frame.url().includes('/w/'))
    .waitForFunction(() => document.querySelector('textarea').value.startsWith('I would like to order Måne.'));
});

test('axe_finds_nothing_in_shop_chat_or_studio', async t => {
  const found = [];
  const look = async (name, frame) => found.push(...(await axe(frame)).map(line => `${name}: ${line}`));
  for (const [colorScheme, viewport] of [['light', { width: 1280, height: 800 }], ['dark', phone]]) {
    // Still: what is just fading in has no contrast yet.
    const context = await person(t, { colorScheme, viewport, reducedMotion: 'reduce' });
    const page = await context.newPage();
    for (const path of ['/', '/dag', '/delivery', '/contact', '/ar']) {
      await page.goto(stage.demo.shop + path);
      await look(`shop ${path} ${colorScheme}`, page);
    }
    const open = await openChat(context);
    await say(chat(open), 'Find a lamp');
    await chat(open).getByRole('button', { name: 'Beside the bed' }).waitFor();
    await look(`shop with chat ${colorScheme}`, open);
    await look(`chat ${colorScheme}`, open.frames().find(frame => frame.url().includes('/w/')));
    await open.goto(`${stage.demo.chat}/c/lykta`);
    await composer(open).waitFor();
    await look(`full page ${colorScheme}`, open);
    await open.goto(`${stage.demo.chat}/v/lykta`);
    await look(`proof ${colorScheme}`, open);
    await open.goto(stage.demo.studio);
    await open.getByLabel('E-mail').waitFor();
    await look(`sign-in ${colorScheme}`, open);
    const studio = await signIn(context);
    await look(`inbox ${colorScheme}`, studio);
    await studio.getByRole('list', { name: 'Conversations' }).getByRole('listitem').first().click();
    await studio.getByRole('log').waitFor();
    await look(`conversation ${colorScheme}`, studio);
  }
  assert.deepEqual(found, []);
});
