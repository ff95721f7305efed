//! Enrolling and listing, as clients do it.

use earmark_server::proto::v1::{
    AddProxyRequest, AddProxyResponse, EnrollConfig, EnrollRecordingsRequest, EnrollRecordingsResponse,
    EnrollRequest, EnrollResponse, Recording, enroll_request,
};
use tonic::Status;

use super::clients::Clients;
use super::voices;

pub(crate) const LEGAL_BASIS: &str = "fraud prevention, case 2026-118";

impl Clients {
    pub(crate) async fn enroll(
        &mut self,
        customer: &str,
        recordings: Vec<Recording>,
    ) -> Result<EnrollRecordingsResponse, Status> {
        let request = enrollment(customer, recordings);
        Ok(self.customers.enroll_recordings(request).await?.into_inner())
    }

    pub(crate) async fn list(
        &mut self,
        proxy: &str,
        recordings: Vec<Recording>,
    ) -> Result<AddProxyResponse, Status> {
        let (proxy_id, legal_basis) = (proxy.to_owned(), LEGAL_BASIS.to_owned());
        let request = AddProxyRequest { proxy_id, legal_basis, recordings, ..Default::default() };
        Ok(self.library.add_proxy(request).await?.into_inner())
    }

    /// Enrolls from a stream in chunks of so many bytes.
    pub(crate) async fn enroll_stream(
        &mut self,
        config: EnrollConfig,
        audio: &[u8],
        chunk: usize,
    ) -> Result<EnrollResponse, Status> {
        let mut messages = vec![enroll_config(config)];
        messages.extend(audio.chunks(chunk).map(enroll_audio));
        Ok(self.customers.enroll(tokio_stream::iter(messages)).await?.into_inner())
    }
}

pub(crate) fn enrollment(customer: &str, recordings: Vec<Recording>) -> EnrollRecordingsRequest {
    EnrollRecordingsRequest { customer_id: customer.to_owned(), recordings, ..Default::default() }
}

/// A stream of 8 kHz PCM of this customer.
pub(crate) fn stream_of(customer: &str) -> EnrollConfig {
    let format = Some(voices::pcm_format());
    EnrollConfig { customer_id: customer.to_owned(), format, ..Default::default() }
}

pub(crate) fn enroll_config(config: EnrollConfig) -> EnrollRequest {
    EnrollRequest { request: Some(enroll_request::Request::Config(config)) }
}

pub(crate) fn enroll_audio(audio: &[u8]) -> EnrollRequest {
    EnrollRequest { request: Some(enroll_request::Request::Audio(audio.to_vec().into())) }
}
