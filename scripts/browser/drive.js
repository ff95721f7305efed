// Drives a headless Chromium for tests that are not written in JavaScript: one JSON command a line on
// standard input, one JSON reply a line on standard output, until the input ends.
//
//   {"do":"open","page":"a","url":"http://…","width":360,"height":640}   opens or goes to
//   {"do":"until","page":"a","script":"…","timeout_ms":20000}            until the script is true
//   {"do":"eval","page":"a","script":"…"}                                its value, awaited
//   {"do":"press","page":"a","key":"Tab"}
//   {"do":"shot","page":"a","file":"x.png"}                              what the page shows
//   {"do":"troubles","page":"a"}   console errors, exceptions, and requests to other hosts, so far
//   {"do":"leave","page":"a"}
//
// `"frame":"text"` beside until, eval or troubles takes the frame whose address holds the text. Every page
// name has cookies of its own. A reply is {"value":…} or {"error":"…"}.
'use strict';

const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require(path.join(process.env.EARMARK_BROWSER, 'node_modules', 'playwright-core'));

const pages = new Map();

async function open(browser, { page: name, url, width = 420, height = 760, locale = 'zh-CN' }) {
  if (!pages.has(name)) {
    const context = await browser.newContext({ viewport: { width, height }, locale });
    const page = await context.newPage();
    const troubles = [];
    const home = new URL(url).host;
    page.on('console', (m) => m.type() === 'error' && troubles.push(`console: ${m.text()}`));
    page.on('pageerror', (e) => troubles.push(`exception: ${e.message}`));
    page.on('request', (r) => {
      const { protocol, host } = new URL(r.url());
      if (protocol.startsWith('http') && host !== home) troubles.push(`request to ${host}`);
    });
    pages.set(name, { context, page, troubles });
  }
  const response = await pages.get(name).page.goto(url, { waitUntil: 'domcontentloaded' });
  return response ? response.status() : null;
}

function target({ page, frame }) {
  const known = pages.get(page);
  if (!known) throw new Error(`no page ${page}`);
  if (!frame) return known.page;
  const found = known.page.frames().find((f) => f.url().includes(frame));
  if (!found) throw new Error(`no frame with ${frame} in its address`);
  return found;
}

// Looked at from outside: the pages' own policy forbids them to run text as a script.
async function until(command) {
  const { script, timeout_ms: timeout = 30000 } = command;
  const late = Date.now() + timeout;
  while (!(await target(command).evaluate(script))) {
    if (Date.now() > late) throw new Error(`not so within ${timeout} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function obey(browser, command) {
  switch (command.do) {
    case 'open': return open(browser, command);
    case 'until': return until(command);
    case 'eval': return target(command).evaluate(command.script);
    case 'press': return pages.get(command.page).page.keyboard.press(command.key);
    case 'shot': await pages.get(command.page).page.screenshot({ path: command.file }); return null;
    case 'troubles': return pages.get(command.page).troubles;
    case 'leave': {
      await pages.get(command.page).context.close();
      return pages.delete(command.page);
    }
    default: throw new Error(`unknown command ${command.do}`);
  }
}

async function main() {
  const executablePath = process.env.EARMARK_CHROMIUM || '/usr/bin/chromium';
  const headless = process.env.EARMARK_BROWSER_SHOWN !== '1';
  const browser = await chromium.launch({ executablePath, headless });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let reply;
    try {
      reply = { value: (await obey(browser, JSON.parse(line))) ?? null };
    } catch (error) {
      reply = { error: String(error.message) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  await browser.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
