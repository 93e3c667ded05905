// Draws the README's picture from the real thing: `node tests/browser/picture.mjs` after `cargo xtask build`.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startDemo } from './demo.mjs';
import { launchChromium, workspace } from './tools.mjs';

const demo = await startDemo();
const browser = await launchChromium();
try {
  const studio = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  await studio.goto(demo.studio);
  await studio.getByLabel('E-mail').fill(demo.email);
  await studio.getByLabel('Password', { exact: true }).fill(demo.password);
  await studio.getByRole('button', { name: 'Sign in', exact: true }).click();
  await studio.getByRole('list', { name: 'Conversations' }).waitFor();
  const visitor = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage();
  await visitor.goto(`${demo.shop}/dag`);
  await visitor.locator('portico-launcher').getByRole('button').last().click();
  const chat = visitor.locator('iframe').contentFrame();
  const composer = chat.getByRole('textbox', { name: 'Your message' });
  const say = async (text, answer) => {
    await composer.fill(text);
    await composer.press('Enter');
    await chat.getByRole('log').getByText(answer, { exact: false }).first().waitFor();
  };
  await say('What is it made of?', 'Oak from within 200 km');
  await say('I would like to talk to a person', 'They see what you told me');

  await studio.getByRole('list', { name: 'Conversations' }).getByRole('listitem').nth(2).click();
  await studio.getByRole('button', { name: 'Take over' }).first().click();
  const reply = studio.getByRole('region', { name: 'Write' }).getByRole('textbox');
  await reply.fill('Hello, Nora here. The shade comes in undyed linen too, shall I show you?');
  await reply.press('Enter');
  await chat.getByRole('log').getByText('Nora here').waitFor();
  await composer.pressSequentially('Yes, please!');
  await studio.getByText(/is typing/i).first().waitFor();

  const shots = [await visitor.screenshot(), await studio.screenshot()];
  const sheet = await (await browser.newContext({ viewport: { width: 2240, height: 800 } })).newPage();
  const images = shots.map(shot => `<img src="data:image/png;base64,${shot.toString('base64')}">`).join('');
  await sheet.setContent(`<style>body{margin:20px;display:flex;gap:20px;background:#e7e5e4}img{width:1090px;border-radius:10px}</style>${images}`);
  const folder = new URL('docs/screenshots/', workspace);
  mkdirSync(folder, { recursive: true });
  await sheet.screenshot({ path: fileURLToPath(new URL('demo.png', folder)) });
} finally {
  await browser.close();
  await demo.stop();
}
