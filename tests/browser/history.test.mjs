// Ten thousand messages: how much of them is in the document, and that reading back keeps its place.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { log, say, scene } from './scene.mjs';

const stage = scene();
const LENGTH = 10_000;
const NODES_MAX = 600;

test('a_long_history_is_read_back_without_losing_the_place', async t => {
  const page = await stage.openPage(await stage.person(t));
  await say(page, 'The first of many');
  await say(page, 'I want to talk to a person'); // Else the bot would go on answering.
  await page.getByText(/^(Waiting for a person|Nobody is here|You are next|\d+ (person|people))/).first().waitFor();
  await page.goto('about:blank');
  await stage.demo.kill('SIGTERM');
  await stage.demo.restart('--history', String(LENGTH));
  await page.goto(`${stage.demo.chat}/c/lykta`);
  await log(page).getByText(`Message ${LENGTH} of many`).waitFor();

  const nodes = () => page.evaluate(() => document.getElementsByTagName('*').length);
  assert.ok((await nodes()) <= NODES_MAX, `${await nodes()} nodes on opening`);
  let oldest = await first(page);
  for (let round = 0; round < 8; round++) {
    const { moved, seen } = await page.evaluate(readBack, oldest);
    assert.ok(moved <= 2, `${seen} moved by ${moved} px as older ones came`);
    const older = await first(page);
    assert.ok(older < oldest, `message ${older} is older than ${oldest}`);
    oldest = older;
    assert.ok((await nodes()) <= NODES_MAX, `${await nodes()} nodes at message ${oldest}`);
  }
  assert.ok(oldest < LENGTH - 200, `at message ${oldest}`);
  // Something new leaves the reader where they are, and one press leads to it.
  const place = await page.evaluate(() => document.querySelector('[role=log]').scrollTop);
  await page.getByRole('textbox').evaluate(field => field.blur());
  assert.equal(await page.evaluate(() => document.querySelector('[role=log]').scrollTop), place);
  await page.getByRole('button', { name: 'Jump to the newest message' }).click();
  await log(page).getByText(`Message ${LENGTH} of many`).waitFor();
  assert.ok((await nodes()) <= NODES_MAX);
});

test('the_transcript_of_a_long_history_is_whole', async t => {
  const page = await stage.openPage(await stage.person(t));
  await say(page, 'The first of some');
  await say(page, 'I want to talk to a person'); // Else the bot would go on answering.
  await page.getByText(/^(Waiting for a person|Nobody is here|You are next|\d+ (person|people))/).first().waitFor();
  await page.goto('about:blank');
  await stage.demo.kill('SIGTERM');
  await stage.demo.restart('--history', '260');
  await page.goto(`${stage.demo.chat}/c/lykta`);
  await log(page).getByText('Message 260 of many').waitFor();
  await page.getByRole('button', { name: 'Menu' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download transcript' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');
  const numbers = [...text.matchAll(/Message (\d+) of many/g)].map(match => Number(match[1]));
  assert.equal(numbers.at(-1), 260);
  assert.ok(numbers.every((number, index) => number == numbers[0] + index), 'none is missing and none doubled');
  assert.ok(text.indexOf('The first of some') < text.indexOf(`Message ${numbers[0]} of many`));
});

/** The number of the oldest message in the document. */
const first = page => page.evaluate(() => Number(document.querySelector('[role=log]').textContent.match(/Message (\d+) of many/)[1]));

/** In the page: scrolls to the upper edge, waits for older messages, and tells how far what one looked at has moved on the way. */
async function readBack(oldest) {
  const log = document.querySelector('[role=log]');
  // What a frame shows is known once it was painted, not while it is being made.
  const painted = () => new Promise(resolve => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage('');
  }));
  log.scrollTop = 0;
  const seen = [...log.querySelectorAll('li')].find(row => row.textContent.includes(`Message ${oldest} of many`));
  const before = seen.getBoundingClientRect().top;
  const older = () => Number(log.textContent.match(/Message (\d+) of many/)[1]) < oldest;
  let moved = 0;
  for (let frame = 0; !older() && frame < 1200; frame++) {
    await painted();
    moved = Math.max(moved, Math.abs(seen.getBoundingClientRect().top - before));
  }
  return { seen: seen.textContent, moved };
}
