use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use http::Request;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_web::GrpcWebLayer;
use tower::{Service, ServiceExt};

use crate::ServerError;
use crate::backend::Backend;
use crate::customers::Customers;
use crate::desk::Desk;
use crate::gate::{self, Gate, Rpc};
use crate::media::{RingCxStreaming, WebexConversationAudio};
use crate::proto::DESCRIPTOR_SET;
use crate::proto::ringcx::streaming_server::StreamingServer;
use crate::proto::v1::customers_service_server::CustomersServiceServer;
use crate::proto::v1::desk_service_server::DeskServiceServer;
use crate::proto::v1::proxy_library_service_server::ProxyLibraryServiceServer;
use crate::proto::v1::screening_service_server::ScreeningServiceServer;
use crate::proto::v1::voiceprints_service_server::VoiceprintsServiceServer;
use crate::proto::webex::conversation_audio_server::ConversationAudioServer;
use crate::proxy_library::ProxyLibrary;
use crate::screening::Screening;
use crate::voiceprints::Voiceprints;

/// The services whose health is told; the empty name is the server as a whole.
const SERVICES: [&str; 8] = [
    "",
    CustomersServiceServer::<Customers>::NAME,
    DeskServiceServer::<Desk>::NAME,
    ProxyLibraryServiceServer::<ProxyLibrary>::NAME,
    ScreeningServiceServer::<Screening>::NAME,
    VoiceprintsServiceServer::<Voiceprints>::NAME,
    StreamingServer::<RingCxStreaming>::NAME,
    ConversationAudioServer::<WebexConversationAudio>::NAME,
];

/// All of gRPC and gRPC-Web: the API behind its gate, health, and reflection in both versions.
pub(crate) fn routes(backend: &Arc<Backend>, gate: Gate) -> Result<(Router, HealthReporter), ServerError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that clients without generated code can read an error's details.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let infrastructure = Routes::new(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router();
    let routes = Rpc::ALL.iter().fold(infrastructure, |router, rpc| add(router, rpc, backend));
    let routes = routes.layer(from_fn_with_state(Arc::new(gate), gate::pass)).layer(GrpcWebLayer::new());
    Ok((routes, reporter))
}

/// Every method has a route of its own, because tonic limits messages by server and not by method.
fn add(router: Router, rpc: &Rpc, backend: &Arc<Backend>) -> Router {
    let limit = rpc.kind.message_limit(&backend.limits);
    let backend = backend.clone();
    match rpc.service() {
        "CustomersService" => {
            let server = CustomersServiceServer::new(Customers(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        "DeskService" => {
            let server = DeskServiceServer::new(Desk(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        "ProxyLibraryService" => {
            let server = ProxyLibraryServiceServer::new(ProxyLibrary(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        "ScreeningService" => {
            let server = ScreeningServiceServer::new(Screening(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        "Streaming" => {
            let server = StreamingServer::new(RingCxStreaming(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        "ConversationAudio" => {
            let server = ConversationAudioServer::new(WebexConversationAudio(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
        _ => {
            let server = VoiceprintsServiceServer::new(Voiceprints(backend));
            route(router, rpc, server.max_decoding_message_size(limit).accept_compressed(Gzip))
        }
    }
}

fn route<S>(router: Router, rpc: &Rpc, server: S) -> Router
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    router.route_service(&rpc.path(), server.map_request(|request: Request<AxumBody>| request.map(Body::new)))
}

/// Tells load balancers whether to send calls here.
pub(crate) async fn tell_health(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}
