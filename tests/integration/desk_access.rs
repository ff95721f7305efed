//! Who may see which page: tokens, the cookie they are exchanged for, and what browsers are told.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use earmark_server::proto::v1::create_desk_token_request::Scope;
use earmark_server::proto::v1::desk_service_client::DeskServiceClient;
use earmark_server::proto::v1::{CallInfo, CreateDeskTokenRequest, DeskToken};
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::harness::calls::{audio, config, info};
use crate::harness::clients::Clients;
use crate::harness::events::EventStream;
use crate::harness::refused::refused;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::web::{self, Reply, exchange};

const TOKEN: &str = "a-token-of-thirty-two-characters";
const HOST: &str = "https://crm.example.com";

type Sign = fn(Request<()>) -> Result<Request<()>, Status>;

fn sign(mut request: Request<()>) -> Result<Request<()>, Status> {
    request
        .metadata_mut()
        .insert("authorization", MetadataValue::from_static("Bearer a-token-of-thirty-two-characters"));
    Ok(request)
}

/// A server that wants tokens, with a desk file.
struct Guarded {
    server: TestServer,
    desk: DeskServiceClient<InterceptedService<Channel, Sign>>,
    channel: Channel,
    _folders: [tempfile::TempDir; 2],
}

impl Guarded {
    async fn start(desk: &str) -> Self {
        let (data, files) = (folder(), folder());
        let server = launch(files.path(), desk).start(data.path());
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let desk = DeskServiceClient::with_interceptor(channel.clone(), sign as Sign);
        Self { server, desk, channel, _folders: [data, files] }
    }

    fn address(&self) -> &str {
        self.server.address()
    }

    async fn mint(&mut self, scope: Scope, viewer: &str) -> DeskToken {
        let request = CreateDeskTokenRequest { scope: Some(scope), viewer: viewer.into() };
        self.desk.create_desk_token(request).await.unwrap().into_inner().token.unwrap()
    }

    /// Opens a page by its token as a browser does; gives where it was sent and the cookie it got.
    async fn opened(&mut self, scope: Scope, viewer: &str) -> (String, String) {
        let token = self.mint(scope, viewer).await;
        let reply = web::get(self.address(), &token.path);
        assert_eq!(reply.status, 303, "{}", reply.text());
        let location = reply.header("location").unwrap().to_owned();
        assert!(!location.contains("token"), "the address keeps no secret: {location}");
        (location, pair(&reply))
    }

    async fn screen(&self, call: CallInfo) {
        let mut screening =
            earmark_server::proto::v1::screening_service_client::ScreeningServiceClient::with_interceptor(
                self.channel.clone(),
                sign as Sign,
            );
        let messages = vec![config(call), audio(&voices::pcm(&voices::short_call("carlo")))];
        let mut replies = screening.screen_call(tokio_stream::iter(messages)).await.unwrap().into_inner();
        while replies.message().await.unwrap().is_some() {}
    }
}

fn launch(files: &Path, desk: &str) -> Launch {
    let (tokens, own) = (files.join("tokens.toml"), files.join("desk.toml"));
    std::fs::write(&tokens, format!("[[token]]\nname = \"crm\"\ntoken = \"{TOKEN}\"\n")).unwrap();
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&own, desk).unwrap();
    Launch::new()
        .log_level("trace")
        .argument("--tokens", tokens.to_str().unwrap())
        .argument("--desk", own.to_str().unwrap())
}

/// The cookie of a reply as the browser sends it back.
fn pair(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap().to_owned()
}

fn get(address: &str, path: &str, cookie: &str) -> Reply {
    exchange(address, "GET", path, &[("Cookie", cookie)], &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_call_once_and_no_other() {
    let mut guarded = Guarded::start("").await;
    guarded.screen(CallInfo { agent_id: "agent-7".into(), ..info("通话 1", "") }).await;
    guarded.screen(info("other", "")).await;
    let token = guarded.mint(Scope::CallId("通话 1".into()), "wang").await;
    let address = guarded.address().to_owned();
    assert!(token.path.starts_with("/pop?token=") && token.expire_time.is_some());
    let reply = web::get(&address, &token.path);
    assert_eq!(reply.status, 303);
    assert_eq!(reply.header("location"), Some("/pop?call_id=%E9%80%9A%E8%AF%9D%201"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let set = reply.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
    assert!(!set.contains("Secure"), "over plaintext a browser would drop it: {set}");
    let cookie = pair(&reply);
    assert_eq!(get(&address, "/pop?call_id=%E9%80%9A%E8%AF%9D%201", &cookie).status, 200);
    assert_eq!(get(&address, "/calls/%E9%80%9A%E8%AF%9D%201", &cookie).status, 200);
    for other in [
        "/pop?call_id=other",
        "/calls/other",
        "/desk?agent_id=agent-7",
        "/supervisor",
        "/events?call_id=other",
        "/events?agent_id=agent-7",
        "/desk/api/overview",
        "/desk/api/calls",
        "/desk/api/history?call_id=other&sequence=1",
    ] {
        assert_eq!(get(&address, other, &cookie).status, 401, "{other}");
    }
    let used = web::get(&address, &token.path);
    assert_eq!(used.status, 403);
    assert!(used.text().contains("TOKEN_USED") && used.text().contains("已使用过"), "{}", used.text());
    let again = get(&address, &token.path, &cookie);
    assert_eq!(
        (again.status, again.header("set-cookie")),
        (303, None),
        "the browser that used it may reload"
    );
    let events =
        EventStream::open_with(&address, "/events?call_id=%E9%80%9A%E8%AF%9D%201", &[("Cookie", &cookie)]);
    assert_eq!(events.unwrap().updates().len(), 1);
    guarded.server.terminate();
    let (_, log) = guarded.server.ended();
    let secret = cookie.split_once('=').unwrap().1.to_owned();
    assert!(log.contains("TRACE") && !log.contains(&token.token) && !log.contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_nothing_opens() {
    let mut guarded = Guarded::start("token_lifetime_s = 3600\n").await;
    let address = guarded.address().to_owned();
    let token = guarded.mint(Scope::CallId("c".into()), "").await.token;
    let mut altered = token.clone().into_bytes();
    altered[10] = if altered[10] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    for bad in ["x", "..", &altered, &token[1..], &"A".repeat(10_000)] {
        let reply = web::get(&address, &format!("/pop?token={bad}"));
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{bad}");
    }
    for page in ["/desk", "/supervisor", "/calls/d"] {
        let reply = web::get(&address, &format!("{page}?token={token}"));
        assert!(reply.status == 403 && reply.text().contains("TOKEN_FOR_ANOTHER_PAGE"), "{page}");
    }
    assert_eq!(web::get(&address, &format!("/pop?token={token}")).status, 303, "nothing used it up");
    let mut nobody = DeskServiceClient::new(guarded.channel.clone());
    let request = CreateDeskTokenRequest { scope: Some(Scope::Supervisor(true)), ..Default::default() };
    refused(nobody.create_desk_token(request).await, Code::Unauthenticated, "TOKEN_NOT_VALID");
    for (scope, reason) in [
        (None, "SCOPE_MISSING"),
        (Some(Scope::Supervisor(false)), "SCOPE_MISSING"),
        (Some(Scope::CallId(String::new())), "BAD_CALL_ID"),
        (Some(Scope::AgentId("a\nb".into())), "BAD_AGENT_ID"),
    ] {
        let request = CreateDeskTokenRequest { scope, ..Default::default() };
        refused(guarded.desk.create_desk_token(request).await, Code::InvalidArgument, reason);
    }
    let viewer = "v".repeat(129);
    let request = CreateDeskTokenRequest { scope: Some(Scope::CallId("c".into())), viewer };
    refused(guarded.desk.create_desk_token(request).await, Code::InvalidArgument, "BAD_VIEWER");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sees_own_calls_and_a_supervisor_all() {
    let mut guarded = Guarded::start("").await;
    guarded.screen(CallInfo { agent_id: "7".into(), ..info("mine", "") }).await;
    guarded.screen(CallInfo { agent_id: "8".into(), ..info("theirs", "") }).await;
    let (page, agent) = guarded.opened(Scope::AgentId("7".into()), "").await;
    let address = guarded.address().to_owned();
    assert_eq!(page, "/desk?agent_id=7");
    for (path, status) in [
        (page.as_str(), 200),
        ("/desk/api/calls?agent_id=7", 200),
        ("/desk/api/session?agent_id=7", 200),
        ("/desk/api/session?call_id=mine", 200),
        ("/desk/api/session?call_id=theirs", 404),
        ("/desk/api/call?call_id=mine", 200),
        ("/desk/api/call?call_id=theirs", 404),
        ("/desk?agent_id=8", 401),
        ("/desk/api/calls?agent_id=8", 401),
        ("/events?agent_id=8", 401),
        ("/events?call_id=theirs", 404),
        ("/events?call_id=not-begun", 404),
        ("/desk/api/history?call_id=theirs&sequence=1", 404),
        ("/supervisor", 401),
    ] {
        assert_eq!(get(&address, path, &agent).status, status, "{path}");
    }
    let listed: serde_json::Value =
        serde_json::from_str(&get(&address, "/desk/api/calls?agent_id=7", &agent).text()).unwrap();
    assert_eq!(listed["calls"].as_array().unwrap().len(), 1);
    assert_eq!(listed["calls"][0]["call"]["call_id"], "mine");
    assert!(EventStream::open_with(&address, "/events?call_id=mine", &[("Cookie", &agent)]).is_ok());
    let (page, all) = guarded.opened(Scope::Supervisor(true), "chief").await;
    assert_eq!(page, "/supervisor");
    for path in ["/supervisor", "/desk?agent_id=8", "/calls/theirs", "/desk/api/overview", "/desk/api/calls"]
    {
        assert_eq!(get(&address, path, &all).status, 200, "{path}");
    }
    let overview: serde_json::Value =
        serde_json::from_str(&get(&address, "/desk/api/overview", &all).text()).unwrap();
    let counted: BTreeMap<&str, u64> = overview["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["verdict"].as_str().unwrap(), step["calls"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, BTreeMap::from([("NO_CUSTOMER_CLAIMED", 2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_who_may_frame_the_pages_and_to_load_nothing_from_elsewhere() {
    let mut guarded = Guarded::start(&format!("frame_ancestors = [\"{HOST}\"]\nhttps = true\n")).await;
    let address = guarded.address().to_owned();
    let token = guarded.mint(Scope::CallId("c".into()), "").await;
    let reply = web::get(&address, &format!("{}&lang=en", token.path));
    assert_eq!(reply.header("location"), Some("/pop?call_id=c&lang=en"));
    let set = reply.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-earmark-desk-") && set.contains("; Secure"), "{set}");
    assert!(
        set.contains("SameSite=None") && set.contains("Partitioned") && set.contains("HttpOnly"),
        "{set}"
    );
    let cookie = pair(&reply);
    let page = get(&address, "/pop?call_id=c", &cookie);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("frame-ancestors 'self' {HOST}")), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.text().contains(HOST), "the page knows whom it may tell");
    let name =
        page.text().split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = web::get(&address, &name);
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(style.header("cache-control").unwrap().contains("immutable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_server_shows_its_pages_under_this_machines_names_only() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    clients.screen(info("call", ""), &voices::short_call("carlo")).await.unwrap();
    for path in ["/pop?call_id=call", "/desk?agent_id=a", "/supervisor", "/calls/call", "/desk/api/overview"]
    {
        assert_eq!(web::get(server.address(), path).status, 200, "{path}");
        // A name of another site that points to this machine.
        let address = server.address();
        let head = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assert!(web::raw(address, head.as_bytes()).starts_with("HTTP/1.1 401"), "{path}");
    }
}

/// A proxy on this machine that says nothing of whom it asks for: it calls the server by its own name.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_browsers_use_tls_is_open_to_nobody() {
    let (data, files) = (folder(), folder());
    let desk = files.path().join("desk.toml");
    std::fs::write(&desk, "https = true\n").unwrap();
    let server = Launch::new().argument("--desk", desk.to_str().unwrap()).start(data.path());
    for path in ["/supervisor?tenant=any", "/desk/api/overview", "/events?call_id=a"] {
        assert_eq!(web::get(server.address(), path).status, 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_file_that_can_not_be_is_refused_at_start_with_what_is_wrong() {
    for (desk, named) in [
        ("frame_ancestors = [\"*\"]", "web origin"),
        ("frame_ancestor = []", "frame_ancestor"),
        ("[[script]]\ntag = \"ODD\"\nzh = [\"a\"]\nen = [\"a\"]", "ODD"),
    ] {
        let (data, files) = (folder(), folder());
        let failure = launch(files.path(), desk).refused_late(data.path());
        assert!(failure.code.is_some_and(|code| code != 0) && failure.said.contains(named), "{failure:?}");
    }
}

/// A session outlives a restart, because its key is the data folder's; a token does not, since nobody
/// remembers any more whether it was used.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_a_restart_and_a_token_does_not() {
    let (data, files) = (folder(), folder());
    let start = || launch(files.path(), "").start(data.path());
    let server = start();
    let channel =
        Endpoint::from_shared(format!("http://{}", server.address())).unwrap().connect().await.unwrap();
    let mut desk = DeskServiceClient::with_interceptor(channel, sign as Sign);
    let request = CreateDeskTokenRequest { scope: Some(Scope::Supervisor(true)), ..Default::default() };
    let token = desk.create_desk_token(request.clone()).await.unwrap().into_inner().token.unwrap();
    let unused = desk.create_desk_token(request).await.unwrap().into_inner().token.unwrap();
    let cookie = pair(&web::get(server.address(), &token.path));
    drop(desk);
    server.terminate();
    assert!(server.ended().0.success());
    let server = start();
    assert_eq!(get(server.address(), "/supervisor", &cookie).status, 200);
    for path in [&token.path, &unused.path] {
        let late = web::get(server.address(), path);
        assert!(late.status == 403 && late.text().contains("TOKEN_EXPIRED"), "{}", late.text());
    }
    let elsewhere = folder();
    let other = launch(files.path(), "").start(elsewhere.path());
    assert_eq!(get(other.address(), "/supervisor", &cookie).status, 401, "another data folder, another key");
}
