// What a representative sees and does in the studio, with a visitor and a colleague in browsers of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrived, chat, inbox, launcher, log, reply, say, scene } from './scene.mjs';

const stage = scene();
const { openChat, openPage, person, signIn } = stage;
const wide = { viewport: { width: 1440, height: 900 } };
const JONAS = 'jonas@lykta.localhost';

const view = (studio, name) => studio.getByRole('tab', { name: new RegExp(`^${name}`) });
const row = (studio, text) => inbox(studio).getByRole('listitem').filter({ hasText: text });
const action = (studio, name) => studio.getByRole('button', { name: new RegExp(`^${name}`) }).first();
const account = async (studio, item) => {
  await studio.getByRole('button', { name: 'Your account and settings' }).click();
  await studio.getByRole('menu').getByText(item, { exact: true }).click();
};
async function write(studio, text) {
  await reply(studio).fill(text);
  await reply(studio).press('Enter');
}

/** A visitor who has said `text`, and the studio with that conversation open. */
async function meet(t, text) {
  const visitor = await openChat(await person(t));
  await say(chat(visitor), text);
  await log(chat(visitor)).getByText(arrived).first().waitFor();
  const studio = await signIn(await person(t, wide));
  await find(studio, text);
  return { visitor, studio, talk: chat(visitor) };
}
/** Opens the conversation that says `text`: the newest one. */
async function find(studio, text) {
  await view(studio, 'All').click();
  await row(studio, '').first().click();
  await studio.getByRole('log').getByText(text).first().waitFor();
}

test('the_inbox_shows_who_waits_what_is_mine_and_everything_and_finds_words', async t => {
  const studio = await signIn(await person(t, wide));
  await row(studio, 'Amelie Roth').getByText(/^Waiting/).waitFor();
  assert.equal(await row(studio, 'Tomasz').count(), 0, 'whom Nora answers waits for nobody');
  await view(studio, 'Unassigned').getByText('2', { exact: true }).waitFor();
  await view(studio, 'Mine').click();
  await row(studio, 'Tomasz Zielinski').getByText('unread').waitFor({ state: 'attached' });
  assert.equal(await row(studio, 'Amelie').count(), 0);
  await view(studio, 'All').click();
  await row(studio, 'Amelie').waitFor();
  await row(studio, 'Tomasz').waitFor();

  const search = studio.getByRole('searchbox', { name: 'Search conversations' });
  await search.fill('millimetre of nothing');
  await studio.getByRole('heading', { name: 'Nothing found' }).waitFor();
  await search.fill('clamp straight');
  await row(studio, 'Tomasz').waitFor();
  assert.equal(await inbox(studio).getByRole('listitem').count(), 1);
  await studio.getByRole('button', { name: 'Clear the search' }).click();
  await row(studio, 'Amelie').waitFor();
  assert.equal(await row(studio, 'Maja').count(), 0, 'what is closed is out of the way');
  await studio.getByRole('button', { name: 'List options' }).click();
  await studio.getByRole('menuitemcheckbox', { name: 'Include closed' }).click();
  await row(studio, 'Maja').waitFor();

  // Looked at, it is unread no longer.
  await row(studio, 'Tomasz').click();
  await studio.getByRole('log').getByText('Good idea', { exact: false }).waitFor();
  await row(studio, 'Tomasz').getByText('unread').waitFor({ state: 'detached' });
});

test('a_conversation_is_handed_back_closed_and_opened_again', async t => {
  const { studio, talk } = await meet(t, 'I want a person here');
  await action(studio, 'Take over').click();
  await talk.getByText('Nora is answering', { exact: true }).waitFor();
  await action(studio, 'Hand back to bot').click();
  await talk.getByText('Alma, a bot, is answering').waitFor();
  await studio.getByText('The bot is answering.').waitFor();
  await say(talk, 'What is it made of?');
  await log(talk).getByText('Oak from within 200 km', { exact: false }).waitFor();

  await action(studio, 'Close').click();
  await log(talk).getByText('This conversation was closed.', { exact: false }).waitFor();
  await studio.getByText('This conversation is closed.', { exact: false }).waitFor();
  await action(studio, 'Open again').click();
  await log(talk).getByText('The conversation was opened again').waitFor();
  // Whoever writes into a closed conversation opens it, too.
  await action(studio, 'Close').click();
  await log(talk).getByText('This conversation was closed.', { exact: false }).last().waitFor();
  await say(talk, 'One more thing');
  await action(studio, 'Close').waitFor();
});

test('a_note_never_reaches_the_visitor', async t => {
  const context = await person(t);
  const heard = [];
  context.on('page', page => page.on('websocket', socket => socket.on('framereceived', ({ payload }) => heard.push(String(payload)))));
  const visitor = await openChat(context);
  await say(chat(visitor), 'Am I annoying?');
  await log(chat(visitor)).getByText(arrived).first().waitFor();
  const studio = await signIn(await person(t, wide));
  await find(studio, 'Am I annoying?');
  await action(studio, 'Take over').click();
  await studio.getByRole('button', { name: 'Note', exact: true }).click();
  await write(studio, 'Rather annoying, be patient');
  const note = studio.getByRole('log').getByRole('listitem').filter({ hasText: 'Rather annoying' });
  await note.getByText('Note for colleagues').waitFor();
  await studio.getByRole('button', { name: 'Reply', exact: true }).click();
  await write(studio, 'Not at all!');
  await log(chat(visitor)).getByText('Not at all!').waitFor();
  await visitor.reload();
  await launcher(visitor).click();
  await log(chat(visitor)).getByText('Not at all!').waitFor();
  assert.equal(await chat(visitor).getByText('Rather annoying').count(), 0);
  assert.ok(heard.some(frame => frame.includes('Not at all!')));
  assert.deepEqual(heard.filter(frame => frame.includes('Rather annoying')), []);
  // A colleague sees it.
  const colleague = await signIn(await person(t, wide), JONAS);
  await find(colleague, 'Am I annoying?');
  await colleague.getByRole('log').getByText('Rather annoying', { exact: false }).waitFor();
});

test('canned_replies_are_found_by_a_slash_filled_in_changed_and_deleted', async t => {
  const { studio, talk } = await meet(t, 'How long does delivery take, by the way?');
  await account(studio, 'Canned replies');
  await studio.getByRole('button', { name: 'New reply' }).click();
  const dialog = studio.getByRole('dialog', { name: 'New reply' });
  await dialog.getByLabel('Shortcut').fill('/thanks');
  await dialog.getByLabel('Text').fill('Thank you {name}, and good night.');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await studio.getByRole('list', { name: 'Canned replies' }).getByText('/thanks').waitFor();
  await studio.getByRole('button', { name: 'Change /thanks' }).click();
  await studio.getByRole('dialog', { name: 'Change reply' }).getByLabel('Text').fill('Thank you {name}, and good light.');
  await studio.getByRole('button', { name: 'Save' }).click();
  await studio.getByText('Thank you {name}, and good light.').waitFor();

  await row(studio, '').first().click();
  await action(studio, 'Take over').click();
  await reply(studio).pressSequentially('/');
  const offers = studio.getByRole('listbox', { name: 'Canned replies' });
  assert.equal(await offers.getByRole('option').count(), 6);
  await reply(studio).pressSequentially('tha');
  await offers.getByRole('option', { name: /^\/thanks/, selected: true }).waitFor();
  await reply(studio).press('Enter');
  // The visitor's name is made up: nobody is called by it.
  assert.equal(await reply(studio).inputValue(), 'Thank you, and good light.');
  await reply(studio).press('Enter');
  await log(talk).getByText('Thank you, and good light.').waitFor();

  await account(studio, 'Canned replies');
  await studio.getByRole('button', { name: 'Delete /thanks' }).click();
  await studio.getByText('/thanks').waitFor({ state: 'detached' });
});

test('two_representatives_see_each_other_before_they_both_answer', async t => {
  const { studio, talk } = await meet(t, 'Who of you is quicker?');
  const colleague = await signIn(await person(t, wide), JONAS);
  await find(colleague, 'Who of you is quicker?');
  await studio.getByText('Jonas is looking at this conversation, too').waitFor();
  await colleague.getByText('Nora is looking at this conversation, too').waitFor();

  await action(studio, 'Take over').click();
  await colleague.getByText('Nora is answering.').waitFor();
  await reply(studio).pressSequentially('I am nearly');
  await colleague.getByText('Nora is writing here right now').waitFor();
  await colleague.getByRole('button', { name: 'Take over to reply' }).click();
  await write(colleague, 'Jonas was quicker');
  await log(talk).getByText('Jonas was quicker').waitFor();
  // Nora keeps her words, but cannot send them over Jonas's head.
  await studio.getByText('Jonas is answering.').waitFor();
  await colleague.keyboard.press('Escape');
  await colleague.keyboard.press('Escape');
  await studio.getByText('Jonas is looking at this conversation, too').waitFor({ state: 'detached' });
  await studio.getByRole('button', { name: 'Take over to reply' }).click();
  assert.equal(await reply(studio).inputValue(), 'I am nearly');
});

test('the_whole_desk_goes_by_keyboard', async t => {
  const visitor = await openChat(await person(t));
  await say(chat(visitor), 'By keyboard, please');
  await log(chat(visitor)).getByText(arrived).first().waitFor();
  const studio = await signIn(await person(t, wide));
  const press = async (...keys) => {
    for (const key of keys) await studio.keyboard.press(key);
  };
  await press('?');
  const sheet = studio.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await sheet.getByText('Take over', { exact: true }).waitFor();
  await press('Escape');
  await sheet.waitFor({ state: 'hidden' });
  await press('3');
  await row(studio, 'Tomasz').waitFor();
  await press('/');
  await studio.keyboard.type('keyboard please');
  await row(studio, 'Tomasz').waitFor({ state: 'detached' });
  await row(studio, '').waitFor();
  await press('Escape', 'j', 'Enter');
  await studio.getByRole('log').getByText('By keyboard, please').waitFor();
  await press('t');
  await reply(studio).and(studio.locator(':focus')).waitFor();
  await studio.keyboard.type('Gladly, t and j are letters here.');
  await press('Enter');
  await log(chat(visitor)).getByText('Gladly, t and j are letters here.').waitFor();
  await press('Escape', 'n');
  await studio.getByRole('textbox', { name: 'Note for colleagues' }).and(studio.locator(':focus')).waitFor();
  await studio.keyboard.type('Likes keyboards');
  await press('Enter');
  await studio.getByRole('log').getByText('Likes keyboards').waitFor();
  await press('Escape', 'd');
  await studio.getByRole('complementary', { name: 'About the visitor' }).waitFor();
  await press('d', 'b');
  await chat(visitor).getByText('Alma, a bot, is answering').waitFor();
  await press('e');
  await log(chat(visitor)).getByText('This conversation was closed.', { exact: false }).waitFor();
  await press('e');
  await log(chat(visitor)).getByText('The conversation was opened again').waitFor();
  await press('Escape');
  await studio.getByRole('heading', { name: 'No conversation open' }).waitFor();
  // The focus is where one came from.
  await row(studio, '').getByRole('link').and(studio.locator(':focus')).waitFor();
});

test('whoever_waits_is_counted_in_the_title_and_heard_if_wanted', async t => {
  const context = await person(t, wide);
  await context.addInitScript(() => {
    self.tones = 0;
    const { start } = AudioScheduledSourceNode.prototype;
    AudioScheduledSourceNode.prototype.start = function (...when) {
      self.tones++;
      return start.apply(this, when);
    };
  });
  const studio = await signIn(context);
  const count = async () => Number((await studio.title()).match(/^\((\d+)\) /)?.[1] ?? 0);
  await studio.waitForFunction(() => /^\(\d+\) Lykta/.test(document.title));
  const waiting = await count();
  const ask = async () => {
    const visitor = await openPage(await person(t));
    await say(visitor, 'I want to talk to a person');
  };
  await ask();
  await studio.waitForFunction(count => document.title.startsWith(`(${count}) `), waiting + 1);
  assert.equal(await studio.evaluate(() => self.tones), 0, 'the sound is off until somebody asks for it');
  await account(studio, 'Sound for new messages');
  const sample = await studio.evaluate(() => self.tones);
  assert.ok(sample > 0);
  await ask();
  await studio.waitForFunction(tones => self.tones >= 2 * tones, sample);
  await studio.waitForFunction(count => document.title.startsWith(`(${count}) `), waiting + 2);
});

test('a_signed_in_device_that_one_does_not_know_is_signed_out_at_once', async t => {
  const here = await signIn(await person(t, wide)), there = await signIn(await person(t, wide));
  await account(here, 'Signed-in devices');
  const sessions = here.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await sessions.filter({ hasText: 'This device' }).waitFor();
  const before = await sessions.count();
  assert.ok(before >= 2);
  await sessions.getByRole('button', { name: /^Sign out/ }).first().click();
  await there.getByRole('heading', { name: 'Sign in to Portico' }).waitFor();
  await there.reload();
  await there.getByRole('heading', { name: 'Sign in to Portico' }).waitFor();
  await here.waitForFunction(count => document.querySelectorAll('ul[aria-label=Sessions] li').length == count, before - 1);
  const third = await signIn(await person(t, wide));
  await account(here, 'Canned replies');
  await account(here, 'Signed-in devices');
  await here.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await third.getByRole('heading', { name: 'Sign in to Portico' }).waitFor();
  await account(here, 'Sign out');
  await here.getByRole('heading', { name: 'Sign in to Portico' }).waitFor();
});

test('a_wrong_password_is_told_and_guessing_is_slowed_down', async t => {
  const studio = await (await person(t, wide, /status of 429/)).newPage();
  await studio.goto(stage.demo.studio);
  await studio.getByLabel('E-mail').fill(JONAS);
  const guess = async password => {
    await studio.getByLabel('Password', { exact: true }).fill(password);
    const answered = studio.waitForResponse(response => response.url().endsWith('/sign-in'));
    await studio.getByRole('button', { name: 'Sign in', exact: true }).click();
    return (await answered).status();
  };
  assert.equal(await guess('guess 0'), 401);
  await studio.getByRole('alert').getByText('E-mail and password do not match.', { exact: false }).waitFor();
  let status = 401;
  for (let number = 1; status == 401 && number < 10; number++) status = await guess(`guess ${number}`);
  assert.equal(status, 429);
  await studio.getByText(/^Too many attempts\. Try again in \d+ seconds?\.$/).waitFor();
  assert.equal(await guess(stage.demo.password), 429, 'the right one has to wait, too');
});

test('words_can_be_changed_and_removed_for_everybody', async t => {
  const { studio, talk } = await meet(t, 'My card is 4111');
  await action(studio, 'Take over').click();
  await write(studio, 'Yours sincreely');
  await log(talk).getByText('Yours sincreely').waitFor();
  const said = studio.getByRole('log').getByRole('listitem');
  await said.filter({ hasText: 'sincreely' }).getByRole('button', { name: 'Change this message' }).click();
  await write(studio, 'Yours sincerely');
  await log(talk).getByText('Yours sincerely').waitFor();
  await log(talk).getByText(/ · edited/).waitFor();
  await said.filter({ hasText: 'My card is 4111' }).getByRole('button', { name: 'Remove the words of this message' }).click();
  await studio.getByRole('dialog').getByRole('button', { name: 'Remove for good' }).click();
  await log(talk).getByText('Message removed').waitFor();
  assert.equal(await log(talk).getByText('4111').count(), 0);
});
