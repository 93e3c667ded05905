// What goes wrong on the way, and what visitors notice of it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { arrived, chat, composer, frameOf, isAlive, launcher, log, reply, say, scene, watched } from './scene.mjs';
import { launchProfile, temporaryFolder } from './tools.mjs';

const stage = scene();
const { openChat, openPage, person, takeOver } = stage;

test('a_lost_connection_is_a_quiet_line_and_words_wait_for_it_to_come_back', async t => {
  const page = await openChat(await person(t));
  const talk = chat(page);
  await say(talk, 'Before');
  await log(talk).getByText(arrived).first().waitFor();
  await stage.demo.kill();
  const line = talk.getByRole('status').filter({ hasText: 'Reconnecting…' });
  await line.waitFor();
  const box = await line.boundingBox();
  assert.ok(box.height < 60, `a quiet line is not ${box.height} px high`);
  await say(talk, 'Meanwhile');
  const row = log(talk).getByRole('listitem').filter({ hasText: 'Meanwhile' });
  await row.getByText(/ · Sending…$/).waitFor();
  await composer(talk).fill('And I go on writing');
  await stage.demo.restart();
  await row.getByText(arrived).waitFor();
  await line.waitFor({ state: 'hidden' });
  assert.equal(await composer(talk).inputValue(), 'And I go on writing');
});

test('without_a_network_the_chat_says_so_and_sends_what_was_written_when_it_is_back', async t => {
  const context = await person(t, {}, /ERR_INTERNET_DISCONNECTED/);
  const page = await openChat(context);
  const talk = chat(page);
  await say(talk, 'Before the tunnel');
  await log(talk).getByText(arrived).first().waitFor();
  await context.setOffline(true);
  await talk.getByText('You are offline. What you write will be sent when you are back.').waitFor();
  await say(talk, 'In the tunnel');
  await context.setOffline(false);
  const row = log(talk).getByRole('listitem').filter({ hasText: 'In the tunnel' });
  await row.getByText(arrived).waitFor();
  await talk.getByText('You are offline.', { exact: false }).waitFor({ state: 'hidden' });
  assert.equal(await row.count(), 1);
});

test('what_the_server_refuses_can_be_sent_again_or_discarded', async t => {
  const context = await person(t);
  // A proxy on the way spoils what is said, until it is mended: the server refuses more than it allows.
  let isBroken = true;
  await context.routeWebSocket(/\/ws$/, socket => {
    const server = socket.connectToServer();
    const spoil = frame => frame.replace(/"text":"(Refuse[^"]*)"/, (_, text) => `"text":"${text.repeat(400)}"`);
    socket.onMessage(frame => server.send(isBroken ? spoil(frame) : frame));
  });
  const page = await openChat(context);
  const talk = chat(page);
  await say(talk, 'Fine');
  await log(talk).getByText(arrived).first().waitFor();
  const row = text => log(talk).getByRole('listitem').filter({ hasText: text });
  await say(talk, 'Refuse one');
  await row('Refuse one').getByText(/ · Not sent/).waitFor();
  await say(talk, 'Refuse two');
  await row('Refuse two').getByRole('button', { name: 'Discard' }).click();
  await row('Refuse two').waitFor({ state: 'hidden' });
  // Refused words stay through a reload.
  await page.reload();
  await launcher(page).click();
  await row('Refuse one').getByText(/ · Not sent/).waitFor();
  isBroken = false;
  await row('Refuse one').getByRole('button', { name: 'Try again' }).click();
  await row('Refuse one').getByText(arrived).waitFor();
  assert.equal(await row('Refuse one').count(), 1);
  assert.equal(await row('Refuse two').count(), 0);
});

test('where_sockets_are_blocked_the_same_frames_go_by_events_and_post', async t => {
  const context = await person(t, {}, /blocked|BLOCKED/i);
  // As a network that lets no socket through: none ever opens.
  await context.addInitScript(() => {
    const Real = self.WebSocket;
    self.WebSocket = class extends EventTarget {
      constructor() {
        super();
        self.refused = (self.refused ?? 0) + 1;
        queueMicrotask(() => {
          this.onerror?.(new Event('error'));
          this.onclose?.(new CloseEvent('close', { code: 1006 }));
        });
      }
      close() {}
      send() {}
    };
    Object.assign(self.WebSocket, { OPEN: Real.OPEN });
  });
  const asked = [];
  context.on('request', request => asked.push(`${request.method()} ${new URL(request.url()).pathname.replace(/live\/.*/, 'live/…')}`));
  const page = await openChat(context, '/dag');
  const talk = chat(page);
  await say(talk, 'What is it made of?');
  await log(talk).getByText('Oak from within 200 km', { exact: false }).waitFor();
  await say(talk, 'I want to talk to a person');
  const studio = await takeOver(await person(t));
  await reply(studio).pressSequentially('By post');
  await talk.getByText('Nora is typing…').waitFor();
  await reply(studio).press('Enter');
  await log(talk).getByText('By post').waitFor();
  assert.ok((await frameOf(page).evaluate(() => self.refused)) >= 2);
  for (const way of ['POST /api/v1/live', 'GET /api/v1/live/…', 'POST /api/v1/live/…']) assert.ok(asked.includes(way), way);
});

test('where_cookies_are_blocked_the_page_keeps_a_handle_but_only_after_opening', async t => {
  const folder = temporaryFolder(t);
  // Chromium's own setting: no cookies and no storage for the chat host.
  mkdirSync(join(folder, 'Default'));
  const host = new URL(stage.demo.chat).host;
  const exceptions = { cookies: { [`http://${host},*`]: { setting: 2 } } };
  writeFileSync(join(folder, 'Default', 'Preferences'), JSON.stringify({ profile: { content_settings: { exceptions } } }));
  const context = watched(t, await launchProfile(folder));
  const page = await context.newPage();
  const kept = () => page.evaluate(() => Object.keys(localStorage));
  await page.goto(`${stage.demo.shop}/dag`);
  await page.waitForFunction(() => self.Portico?.mount);
  assert.deepEqual(await kept(), []);
  await launcher(page).click();
  const talk = chat(page);
  await isAlive(talk);
  await say(talk, 'No cookies, please');
  await log(talk).getByText(arrived).first().waitFor();
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await frameOf(page).evaluate(() => {
    try {
      return localStorage.length;
    } catch (error) {
      return error.name;
    }
  }), 'SecurityError');
  assert.deepEqual(await kept(), ['portico:lykta']);
  await page.goto(`${stage.demo.shop}/natt`);
  await launcher(page).click();
  await log(talk).getByText('No cookies, please').waitFor();
  await say(talk, 'Still me');
  await log(talk).getByText(arrived).last().waitFor();
  // Whoever ends the conversation leaves nothing.
  await talk.getByRole('button', { name: 'Menu' }).click();
  await talk.getByRole('button', { name: 'End the conversation' }).click();
  await talk.getByRole('dialog').getByRole('button', { name: 'End the conversation' }).click();
  await talk.getByRole('heading', { name: 'The conversation has ended' }).waitFor();
  assert.deepEqual(await kept(), []);
});

test('a_server_that_says_too_fast_loses_no_word', async t => {
  const page = await openPage(await person(t));
  const count = 24; // Twenty are taken at once, then one a second.
  for (let number = 1; number <= count; number++) await say(page, `Quick ${number}.`);
  await log(page).getByRole('listitem').filter({ hasText: `Quick ${count}.` }).getByText(arrived).waitFor();
  await page.reload();
  await log(page).getByText(`Quick ${count}.`).waitFor();
  const numbers = (await log(page).allInnerTexts()).join('\n').match(/Quick \d+/g).map(text => Number(text.slice(6)));
  assert.deepEqual(numbers, [...numbers.keys()].map(index => index + numbers[0]), 'in order, none doubled');
  assert.equal(numbers.at(-1), count);
});
