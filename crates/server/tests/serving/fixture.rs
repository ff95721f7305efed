//! The real server over the real engine on a loopback port, one engine for all tests and a tenant
//! for each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use earmark_audio::{Limits as AudioLimits, RecordingReader};
use earmark_engine::{Engine, EngineOptions};
use earmark_server::proto::v1;
use earmark_server::proto::v1::customers_service_client::CustomersServiceClient;
use earmark_server::proto::v1::desk_service_client::DeskServiceClient;
use earmark_server::proto::v1::proxy_library_service_client::ProxyLibraryServiceClient;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use earmark_server::proto::v1::voiceprints_service_client::VoiceprintsServiceClient;
use earmark_server::{ServerError, ServerOptions, serve};
use earmark_voiceprint::TenantId;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

const TENANTS: usize = 60;
/// Nothing here takes so long; a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(120);

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One engine for all tests, as loading the models takes longer than most of them.
fn engine() -> Engine {
    static ENGINE: OnceLock<(Engine, tempfile::TempDir)> = OnceLock::new();
    let open = || {
        let data = tempfile::tempdir().unwrap();
        let models =
            std::env::var_os("EARMARK_MODELS").map_or_else(|| workspace().join("models"), PathBuf::from);
        let tenants = (0..TENANTS).map(|n| TenantId::new(&format!("t{n}")).unwrap()).collect();
        let (speaker, activity) = (models.join("campplus-phone-192"), models.join("silero-vad-8k"));
        let shipped = EngineOptions::shipped(data.path().join("data"), speaker, activity, tenants);
        let options = EngineOptions { sessions: 2, ..shipped };
        (Engine::open(options).expect("the engine opens"), data)
    };
    ENGINE.get_or_init(open).0.clone()
}

/// Names the tenant of a test in every request.
#[derive(Clone)]
pub(crate) struct AsTenant(MetadataValue<tonic::metadata::Ascii>);

impl Interceptor for AsTenant {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("earmark-tenant", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Client = InterceptedService<Channel, AsTenant>;

/// A running server and a tenant of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    tenant: AsTenant,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), ServerError>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerOptions::default()).await
    }

    pub(crate) async fn start_with(options: ServerOptions) -> Self {
        static NEXT_TENANT: AtomicUsize = AtomicUsize::new(0);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let running = tokio::spawn(serve(listener, engine(), options, shutdown));
        let number = NEXT_TENANT.fetch_add(1, Ordering::Relaxed);
        assert!(number < TENANTS, "more servers than tenants");
        let tenant = AsTenant(format!("t{number}").parse().unwrap());
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(PATIENCE);
        Self { address, channel: endpoint.connect_lazy(), tenant, stop: Some(stop), running }
    }

    pub(crate) fn tenant(&self) -> &str {
        self.tenant.0.to_str().unwrap()
    }

    pub(crate) fn customers(&self) -> CustomersServiceClient<Client> {
        CustomersServiceClient::with_interceptor(self.channel.clone(), self.tenant.clone())
    }

    pub(crate) fn desk(&self) -> DeskServiceClient<Client> {
        DeskServiceClient::with_interceptor(self.channel.clone(), self.tenant.clone())
    }

    pub(crate) fn library(&self) -> ProxyLibraryServiceClient<Client> {
        ProxyLibraryServiceClient::with_interceptor(self.channel.clone(), self.tenant.clone())
    }

    pub(crate) fn screening(&self) -> ScreeningServiceClient<Client> {
        ScreeningServiceClient::with_interceptor(self.channel.clone(), self.tenant.clone())
    }

    pub(crate) fn voiceprints(&self) -> VoiceprintsServiceClient<Client> {
        VoiceprintsServiceClient::with_interceptor(self.channel.clone(), self.tenant.clone())
    }

    /// Gives the stop signal; the drain goes on by itself.
    pub(crate) fn signal(&mut self) {
        self.stop.take().expect("stopped once").send(()).expect("the server runs");
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) async fn ended(self) {
        let Self { running, .. } = self;
        tokio::time::timeout(PATIENCE, running).await.expect("the server ends").unwrap().unwrap();
    }

    pub(crate) async fn stop(mut self) {
        self.signal();
        self.ended().await;
    }
}

/// Fails a test that hangs.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it takes too long")
}

fn voice_file(person: &str, clip: u32) -> PathBuf {
    workspace().join(format!("tests/data/voices/{person}/{clip:02}.flac"))
}

/// A whole clip of a person, as a client uploads it.
pub(crate) fn recording(person: &str, clip: u32) -> v1::Recording {
    let content = std::fs::read(voice_file(person, clip)).expect("the clip is there");
    v1::Recording { content, name: format!("{person}-{clip}.flac"), ..v1::Recording::default() }
}

/// A clip of a person as 8 kHz s16le, as a telephone system streams it.
pub(crate) fn pcm(person: &str, clip: u32) -> Vec<u8> {
    let mut reader = RecordingReader::open(&voice_file(person, clip), &AudioLimits::default()).unwrap();
    let mut bytes = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        let samples = block.channels()[0].iter().map(|s| (s * 32767.0).round() as i16);
        bytes.extend(samples.flat_map(i16::to_le_bytes));
    }
    bytes
}

pub(crate) fn s16le() -> v1::StreamFormat {
    v1::StreamFormat { encoding: v1::Encoding::PcmS16le.into(), ..v1::StreamFormat::default() }
}

pub(crate) fn call(id: &str, claimed: &str) -> v1::CallInfo {
    v1::CallInfo {
        call_id: id.into(),
        claimed_customer_id: claimed.into(),
        caller_number: "13800000000".into(),
        agent_id: "agent-7".into(),
        scene: String::new(),
    }
}

/// Enrolls a person from the clips meant for it.
pub(crate) async fn enroll(server: &Server, customer: &str, person: &str) -> v1::Customer {
    let request = v1::EnrollRecordingsRequest {
        customer_id: customer.into(),
        recordings: (1..=3).map(|clip| recording(person, clip)).collect(),
        ..v1::EnrollRecordingsRequest::default()
    };
    let reply = server.customers().enroll_recordings(request).await.expect("enrolls").into_inner();
    reply.customer.unwrap()
}

/// A server that is told to stop at once.
pub(crate) async fn serve_on(address: &str, options: ServerOptions) -> Result<(), ServerError> {
    let listener = TcpListener::bind(address).await.unwrap();
    soon(serve(listener, engine(), options, std::future::ready(()))).await
}
