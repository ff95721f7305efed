//! The generated clients, all over one connection.

use earmark_server::proto::v1::customers_service_client::CustomersServiceClient;
use earmark_server::proto::v1::proxy_library_service_client::ProxyLibraryServiceClient;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use earmark_server::proto::v1::voiceprints_service_client::VoiceprintsServiceClient;
use earmark_server::proto::v1::{
    Call, Customer, GetCallRequest, GetCustomerRequest, GetProxyRequest, Proxy, Voiceprint,
};
use tonic::Status;
use tonic::transport::Channel;

use super::voices;

#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) customers: CustomersServiceClient<Channel>,
    pub(crate) library: ProxyLibraryServiceClient<Channel>,
    pub(crate) screening: ScreeningServiceClient<Channel>,
    pub(crate) voiceprints: VoiceprintsServiceClient<Channel>,
}

impl Clients {
    pub(crate) async fn connect(address: &str) -> Self {
        let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect().await.expect("the server takes connections");
        Self {
            customers: CustomersServiceClient::new(channel.clone()),
            library: ProxyLibraryServiceClient::new(channel.clone()),
            screening: ScreeningServiceClient::new(channel.clone()),
            voiceprints: VoiceprintsServiceClient::new(channel),
        }
    }

    pub(crate) async fn customer(&mut self, id: &str) -> Result<Customer, Status> {
        let reply = self.customers.get_customer(GetCustomerRequest { customer_id: id.into() }).await?;
        Ok(reply.into_inner().customer.expect("a customer"))
    }

    pub(crate) async fn proxy(&mut self, id: &str) -> Result<Proxy, Status> {
        let reply = self.library.get_proxy(GetProxyRequest { proxy_id: id.into() }).await?;
        Ok(reply.into_inner().proxy.expect("a proxy"))
    }

    pub(crate) async fn call(&mut self, id: &str) -> Result<Call, Status> {
        let reply = self.screening.get_call(GetCallRequest { call_id: id.into() }).await?;
        Ok(reply.into_inner().call.expect("a call"))
    }

    /// The voiceprint of one of the voices' clips.
    pub(crate) async fn print(&mut self, clip: &str) -> Voiceprint {
        let recording = Some(voices::clip(clip));
        let request = earmark_server::proto::v1::ExtractRequest { recording };
        let reply = self.voiceprints.extract(request).await.expect("a voiceprint");
        reply.into_inner().voiceprint.expect("a voiceprint")
    }
}

/// An id that no other test uses.
pub(crate) fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
