// Drives the desk's pages in headless Chromium. Prints the name of each check that held; ends with an
// error at the first that did not. What has to happen to the calls meanwhile is done by whoever started
// this: a line `do NAME` asks for it.
//
// usage: node desk.mjs PLAN.json

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
// The packages lie in the user's cache, beside no file of the project.
const require = createRequire(join(plan.packages, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PATIENCE_MS = 120_000;
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1180, height: 760 };

const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox"] });
const done = (name) => console.log(`held ${name}`);
const ask = (name) => console.log(`do ${name}`);

// A page of its own that must say nothing on the console and load nothing from elsewhere.
async function open(path, viewport, options = {}) {
  const context = await browser.newContext({ viewport, locale: "zh-CN", timezoneId: "Asia/Shanghai", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  page.on("console", (message) => { if (message.type() !== "info" && message.type() !== "log") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => { if (new URL(request.url()).origin !== plan.base) wrong.push(`loads ${request.url()}`); });
  await page.goto(plan.base + path);
  return { context, page, wrong };
}

async function close({ context, wrong }, name) {
  assert.deepEqual(wrong, [], `${name}: the console, or something from elsewhere`);
  await context.close();
}

// What axe-core finds by WCAG 2.1 A and AA.
async function accessible(page, name) {
  // A color on its way from one to another is neither.
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {}))));
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
  }));
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(" | ")}`);
  assert.deepEqual(told, [], `${name}: accessibility`);
}

async function fits(page, name) {
  const [needed, there] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  assert.ok(needed <= there, `${name} scrolls sideways: ${needed} px in ${there} px`);
}

async function shot(page, name) {
  await page.screenshot({ path: join(plan.shots, `${name}.png`), fullPage: true, animations: "disabled" });
}

const heading = (page) => page.locator("h1").first();

async function says(page, word) {
  await heading(page).filter({ hasText: new RegExp(`^${word}$`) }).waitFor();
}

// Every state of a call: its word, what else it must and must not say, at 360 px, and in the dark.
for (const state of plan.states) {
  const opened = await open(state.path, NARROW);
  const { page } = opened;
  await says(page, state.word);
  for (const text of state.says) await page.getByText(text, { exact: false }).first().waitFor();
  const all = await page.locator("body").innerText();
  for (const text of state.never) assert.ok(!all.includes(text), `${state.name} says ${text}`);
  const read = await page.locator("[aria-live=assertive]").textContent();
  assert.ok(read.startsWith(state.word), `${state.name} is read out as ${read}`);
  await fits(page, state.name);
  await accessible(page, state.name);
  await shot(page, state.name);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await accessible(page, `${state.name} in the dark`);
  await shot(page, `${state.name}-dark`);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
  await page.setViewportSize(WIDE);
  await fits(page, `${state.name} wide`);
  await shot(page, `${state.name}-wide`);
  await close(opened, state.name);
  done(`state ${state.name}`);
}

// The verdict's shapes differ, so that no color is needed.
{
  const shapes = new Map();
  for (const state of plan.states) {
    const opened = await open(state.path, NARROW);
    await says(opened.page, state.word);
    const shape = await opened.page.locator(".verdict svg path").evaluateAll((paths) => paths.map((p) => p.getAttribute("d")).join());
    assert.ok(!shapes.has(shape) || state.shares_shape, `${state.name} looks like ${shapes.get(shape)}`);
    shapes.set(shape, state.name);
    await opened.context.close();
  }
  done("shapes");
}

// A call that begins after the page is open, says little at first, and then enough.
{
  const opened = await open(plan.live.path, NARROW);
  const { page } = opened;
  await says(page, "等待通话开始");
  ask("begin");
  await says(page, "正在听取");
  await page.getByText("请让来电人多说几句").waitFor();
  await fits(page, "listening");
  await accessible(page, "listening");
  await shot(page, "listening");
  ask("speak");
  await says(page, "疑似代理");
  await page.locator(".state", { hasText: "通话中" }).waitFor();
  await page.locator(".curve polyline").first().waitFor();
  await shot(page, "live");
  ask("hang-up");
  await page.locator(".state", { hasText: "通话已结束" }).waitFor();
  await close(opened, "live");
  done("live call");
}

// Keys, languages, and the outcome pressed twice.
{
  const opened = await open(plan.outcome.path, NARROW);
  const { page } = opened;
  await says(page, "疑似代理");
  await page.keyboard.press("3");
  const focused = () => page.evaluate(() => document.activeElement.dataset.outcome ?? document.activeElement.localName);
  assert.equal(await focused(), "AUTHORIZED_THIRD_PARTY");
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(ring, "solid", "the focus is seen");
  await page.keyboard.press("n");
  assert.equal(await focused(), "textarea");
  await page.keyboard.type("1 已出示授权书 l");
  assert.equal(await focused(), "textarea", "keys are text in a field");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.locator("dialog[open]").getByText("写备注").waitFor();
  await accessible(page, "help");
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await page.keyboard.press("l");
  await says(page, "suspected proxy");
  await page.getByText("What to say").waitFor();
  await page.locator("textarea").waitFor();
  assert.equal(await page.locator("textarea").inputValue(), "1 已出示授权书 l");
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await fits(page, "english");
  await accessible(page, "english");
  await shot(page, "english");
  await page.reload();
  await says(page, "suspected proxy");
  await page.keyboard.press("l");
  await says(page, "疑似代理");
  await page.keyboard.press("n");
  await page.keyboard.type("出示授权书");
  await page.locator("[data-outcome=AUTHORIZED_THIRD_PARTY]").dblclick();
  await page.locator(".status", { hasText: "已记录：授权第三方 · agent-7" }).waitFor();
  assert.equal(await page.locator("[aria-pressed=true]").getAttribute("data-outcome"), "AUTHORIZED_THIRD_PARTY");
  await shot(page, "outcome");
  await page.reload();
  await page.locator(".status", { hasText: "已记录：授权第三方" }).waitFor();
  await close(opened, "keys");
  done("keys, language and outcome");
}

// A failure is said, and the note is still there.
{
  const opened = await open(plan.outcome.path, NARROW);
  const { page, context } = opened;
  await says(page, "疑似代理");
  await context.route("**/desk/api/outcome*", (route) => route.abort());
  await page.locator("[data-outcome=UNDETERMINED]").click();
  await page.locator(".status", { hasText: "未能提交：网络不通" }).waitFor();
  await context.close();
  done("failure is said");
}

// What is wrong with the line is said as what it is; a call that is over is not asked for again.
{
  for (const [session, status, text] of [
    [{ full: true, over: false }, 200, "打开的页面过多"], [{ full: false, over: false }, 200, "连接中断"],
    [{ full: false, over: true }, 200, "通话已结束"], [{}, 404, "没有此通话"], [{}, 401, "会话已过期"],
  ]) {
    const { page, context } = await open("/healthz", NARROW);
    await context.route("**/events?*", (route) => route.fulfill({ status: 503 }));
    await context.route("**/desk/api/session?*", (route) => route.fulfill({ status, json: session }));
    await page.goto(plan.base + plan.outcome.path);
    await page.locator(".state", { hasText: text }).waitFor();
    await fits(page, text);
    await context.close();
  }
  done("trouble with the line is said");
}

// A history that could not be had is asked for again.
{
  const { page, context } = await open("/healthz", NARROW);
  let asked = 0;
  await context.route("**/desk/api/history?*", (route) => (asked++ === 0 ? route.fulfill({ status: 503 }) : route.continue()));
  await page.goto(plan.base + plan.outcome.path);
  await page.getByText("被标记 3 通").waitFor();
  assert.equal(asked, 2);
  await context.close();
  done("history again");
}

// The agent's page pops each new call.
{
  const opened = await open(plan.agent.path, NARROW);
  const { page } = opened;
  await page.getByText("暂无来电").waitFor();
  for (const step of plan.agent.steps) {
    ask(step.ask);
    await says(page.locator(".card:not([hidden])"), step.word);
  }
  assert.equal(await page.locator(".tab").count(), plan.agent.steps.length);
  await page.keyboard.press("ArrowRight");
  await says(page.locator(".card:not([hidden])"), plan.agent.steps[0].word);
  await page.locator(".card:not([hidden]) label").click();
  assert.ok(await page.evaluate(() => document.activeElement.closest(".card:not([hidden])") !== null), "a label is of its own card's field");
  await page.keyboard.press("Escape");
  await fits(page, "agent");
  await accessible(page, "agent");
  await shot(page, "agent");
  await close(opened, "agent");
  done("agent");
}

// Finished calls are there with their evidence, and hold no stream each.
{
  const opened = await open("/healthz", WIDE);
  const { page } = opened;
  const streams = [];
  page.on("request", (request) => { if (new URL(request.url()).pathname === "/events") streams.push(request.url()); });
  await page.goto(plan.base + plan.finished.path);
  await page.locator(".tab", { hasText: "疑似代理" }).first().click();
  await says(page.locator(".card:not([hidden])"), "疑似代理");
  await page.locator(".card:not([hidden]) .curve polyline").first().waitFor();
  assert.ok(await page.locator(".tab").count() > 3);
  assert.equal(streams.length, 1, streams.join());
  await shot(page, "agent-wide");
  await opened.context.close();
  done("finished calls");
}

// The supervisor's page and a call's, wide and narrow.
for (const [name, path, wanted] of [["supervisor", plan.supervisor.path, plan.supervisor.says], ["call", plan.call.path, plan.call.says]]) {
  for (const [size, viewport] of [["", WIDE], ["-narrow", NARROW]]) {
    const opened = await open(path, viewport);
    const { page } = opened;
    for (const text of wanted) await page.getByText(text, { exact: false }).first().waitFor();
    await fits(page, name + size);
    await accessible(page, name + size);
    await shot(page, name + size);
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page, `${name + size} in the dark`);
    await shot(page, `${name + size}-dark`);
    await close(opened, name);
  }
  if (name === "supervisor") await listsAndNumbers();
  done(name);
}

// The numbers behind the rate, which stay open and scrolled while the page draws anew, and more of a list.
async function listsAndNumbers() {
  const { page, context } = await open("/healthz", NARROW);
  await context.route("**/desk/api/calls?*", async (route) => {
    const reply = await route.fetch();
    const list = await reply.json();
    const first = new URL(route.request().url()).searchParams.get("count") === "20";
    await route.fulfill({ response: reply, json: first ? { calls: list.calls.slice(0, 3), more: true } : list });
  });
  await page.goto(plan.base + plan.supervisor.path);
  const rows = page.locator(".recent tbody tr");
  await page.getByRole("button", { name: "更多" }).waitFor();
  assert.equal(await rows.count(), 3);
  await page.getByRole("button", { name: "更多" }).click();
  await rows.nth(3).waitFor();
  await page.locator("summary", { hasText: "每半小时数据" }).click();
  const numbers = page.locator(".numbers tbody tr").first();
  await numbers.getByText("%").waitFor();
  const redrawn = page.waitForResponse((reply) => reply.url().includes("/desk/api/overview"));
  const scrolled = await page.evaluate(() => {
    const region = document.querySelector(".recent .scroll");
    region.scrollTo(60, 0);
    return region.scrollLeft;
  });
  await redrawn;
  await page.waitForResponse((reply) => reply.url().includes("/desk/api/overview"));
  assert.ok(await numbers.isVisible(), "stays open");
  assert.ok(scrolled > 0, "there is something to scroll to");
  assert.equal(await page.evaluate(() => document.querySelector(".recent .scroll").scrollLeft), scrolled);
  await fits(page, "supervisor's numbers");
  await accessible(page, "supervisor's numbers");
  await shot(page, "supervisor-numbers");
  await context.close();
}

// A host's page with a page of the desk in its frame.
async function frame(host, path) {
  const context = await browser.newContext({ viewport: { width: 900, height: 820 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${host}/?${encodeURIComponent(plan.base + path)}`);
  return { context, page };
}

// In a frame: of a host on the list, which is told the result, and of another, which gets nothing.
{
  ask("token");
  const path = await line();
  const allowed = await frame(plan.hosts.allowed, path);
  await says(allowed.page.frameLocator("iframe"), "疑似代理");
  await allowed.page.waitForFunction(() => window.got.some((m) => m.data.type === "update" && m.data.final));
  const got = await allowed.page.evaluate(() => window.got);
  assert.ok(got.every((m) => m.origin === plan.base && m.data.source === "earmark"), JSON.stringify(got[0]));
  const last = got.filter((m) => m.data.type === "update").at(-1).data;
  assert.deepEqual([last.verdict, last.label.zh, last.call_id, last.version], ["SUSPECTED_PROXY", "疑似代理", plan.hosts.call_id, 1]);
  assert.ok(last.probability > 0.9 && last.net_speech_s > 3);
  assert.ok(!JSON.stringify(got).includes("138"), "no caller's number");
  const cookies = await allowed.context.cookies(plan.base);
  assert.ok(cookies.some((c) => c.name.startsWith("earmark-desk-") && c.httpOnly), "the token became a cookie");
  assert.ok(!allowed.page.frames().at(-1).url().includes("token"), "and left the address");
  await allowed.page.frameLocator("iframe").locator("[data-outcome=CONFIRMED_PROXY]").click();
  await allowed.page.waitForFunction(() => window.got.some((m) => m.data.type === "outcome" && m.data.outcome === "CONFIRMED_PROXY"));
  await shot(allowed.page, "frame");
  await allowed.context.close();
  const denied = await frame(plan.hosts.denied, plan.outcome.path);
  await denied.page.waitForFunction(() => window.loaded);
  // The browser shows its own error page in the frame.
  const inside = denied.page.frames().at(-1);
  assert.ok(!(await inside.content().catch(() => "")).includes("来电核验"), "a frame of another host shows nothing");
  assert.deepEqual(await denied.page.evaluate(() => window.got), []);
  await denied.context.close();
  // Opened by a page of another host, it shows, and tells that page nothing.
  const context = await browser.newContext();
  const opener = await context.newPage();
  opener.setDefaultTimeout(PATIENCE_MS);
  await opener.goto(`${plan.hosts.denied}/?about:blank`);
  const [popup] = await Promise.all([
    context.waitForEvent("page"),
    opener.evaluate((to) => { window.open(to); }, plan.base + plan.outcome.path),
  ]);
  await says(popup, "疑似代理");
  await popup.locator(".state", { hasText: "通话已结束" }).waitFor();
  assert.deepEqual(await opener.evaluate(() => window.got), []);
  await context.close();
  done("frames");
}

// Each outcome is told once to the host of every page, wherever it was given; and a transferred call
// is over for the agent who had it.
{
  const hosts = [await frame(plan.hosts.allowed, plan.told.agent), await frame(plan.hosts.allowed, plan.told.call)];
  const [agent, pop] = hosts.map(({ page }) => page.frameLocator("iframe"));
  await says(pop, "等待通话开始");
  await agent.getByText("暂无来电").waitFor();
  ask("begin-told");
  await says(agent.locator(".card:not([hidden])"), "正在听取");
  await says(pop, "正在听取");
  await agent.locator(".card:not([hidden]) [data-outcome=OTHER_PERSON]").click();
  const told = (code) => window.got.some((m) => m.data.type === "outcome" && m.data.outcome === code);
  for (const { page } of hosts) await page.waitForFunction(told, "OTHER_PERSON");
  ask("elsewhere");
  for (const { page } of hosts) {
    await page.waitForFunction(told, "UNDETERMINED");
    const outcomes = await page.evaluate(() => window.got.filter((m) => m.data.type === "outcome").map((m) => m.data.outcome));
    assert.deepEqual(outcomes, ["OTHER_PERSON", "UNDETERMINED"]);
  }
  ask("transfer");
  await agent.locator(".state", { hasText: "通话已转给其他坐席" }).waitFor();
  await hosts[0].page.waitForFunction(() => window.got.some((m) => m.data.type === "state" && m.data.state === "transferred"));
  // Nothing is left to report.
  await agent.locator(".card:not([hidden]) .outcome").waitFor({ state: "hidden" });
  await shot(hosts[0].page, "transferred");
  await agent.locator("header button").first().click();
  await agent.locator(".state", { hasText: "Call transferred to another agent" }).waitFor();
  ask("hang-up");
  await pop.locator(".state", { hasText: "通话已结束" }).waitFor();
  for (const { context } of hosts) await context.close();
  done("told once, and transferred");
}

// A token that is no good: a page that says so, in both languages.
{
  const context = await browser.newContext({ viewport: NARROW });
  const page = await context.newPage();
  const reply = await page.goto(`${plan.base}/pop?token=forged`);
  assert.equal(reply.status(), 403);
  await page.getByText("链接无效").waitFor();
  await page.getByText("The link is not valid").waitFor();
  await accessible(page, "denied");
  await context.close();
  done("denied");
}

await browser.close();

// One line from whoever started this.
function line() {
  return new Promise((resolve) => process.stdin.once("data", (data) => resolve(String(data).trim())));
}
process.stdin.unref?.();
process.exit(0);
