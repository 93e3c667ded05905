// Who the brand's back end says a visitor is; and that nobody else can say so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { binary } from './demo.mjs';
import { arrived, chat, inbox, isAlive, log, say, scene } from './scene.mjs';

let secret;
const stage = scene(async demo => {
  await demo.kill('SIGTERM');
  const options = ['--development', 'true', '--public-url', demo.chat, '--data', demo.data, '--log', 'off'];
  secret = execFileSync(binary, ['brand', 'identity', 'lykta', '--new-secret', ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  await demo.restart();
});

const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
/** What the shop's back end would sign; `change` spoils it. */
function token(subject, { key = secret, header = {}, ...claims } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const signed = [
    encode({ alg: 'HS256', typ: 'JWT', ...header }),
    encode({ sub: subject, aud: new URL(stage.demo.chat).host, iat: now, exp: now + 600, ...claims }),
  ].join('.');
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

async function openAs(t, identity, foreseen) {
  const context = await stage.person(t, {}, foreseen);
  const page = await context.newPage();
  await page.goto(`${stage.demo.shop}/dag`);
  await page.waitForFunction(() => self.Portico?.mount);
  await page.evaluate(identity => {
    Portico('identify', identity);
    Portico('open');
  }, identity);
  await isAlive(chat(page));
  return page;
}

test('whoever_the_back_end_signed_for_goes_on_on_every_device', async t => {
  const first = await openAs(t, token('ada-7', { name: 'Ada Byron' }));
  await say(chat(first), 'Ada was here');
  await log(chat(first)).getByText(arrived).first().waitFor();
  const second = await openAs(t, token('ada-7', { name: 'Ada Byron' }));
  await log(chat(second)).getByText('Ada was here').waitFor();

  const studio = await stage.signIn(await stage.person(t, { viewport: { width: 1440, height: 900 } }));
  await studio.getByRole('tab', { name: 'All' }).click();
  await inbox(studio).getByRole('listitem').filter({ hasText: 'Ada Byron' }).click();
  await studio.getByRole('button', { name: 'About the visitor' }).click();
  await studio.getByText('Identity signed by your back end').waitFor();
});

test('somebody_known_finds_what_was_said_days_ago_under_its_date', async t => {
  // The sixth conversation of the demo's past is that of a customer, of the day before.
  const page = await openAs(t, token('customer-5', { name: 'Maja Haugen' }));
  const talk = chat(page);
  await log(talk).getByText('My Vind does not charge any more', { exact: false }).waitFor();
  await say(talk, 'It works again!');
  await log(talk).getByText(arrived).first().waitFor();
  const rows = await log(talk).getByRole('listitem').allInnerTexts();
  const yesterday = rows.findIndex(row => row == 'Yesterday'), today = rows.findIndex(row => row == 'Today');
  const at = words => rows.findIndex(row => row.includes(words));
  assert.ok(0 <= yesterday && yesterday < at('My Vind') && at('Wonderful, thank you') < today && today < at('It works again!'), rows.join('\n'));
  assert.equal(rows.filter(row => row == 'Today' || row == 'Yesterday').length, 2);
});

test('what_is_not_signed_identifies_nobody', async t => {
  const known = await openAs(t, token('bob-1'));
  await say(chat(known), 'For Bob alone');
  await log(chat(known)).getByText(arrived).first().waitFor();
  const bob = token('bob-1');
  const [header, claims, signature] = bob.split('.');
  const forged = {
    'no signature': `${encode({ alg: 'none' })}.${claims}.`,
    'another key': token('bob-1', { key: 'guessed' }),
    'claims of another': `${header}.${token('bob-1', { admin: true }).split('.')[1]}.${signature}`,
    'another audience': token('bob-1', { aud: 'chat.other.example' }),
    'long ago': token('bob-1', { iat: 1, exp: 2 }),
    'bare words': 'bob-1',
  };
  for (const [how, identity] of Object.entries(forged)) {
    const page = await openAs(t, identity);
    // The chat is there all the same, for somebody whom nobody knows.
    await say(chat(page), `Hello from ${how}`);
    await log(chat(page)).getByText(arrived).first().waitFor();
    assert.equal(await chat(page).getByText('For Bob alone').count(), 0, how);
  }
});

test('nobody_stays_known_on_a_device_that_somebody_else_signs_in_to', async t => {
  const page = await openAs(t, token('carol-1'));
  await say(chat(page), 'For Carol alone');
  await log(chat(page)).getByText(arrived).first().waitFor();
  await page.evaluate(identity => Portico('identify', identity), token('dan-1'));
  await log(chat(page)).getByText('For Carol alone').waitFor({ state: 'detached' });
  await say(chat(page), 'Dan here');
  await page.evaluate(identity => Portico('identify', identity), token('carol-1'));
  await log(chat(page)).getByText('For Carol alone').waitFor();
  assert.equal(await log(chat(page)).getByText('Dan here').count(), 0);
});
