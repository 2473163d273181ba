//! `flagd.sync.v1`: whole definitions, for clients that evaluate in their own process.
#![expect(refining_impl_trait, reason = "each method names its message, which the trait leaves open")]

use std::sync::Arc;

use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream};
use futures::StreamExt as _;
use serde_json::{Map, Value};

use super::sync_v1::{
    FetchAllFlagsRequest, FetchAllFlagsResponse, FlagSyncService, GetMetadataRequest, GetMetadataResponse,
    SyncFlagsRequest, SyncFlagsResponse,
};
use super::{Flagd, refusal, structure};
use crate::auth::Scope;
use crate::selector::View;

impl Flagd {
    /// The attributes that stand in every context here, so that a client's own evaluation agrees with ours.
    fn sync_context(&self) -> Map<String, Value> {
        self.node.attributes(Map::new())
    }
}

impl FlagSyncService for Flagd {
    async fn sync_flags(
        &self,
        ctx: RequestContext,
        request: ServiceRequest<'_, SyncFlagsRequest>,
    ) -> ServiceResult<ServiceStream<SyncFlagsResponse>> {
        let view = self.view(&ctx, Scope::Sync, request.selector).await?;
        let sync_context = self.sync_context();
        let views = self.node.follow(&view).map_err(|problem| refusal(&problem))?;
        let node = Arc::clone(&self.node);
        Response::stream_ok(views.map(move |view| {
            view.snapshot.evaluations().note_whole(node.clock.now());
            Ok::<_, ConnectError>(SyncFlagsResponse {
                flag_configuration: document(&view)?,
                sync_context: structure::field(&sync_context),
                ..Default::default()
            })
        }))
    }

    async fn fetch_all_flags(
        &self,
        ctx: RequestContext,
        request: ServiceRequest<'_, FetchAllFlagsRequest>,
    ) -> ServiceResult<FetchAllFlagsResponse> {
        let view = self.view(&ctx, Scope::Sync, request.selector).await?;
        view.snapshot.evaluations().note_whole(self.node.clock.now());
        Response::ok(FetchAllFlagsResponse { flag_configuration: document(&view)?, ..Default::default() })
    }

    async fn get_metadata(
        &self,
        ctx: RequestContext,
        _: ServiceRequest<'_, GetMetadataRequest>,
    ) -> ServiceResult<GetMetadataResponse> {
        self.view(&ctx, Scope::Sync, "").await?;
        Response::ok(GetMetadataResponse {
            metadata: structure::field(&self.sync_context()),
            ..Default::default()
        })
    }
}

fn document(view: &View) -> Result<String, ConnectError> {
    String::from_utf8(view.document().into()).map_err(|error| ConnectError::internal(error.to_string()))
}
