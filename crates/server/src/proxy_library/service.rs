use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::convert;
use crate::audio_convert::recordings;
use crate::backend::{Backend, open};
use crate::paging_convert::page;
use crate::proto::v1::proxy_library_service_server::ProxyLibraryService;
use crate::proto::v1::{
    AddProxyRequest, AddProxyResponse, GetProxyRequest, GetProxyResponse, ListProxiesRequest,
    ListProxiesResponse, RemoveProxyRequest, RemoveProxyResponse,
};

/// The handlers: convert, call the engine, convert.
pub(crate) struct ProxyLibrary(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl ProxyLibraryService for ProxyLibrary {
    async fn add_proxy(
        &self,
        request: Request<AddProxyRequest>,
    ) -> Result<Response<AddProxyResponse>, Status> {
        let (caller, mut asked) = open(request)?;
        let recordings = recordings(std::mem::take(&mut asked.recordings))?;
        let listing = convert::listing(asked, &caller)?;
        let work = self.0.batch(move |engine, cancellation| {
            engine.list_proxy(&caller.tenant, listing, recordings, cancellation)
        });
        Ok(Response::new(convert::listed(&work.await?)))
    }

    async fn get_proxy(
        &self,
        request: Request<GetProxyRequest>,
    ) -> Result<Response<GetProxyResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::proxy_id(&asked.proxy_id)?;
        let proxy = self.0.lookup(move |engine| engine.proxy(&caller.tenant, &id)).await?;
        Ok(Response::new(GetProxyResponse { proxy: Some(convert::proxy(&proxy)) }))
    }

    async fn list_proxies(
        &self,
        request: Request<ListProxiesRequest>,
    ) -> Result<Response<ListProxiesResponse>, Status> {
        let (caller, asked) = open(request)?;
        let wanted = page(asked.page_size, &asked.page_token)?;
        let proxies = self.0.lookup(move |engine| engine.proxies(&caller.tenant, &wanted)).await?;
        Ok(Response::new(convert::proxies(proxies)))
    }

    async fn remove_proxy(
        &self,
        request: Request<RemoveProxyRequest>,
    ) -> Result<Response<RemoveProxyResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::proxy_id(&asked.proxy_id)?;
        let actor = caller.actor;
        self.0.lookup(move |engine| engine.unlist_proxy(&caller.tenant, &id, actor.as_deref())).await?;
        Ok(Response::new(RemoveProxyResponse {}))
    }
}
