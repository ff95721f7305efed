use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::convert;
use super::enroll_stream::EnrollStream;
use crate::audio_convert::recordings;
use crate::backend::{Backend, open};
use crate::paging_convert::page;
use crate::proto::v1::customers_service_server::CustomersService;
use crate::proto::v1::{
    DeleteCustomerRequest, DeleteCustomerResponse, EnrollRecordingsRequest, EnrollRecordingsResponse,
    EnrollRequest, EnrollResponse, GetCustomerRequest, GetCustomerResponse, ListCustomersRequest,
    ListCustomersResponse, OptInRequest, OptInResponse, OptOutRequest, OptOutResponse,
};

/// The handlers: convert, call the engine, convert.
pub(crate) struct Customers(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl CustomersService for Customers {
    async fn enroll(
        &self,
        request: Request<Streaming<EnrollRequest>>,
    ) -> Result<Response<EnrollResponse>, Status> {
        let report = EnrollStream::open(&self.0, request)?.run().await?;
        Ok(Response::new(convert::enrolled_stream(&report)))
    }

    async fn enroll_recordings(
        &self,
        request: Request<EnrollRecordingsRequest>,
    ) -> Result<Response<EnrollRecordingsResponse>, Status> {
        let (caller, asked) = open(request)?;
        let enrollment = convert::enrollment(&asked.customer_id, asked.request_id, asked.force, &caller)?;
        let recordings = recordings(asked.recordings)?;
        let work = self.0.batch(move |engine, cancellation| {
            engine.enroll_recordings(&caller.tenant, enrollment, recordings, cancellation)
        });
        let report = work.await?;
        self.0.count_audio(&report.speech);
        Ok(Response::new(convert::enrolled(&report)))
    }

    async fn get_customer(
        &self,
        request: Request<GetCustomerRequest>,
    ) -> Result<Response<GetCustomerResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::customer_id(&asked.customer_id)?;
        let customer = self.0.lookup(move |engine| engine.customer(&caller.tenant, &id)).await?;
        Ok(Response::new(GetCustomerResponse { customer: Some(convert::customer(&customer)) }))
    }

    async fn list_customers(
        &self,
        request: Request<ListCustomersRequest>,
    ) -> Result<Response<ListCustomersResponse>, Status> {
        let (caller, asked) = open(request)?;
        let wanted = page(asked.page_size, &asked.page_token)?;
        let customers = self.0.lookup(move |engine| engine.customers(&caller.tenant, &wanted)).await?;
        Ok(Response::new(convert::customers(customers)))
    }

    async fn delete_customer(
        &self,
        request: Request<DeleteCustomerRequest>,
    ) -> Result<Response<DeleteCustomerResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::customer_id(&asked.customer_id)?;
        let actor = caller.actor;
        self.0.lookup(move |engine| engine.delete_customer(&caller.tenant, &id, actor.as_deref())).await?;
        Ok(Response::new(DeleteCustomerResponse {}))
    }

    async fn opt_out(&self, request: Request<OptOutRequest>) -> Result<Response<OptOutResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::customer_id(&asked.customer_id)?;
        let actor = caller.actor;
        let work = self.0.lookup(move |engine| engine.opt_out(&caller.tenant, &id, actor.as_deref()));
        Ok(Response::new(OptOutResponse { customer: Some(convert::customer(&work.await?)) }))
    }

    async fn opt_in(&self, request: Request<OptInRequest>) -> Result<Response<OptInResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::customer_id(&asked.customer_id)?;
        let actor = caller.actor;
        self.0.lookup(move |engine| engine.opt_in(&caller.tenant, &id, actor.as_deref())).await?;
        Ok(Response::new(OptInResponse {}))
    }
}
