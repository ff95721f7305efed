use std::sync::Arc;

use earmark_server::proto::v1;
use earmark_server::proto::v1::customers_service_client::CustomersServiceClient;
use earmark_server::{ServerOptions, StreamRoute, TlsOptions};
use earmark_voiceprint::TenantId;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::fixture::{Server, soon};

struct Pair {
    certificate: String,
    key: String,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec!["test authority".into()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(by: &CertifiedIssuer<'static, KeyPair>) -> Pair {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

async fn start(by: &CertifiedIssuer<'static, KeyPair>, mutual: bool) -> Server {
    start_with(by, mutual, ServerOptions::default()).await
}

async fn start_with(by: &CertifiedIssuer<'static, KeyPair>, mutual: bool, options: ServerOptions) -> Server {
    let own = issued(by);
    let tls = TlsOptions {
        certificates_pem: own.certificate.into_bytes(),
        private_key_pem: own.key.into_bytes(),
        client_authorities_pem: mutual.then(|| by.pem().into_bytes()),
    };
    Server::start_with(ServerOptions { tls: Some(tls), ..options }).await
}

fn channel(server: &Server, tls: ClientTlsConfig) -> Channel {
    let address = format!("https://localhost:{}", server.address.port());
    Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap().connect_lazy()
}

async fn list(server: &Server, channel: Channel) -> Result<(), tonic::Status> {
    let mut request = tonic::Request::new(v1::ListCustomersRequest::default());
    request.metadata_mut().insert("earmark-tenant", server.tenant().parse().unwrap());
    soon(CustomersServiceClient::new(channel).list_customers(request)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_under_a_certificate() {
    let authority = authority();
    let server = start(&authority, false).await;
    let trusting = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
    list(&server, channel(&server, trusting)).await.unwrap();
    // Over plaintext there is no answer.
    list(&server, server.channel.clone()).await.unwrap_err();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_clients_for_theirs() {
    let authority = authority();
    let server = start(&authority, true).await;
    let trusting = || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
    list(&server, channel(&server, trusting())).await.unwrap_err();
    let stranger = issued(&self::authority());
    let stranger = trusting().identity(Identity::from_pem(stranger.certificate, stranger.key));
    list(&server, channel(&server, stranger)).await.unwrap_err();
    let known = issued(&authority);
    let known = trusting().identity(Identity::from_pem(known.certificate, known.key));
    list(&server, channel(&server, known)).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_to_websockets_under_it() {
    let authority = authority();
    let mut options = ServerOptions::default();
    let tenant = TenantId::new("default").unwrap();
    options.telephony.websocket.freeswitch = Some(StreamRoute { tenant });
    let server = start_with(&authority, false, options).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = soon(TlsConnector::from(Arc::new(client)).connect(name, tcp)).await.unwrap();
    let url = "wss://localhost/media/freeswitch?call_id=tls";
    let (mut socket, response) = soon(tokio_tungstenite::client_async(url, tls)).await.unwrap();
    assert_eq!(response.status().as_u16(), 101);
    soon(socket.close(None)).await.unwrap();
    while let Some(Ok(_)) = soon(socket.next()).await {}
    server.stop().await;
}
