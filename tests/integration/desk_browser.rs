//! The desk's pages in headless Chromium, over the real server and real calls. `make test` installs the
//! browser; where it is not there, the test says so and is skipped. A screenshot of every state is left
//! in the subfolder `desk` of the folder that EARMARK_SCREENSHOTS names, else under `target`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use earmark_server::proto::v1::create_desk_token_request::Scope;
use earmark_server::proto::v1::desk_service_client::DeskServiceClient;
use earmark_server::proto::v1::{
    AddProxyRequest, CallInfo, CreateDeskTokenRequest, OptOutRequest, Outcome, RegisterCallRequest,
    ReportOutcomeRequest,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::calls::{LiveCall, info};
use crate::harness::clients::Clients;
use crate::harness::enrollments::LEGAL_BASIS;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::world::CUSTOMERS;

/// What must have held, in order, after the states.
const CHECKS: [&str; 13] = [
    "shapes",
    "live call",
    "keys, language and outcome",
    "failure is said",
    "trouble with the line is said",
    "history again",
    "agent",
    "finished calls",
    "supervisor",
    "call",
    "frames",
    "told once, and transferred",
    "denied",
];

/// The browser, its driver and where their packages are; `None` is said, and skips the test.
fn browser() -> Option<(PathBuf, PathBuf)> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let packages = cache.join("earmark/browser");
    let on_path = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists())
    };
    let chromium = on_path("chromium");
    if chromium.is_none() || on_path("node").is_none() || !packages.join("stamp").exists() {
        eprintln!(
            "skipped: no Chromium, Node.js or packages in {}; scripts/setup-browser.sh installs them",
            packages.display()
        );
        return None;
    }
    Some((chromium?, packages))
}

/// A page of a CRM with one frame, whose address is in its query, and which keeps what it is told.
const HOST_PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>CRM</title>\
    <style>body{margin:0;display:flex;font:15px sans-serif;background:#eef1f4}main{flex:1;padding:16px}\
    iframe{border:0;border-left:1px solid #c9d1d9;width:380px;height:820px}</style>\
    <main><h1>CRM</h1><p>Customer record</main><script>window.got=[];\
    addEventListener('message',e=>got.push({origin:e.origin,data:e.data}));\
    const f=document.createElement('iframe');f.onload=()=>{window.loaded=true};\
    f.title='Earmark';f.src=decodeURIComponent(location.search.slice(1));document.body.append(f)</script>";

/// Serves the host's page until the test ends; gives its origin.
fn host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { continue };
            let _ = socket.read(&mut [0; 4096]);
            let length = HOST_PAGE.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(HOST_PAGE.as_bytes()));
        }
    });
    origin
}

/// The script, and what it says line by line.
struct Script {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Script {
    fn start(plan: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/desk.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(plan).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel(16);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { input: child.stdin.take().expect("piped"), child, lines }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(id: &str, claimed: &str, scene: &str) -> CallInfo {
    let (agent_id, caller_number) = ("agent-7".to_owned(), "13812345678".to_owned());
    CallInfo { agent_id, caller_number, scene: scene.to_owned(), ..info(id, claimed) }
}

/// So many seconds of a person's call.
fn speech(person: &str, seconds: usize) -> Vec<i16> {
    let samples = voices::call(person);
    samples[..samples.len().min(seconds * 8000)].to_vec()
}

/// A bank with two customers, two listed proxies, and a call of every kind.
async fn populate(clients: &mut Clients) {
    for person in CUSTOMERS {
        clients.enroll(person, voices::enrollment(person)).await.expect("enrolled");
    }
    for (person, proxy_id, label) in
        [("allison", "proxy-2026-0118", "王小明"), ("armelle", "proxy-2026-0232", "李**")]
    {
        let request = AddProxyRequest {
            proxy_id: proxy_id.into(),
            label: label.into(),
            legal_basis: LEGAL_BASIS.into(),
            recordings: voices::enrollment(person),
            ..Default::default()
        };
        clients.library.add_proxy(request).await.expect("listed");
    }
    clients.customers.opt_out(OptOutRequest { customer_id: "refuser".into() }).await.expect("opted out");
    let calls = [
        (call("earlier-1", "june", "collections"), speech("allison", 12)),
        (call("earlier-2", "carlo", "complaint"), speech("allison", 12)),
        (call("match", "carlo", "hotline"), speech("carlo", 30)),
        (call("doubtful", "carlo", "complaint"), speech("paola", 4)),
        (call("mismatch", "carlo", "complaint"), speech("ivrvoice", 25)),
        (call("proxy", "carlo", "complaint"), speech("allison", 30)),
        (call("framed", "june", "collections"), speech("armelle", 15)),
        (call("short", "carlo", "hotline"), voices::short_call("carlo")),
        (call("not-enrolled", "nobody", ""), speech("paola", 10)),
        (call("opted-out", "refuser", ""), speech("paola", 5)),
        (call("unclaimed", "", "hotline"), speech("paola", 10)),
    ];
    for (mut call, samples) in calls {
        if call.call_id.starts_with("earlier") {
            call.agent_id = "agent-3".into();
        }
        clients.screen(call, &samples).await.expect("screened");
    }
}

fn state(call: &str, word: &str, says: &[&str], never: &[&str]) -> Value {
    let neutral = ["not-enrolled", "opted-out", "unclaimed"].contains(&call);
    json!({"name": call, "path": format!("/pop?call_id={call}"), "word": word, "says": says, "never": never,
        "shares_shape": neutral})
}

fn states() -> Vec<Value> {
    // A proxy's id and a caller's number are never whole on any page.
    let never = ["proxy-2026", "12345678", "小明", "["];
    vec![
        state(
            "match",
            "一致",
            &["几乎可以肯定", "是本人的可能性", "按正常流程办理", "客服热线", "138****5678"],
            &never,
        ),
        state(
            "doubtful",
            "存疑",
            &["尚不能判断", "请引导来电人多说几句", "与客户历史的比对结果不明确"],
            &never,
        ),
        state(
            "mismatch",
            "不一致",
            &["不是本人的可能性", "受托投诉是客户的权利", "声音与客户历史不一致"],
            &never,
        ),
        state(
            "proxy",
            "疑似代理",
            &[
                "王**",
                "尾号 0118",
                "被标记 2 通 · 涉及 2 位客户 · 1 个号码",
                "不作指认",
                "声音与名单内代理人相符",
                "值得回听的片段",
            ],
            &never,
        ),
        state("short", "语音不足", &["有效语音时长不足", "请您把要办理的事情说一下"], &never),
        state("not-enrolled", "客户未登记声纹", &["不在代理名单内的可能性", "用其他方式核实身份"], &never),
        state("opted-out", "客户已退出声纹服务", &["不再劝说登记"], &never),
        state("unclaimed", "未声明客户", &["请问您的姓名"], &never),
        state("never-begun", "等待通话开始", &["等待来电", "无需刷新"], &never),
    ]
}

fn shots() -> PathBuf {
    let own = || Path::new(env!("CARGO_TARGET_TMPDIR")).to_path_buf();
    let folder = std::env::var_os("EARMARK_SCREENSHOTS").map_or_else(own, PathBuf::from).join("desk");
    std::fs::create_dir_all(&folder).expect("the folder for screenshots");
    folder
}

/// What the script asks for while it looks at the pages.
struct Stage {
    clients: Clients,
    desk: DeskServiceClient<tonic::transport::Channel>,
    live: Option<LiveCall>,
}

impl Stage {
    async fn act(&mut self, what: &str, input: &mut ChildStdin) {
        match what {
            "begin" => {
                let call = call("live", "june", "complaint");
                self.live = Some(self.clients.begin_call(call).await.expect("it begins"));
            }
            "speak" => {
                let live = self.live.as_mut().expect("a call");
                live.say(&speech("allison", 12)).await;
                live.next().await.expect("it goes on").expect("an update");
            }
            "hang-up" => {
                self.live.take().expect("a call").hang_up().await.expect("it ends");
            }
            "genuine" | "impostor" => {
                let person = if what == "genuine" { "june" } else { "armelle" };
                let call = CallInfo {
                    agent_id: "agent-9".into(),
                    ..call(&format!("agents-{what}"), "june", "hotline")
                };
                self.clients.screen(call, &speech(person, 15)).await.expect("screened");
            }
            "begin-told" => {
                let call = CallInfo { agent_id: "agent-5".into(), ..call("told", "", "hotline") };
                self.live = Some(self.clients.begin_call(call).await.expect("it begins"));
            }
            "elsewhere" => {
                let request = ReportOutcomeRequest {
                    call_id: "told".into(),
                    outcome: Outcome::Undetermined.into(),
                    reported_by: "crm".into(),
                    ..Default::default()
                };
                self.clients.screening.report_outcome(request).await.expect("reported");
            }
            "transfer" => {
                let call = CallInfo { agent_id: "agent-6".into(), ..info("told", "") };
                let request = RegisterCallRequest { call: Some(call), ..Default::default() };
                self.clients.screening.register_call(request).await.expect("transferred");
            }
            "token" => {
                let scope = Some(Scope::CallId("framed".into()));
                let request = CreateDeskTokenRequest { scope, viewer: "agent-7".into() };
                let token = self.desk.create_desk_token(request).await.expect("a token").into_inner().token;
                writeln!(input, "{}", token.expect("a token").path).expect("the script reads");
            }
            other => panic!("the script asks for {other}"),
        }
    }
}

fn start(files: &Path, data: &Path, allowed: &str) -> TestServer {
    let own = files.join("desk.toml");
    std::fs::write(&own, format!("frame_ancestors = [\"{allowed}\"]\n")).expect("the desk's file");
    Launch::new().argument("--desk", own.to_str().expect("text")).start(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_say_what_they_should_in_a_real_browser() {
    let Some((chromium, packages)) = browser() else { return };
    let (data, files) = (folder(), folder());
    let (allowed, denied) = (host(), host());
    let server = start(files.path(), data.path(), &allowed);
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    let plan = json!({
        "base": format!("http://{}", server.address()),
        "chromium": chromium,
        "packages": packages,
        "shots": shots(),
        "states": states(),
        "live": {"path": "/pop?call_id=live"},
        "outcome": {"path": "/pop?call_id=proxy"},
        "agent": {"path": "/desk?agent_id=agent-9", "steps": [
            {"ask": "genuine", "word": "一致"}, {"ask": "impostor", "word": "疑似代理"}]},
        "supervisor": {"path": "/supervisor", "says": ["今日结论", "今日标记率", "每半小时数据", "疑似代理", "目前没有进行中的通话", "授权第三方 · agent-7"]},
        "finished": {"path": "/desk?agent_id=agent-7"},
        "told": {"agent": "/desk?agent_id=agent-5", "call": "/pop?call_id=told"},
        "call": {"path": "/calls/proxy", "says": ["证据时间线", "王** 0118", "声音与名单内代理人相符"]},
        "hosts": {"allowed": allowed, "denied": denied, "call_id": "framed"},
    });
    let file = files.path().join("plan.json");
    std::fs::write(&file, plan.to_string()).expect("the plan");
    let desk = DeskServiceClient::connect(format!("http://{}", server.address())).await.expect("a client");
    let mut stage = Stage { clients: clients.clone(), desk, live: None };
    let mut script = Script::start(&file);
    let mut held = Vec::new();
    while let Some(line) = script.lines.recv().await {
        match line.split_once(' ') {
            Some(("do", what)) => stage.act(what, &mut script.input).await,
            Some(("held", check)) => held.push(check.to_owned()),
            _ => panic!("the script says {line}"),
        }
    }
    assert!(script.child.wait().expect("it ends").success(), "the last that held: {:?}", held.last());
    let states =
        states().iter().map(|s| format!("state {}", s["name"].as_str().unwrap())).collect::<Vec<_>>();
    assert_eq!(held, [states, CHECKS.map(str::to_owned).to_vec()].concat());
    let kept = clients.call("proxy").await.expect("the call");
    assert_eq!((kept.outcome(), kept.outcome_note.as_str()), (Outcome::AuthorizedThirdParty, "出示授权书"));
    assert_eq!(kept.outcome_by, "agent-7");
    assert_eq!(clients.call("framed").await.expect("the call").outcome(), Outcome::ConfirmedProxy);
}
