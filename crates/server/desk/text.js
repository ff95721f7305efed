// All words of the pages, Chinese first. A key without a text is a mistake, so it shows itself.

const TEXTS = {
  title: ["来电核验", "Caller check"],
  agent_title: ["坐席来电核验", "Agent desk"],
  language: ["English", "中文"],
  language_hint: ["切换为英文 (L)", "Switch to Chinese (L)"],
  help: ["快捷键", "Shortcuts"],
  close: ["关闭", "Close"],

  state_waiting: ["等待来电", "Waiting for the call"],
  state_listening: ["正在听取", "Listening"],
  state_live: ["通话中", "Live"],
  state_ended: ["通话已结束", "Call ended"],
  state_lost: ["连接中断，正在重连", "Connection lost, trying again"],
  state_full: ["打开的页面过多，请关闭不用的", "Too many pages are open: close some"],
  state_elsewhere: ["没有此通话，或不在您名下", "No such call, or it is not yours"],
  state_transferred: ["通话已转给其他坐席", "Call transferred to another agent"],
  state_expired: ["会话已过期，请从业务系统重新打开本页", "Session expired: open the page again from your CRM"],

  waiting: ["等待通话开始", "Waiting for the call to begin"],
  waiting_detail: ["通话接入后自动显示结果，无需刷新。", "The result appears by itself once the call is connected."],
  listening: ["正在听取", "Listening"],
  listening_detail: ["累计 {least} 秒客户语音后给出首个结果。", "The first result comes at {least} s of the caller's speech."],

  of_customer: ["是本人的可能性", "probability of the customer"],
  of_not_customer: ["不是本人的可能性", "probability of somebody else"],
  of_listed: ["是名单内代理人的可能性", "probability of a listed proxy"],
  of_not_listed: ["不在代理名单内的可能性", "probability of nobody listed"],
  sure_5: ["几乎可以肯定", "practically certain"],
  sure_4: ["把握很大", "very likely"],
  sure_3: ["把握较大", "likely"],
  sure_2: ["有一定把握", "rather likely"],
  sure_1: ["尚不能判断", "open"],
  basis: ["依据 {speech} 秒语音", "from {speech} s of speech"],
  speech_so_far: ["已有 {speech} 秒有效语音，至少需要 {least} 秒", "{speech} s of speech so far, {least} s are needed"],
  say_more: ["请让来电人多说几句", "Let the caller say more"],
  say_more_detail: ["可请来电人复述诉求、说明经过，语音越多结果越可靠。", "Ask for the request or the story once more: more speech, a firmer result."],
  transferred_detail: ["通话已转给其他坐席，本页不再更新。核实结果由接听坐席填写。", "The call was transferred to another agent: nothing more comes here, and what is found out is theirs to report."],
  speaker_changed: ["通话中换了说话人，证据已重新累计（第 {speaker} 位）", "The speaker changed: evidence started again (speaker {speaker})"],

  script: ["话术", "What to say"],
  reasons: ["判断依据", "Why"],
  evidence: ["证据走势", "Evidence"],
  evidence_customer: ["本人", "customer"],
  evidence_listed: ["名单", "listed"],
  evidence_axis: ["有效语音（秒）", "speech (s)"],
  evidence_for: ["支持", "for"],
  evidence_against: ["反对", "against"],
  evidence_summary: ["证据曲线：{speech} 秒语音，本人 {customer}，名单首位 {listed}（自然对数似然比）", "Evidence curve: {speech} s of speech, customer {customer}, first listed {listed} (natural-log likelihood ratio)"],
  none: ["无", "none"],
  excerpts: ["值得回听的片段", "Seconds worth listening to"],
  listed: ["名单内最接近者", "Closest on the list"],
  listed_tail: ["尾号 {tail}", "…{tail}"],
  listed_probability: ["可能性 {p}", "probability {p}"],
  history: ["被标记 {calls} 通 · 涉及 {customers} 位客户 · {numbers} 个号码", "calls tagged: {calls} · customers: {customers} · numbers: {numbers}"],
  history_seen: ["最近 {last}", "last seen {last}"],
  history_found: ["核实：确认 {confirmed} · 排除 {cleared}", "found out: {confirmed} confirmed · {cleared} cleared"],
  history_none: ["此前没有被标记的来电", "not tagged in any call before"],

  facts: ["来电信息", "Call"],
  customer: ["声称客户", "Claims to be"],
  number: ["来电号码", "From"],
  agent: ["坐席", "Agent"],
  scene: ["场景", "Scene"],
  call: ["通话", "Call"],
  began: ["开始", "Began"],
  unknown: ["未提供", "not given"],

  outcome: ["核实结果", "What you found out"],
  outcome_hint: ["核实之后再选择；可更正。", "Choose after checking; you may correct it."],
  CONFIRMED_PROXY: ["确认代理", "Proxy confirmed"],
  GENUINE_CUSTOMER: ["否认：是本人", "Denied: the customer"],
  AUTHORIZED_THIRD_PARTY: ["授权第三方", "Authorized third party"],
  OTHER_PERSON: ["认错人：其他人", "Wrong person"],
  UNDETERMINED: ["无法判断", "Could not tell"],
  note: ["备注", "Note"],
  note_hint: ["如何核实的，例如：出示授权书", "How it was checked, e.g. letter of authority shown"],
  saving: ["正在提交…", "Sending…"],
  saved: ["已记录：{outcome} · {by} · {at}", "Recorded: {outcome} · {by} · {at}"],
  not_saved: ["未能提交：{why}。请再试一次。", "Not recorded: {why}. Please try again."],
  offline: ["网络不通", "no connection"],

  key_outcome: ["选中核实结果（回车提交）", "choose what you found out (Enter sends)"],
  key_note: ["写备注", "write a note"],
  key_language: ["切换语言", "switch language"],
  key_calls: ["上一通 / 下一通来电", "previous / next call"],
  key_help: ["显示本说明", "show this"],
  key_escape: ["离开输入框或关闭", "leave a field, close"],
  keys_on: ["启用单键快捷键", "Single-key shortcuts"],

  supervisor_title: ["班长台", "Supervisor"],
  call_title: ["通话证据", "Call evidence"],
  state_current: ["实时", "Up to date"],
  today: ["今日结论", "Today"],
  rate: ["标记率走势", "Tag rate over time"],
  rate_now: ["今日标记率 {p}", "Tag rate today {p}"],
  rate_of: ["已结束来电 {n} 通，其中疑似代理 {tagged} 通", "{tagged} of {n} finished calls tagged as suspected proxies"],
  rate_none: ["今日尚无已结束的来电", "No call has finished today"],
  rate_table: ["每半小时数据", "Numbers by half hour"],
  rate_chart: ["每半小时已结束来电与其中的疑似代理，数值见下表", "Finished calls by half hour and suspected proxies among them; the table below has the numbers"],
  rate_share: ["标记率", "Tag rate"],
  from: ["时段", "From"],
  finished_calls: ["已结束来电", "finished calls"],
  all_calls: ["全部来电", "all calls"],
  calls_count: ["{n} 通", "{n} calls"],
  outcomes: ["今日核实结果", "Found out today"],
  tags_right: ["已核实的疑似代理 {all} 通，其中确认 {n} 通（{p}）", "{all} tags looked into, {n} confirmed ({p})"],
  tags_unknown: ["今日的疑似代理尚未核实", "No tag of today was looked into yet"],
  live: ["进行中的通话", "Live calls"],
  live_count: ["{n} 通进行中", "{n} live"],
  live_first: ["仅列出最需关注的 {n} 通", "the {n} that need care first"],
  no_live: ["目前没有进行中的通话。", "No call is going on."],
  recent: ["最近 24 小时的通话", "Calls of the last 24 hours"],
  more: ["更多", "More"],
  more_elsewhere: ["更早的通话请在业务系统中查询。", "Earlier calls are to be found in your own system."],
  no_recent: ["最近 24 小时没有通话。", "No call in the last 24 hours."],
  verdict_MATCH: ["一致", "match"],
  verdict_DOUBTFUL: ["存疑", "doubtful"],
  verdict_MISMATCH: ["不一致", "mismatch"],
  verdict_SUSPECTED_PROXY: ["疑似代理", "suspected proxy"],
  verdict_INSUFFICIENT_SPEECH: ["语音不足", "insufficient speech"],
  verdict_NOT_ENROLLED: ["客户未登记声纹", "customer not enrolled"],
  verdict_OPTED_OUT: ["客户已退出声纹服务", "customer opted out"],
  verdict_NO_CUSTOMER_CLAIMED: ["未声明客户", "no customer claimed"],
  plot_title: ["证据随语音累积", "Evidence as the speech adds up"],
  plot_unit: ["自然对数似然比：大于 0 支持，小于 0 反对", "natural-log likelihood ratio: above 0 for, below 0 against"],
  plot_label: ["证据曲线，数值见下表", "Evidence curve; the table below has the numbers"],
  speaker: ["第 {speaker} 位说话人", "Speaker {speaker}"],
  timeline: ["证据时间线", "Evidence timeline"],
  t_at: ["通话", "Call"],
  t_speech: ["语音", "Speech"],
  t_verdict: ["结论", "Verdict"],
  t_certainty: ["把握", "Certainty"],
  t_customer: ["本人", "Customer"],
  t_listed: ["名单首位", "First listed"],
  t_reasons: ["依据", "Why"],
  customer_NOT_ENROLLED: ["未登记", "not enrolled"],
  customer_OPTED_OUT: ["已退出", "opted out"],
  customer_NOT_CLAIMED: ["未声明", "not claimed"],
  customer_NOT_SCORED: ["语音不足", "too short"],

  calls: ["来电", "Calls"],
  new_call: ["新来电", "New call"],
  no_calls: ["暂无来电。新来电会自动弹出。", "No call yet. A new one pops up by itself."],

  seconds: ["{s} 秒", "{s} s"],
};

const KEY = "earmark.language";

// In a frame the browser may forbid storage: then the choice holds for this page only.
function remembered() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function initial() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = asked ?? remembered();
  return wanted === "en" ? "en" : "zh";
}

let language = initial();
const listeners = new Set();
document.documentElement.lang = language === "zh" ? "zh-CN" : "en";

export function currentLanguage() { return language; }

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  try { localStorage.setItem(KEY, language); } catch { /* this page only */ }
  for (const listener of listeners) listener();
}

export function onLanguage(listener) { listeners.add(listener); }

// A text by its key, with {names} filled in.
export function t(key, values = {}) {
  const text = TEXTS[key]?.[language === "zh" ? 0 : 1] ?? `[${key}]`;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A text that the server gave in both languages.
export function words(both) { return both?.[language] ?? both?.zh ?? ""; }

// Never 0 % or 100 %: no evidence is that good.
export function percent(p) {
  if (p > 0.999) return ">99.9%";
  if (p < 0.001) return "<0.1%";
  const digits = p > 0.99 || p < 0.01 ? 1 : 0;
  return `${(p * 100).toFixed(digits)}%`;
}

const two = (n) => String(n).padStart(2, "0");

// The time of day; with the date where it is not today.
export function clock(ms) {
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const today = new Date().toDateString() === at.toDateString();
  return today ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

// A place in a call: minutes and seconds.
export function place(s) {
  const whole = Math.max(0, Math.floor(s));
  return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}
