//! OTLP over gRPC (and Connect and gRPC-Web, which come with it): OpenTelemetry's collector services.
//!
//! The messages are prost's, so this hands the framed bytes on by itself and leaves the protocol to the same code that
//! serves flagd.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use connectrpc::dispatcher::{Dispatcher, MethodDescriptor, RequestStream, StreamingResult, UnaryResult};
use connectrpc::{
    CodecFormat, ConnectError, ConnectRpcService, ErrorCode, Limits, Payload, RequestContext, Response,
};
use prost::Message as _;

use super::{Logs, Signal, Told, Traces, export};
use crate::auth::{NO_CREDENTIAL, Scope, token_of};
use crate::live::Live;
use crate::problem::Problem;

/// The collector services, under their paths.
pub fn router(live: &Arc<Live>) -> Router {
    let bytes_max = live.config.ingest_body_bytes_max;
    let limits = Limits::default().with_max_request_body_size(bytes_max).with_max_message_size(bytes_max);
    Router::new().merge(service::<Logs>(live, limits)).merge(service::<Traces>(live, limits))
}

fn service<S: Signal + Send + Sync>(live: &Arc<Live>, limits: Limits) -> Router {
    let collector = Collector::<S> { live: Arc::clone(live), signal: PhantomData };
    Router::new()
        .route_service(&format!("/{}", S::METHOD), ConnectRpcService::new(collector).with_limits(limits))
}

/// The collector of one signal.
struct Collector<S> {
    live: Arc<Live>,
    signal: PhantomData<S>,
}

impl<S: Signal + Send + Sync> Dispatcher for Collector<S> {
    fn lookup(&self, path: &str) -> Option<MethodDescriptor> {
        (path == S::METHOD).then_some(MethodDescriptor::unary(false))
    }

    fn call_unary(&self, _: &str, ctx: RequestContext, request: Payload, format: CodecFormat) -> UnaryResult {
        let live = Arc::clone(&self.live);
        Box::pin(async move {
            let bytes = answer::<S>(&live, &ctx, &request.encoded()?, format).await?;
            Ok(Response::new(bytes.into()))
        })
    }

    fn call_server_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: Bytes,
        _: CodecFormat,
    ) -> StreamingResult {
        let refusal = not_streamed(path);
        Box::pin(async move { Err(refusal) })
    }

    fn call_client_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> UnaryResult {
        let refusal = not_streamed(path);
        Box::pin(async move { Err(refusal) })
    }

    fn call_bidi_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> StreamingResult {
        let refusal = not_streamed(path);
        Box::pin(async move { Err(refusal) })
    }
}

async fn answer<S: Signal>(
    live: &Live,
    ctx: &RequestContext,
    bytes: &[u8],
    format: CodecFormat,
) -> Result<Bytes, ConnectError> {
    allow(live, ctx).await.map_err(|problem| refusal(&problem))?;
    let malformed = |error: String| ConnectError::new(ErrorCode::InvalidArgument, error);
    let request = match format {
        CodecFormat::Proto => S::Request::decode(bytes).map_err(|error| malformed(error.to_string()))?,
        _ => serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?,
    };
    let told = export::<S>(live, &request).await.map_err(|problem| refusal(&problem))?;
    Ok(match format {
        CodecFormat::Proto => S::answer(told).encode_to_vec().into(),
        _ => json::<S>(told)?,
    })
}

fn json<S: Signal>(told: Option<Told>) -> Result<Bytes, ConnectError> {
    let bytes = serde_json::to_vec(&S::AnswerJson::from(told));
    bytes.map(Bytes::from).map_err(|error| ConnectError::new(ErrorCode::Internal, error.to_string()))
}

async fn allow(live: &Live, ctx: &RequestContext) -> Result<(), Problem> {
    let token = token_of(ctx.headers())?.ok_or(NO_CREDENTIAL)?;
    live.node.tokens.principal(token, live.clock.now()).await?.check(Scope::Ingest)
}

/// A refusal in the protocol's words. Exporters send again what is `unavailable`, and drop what is anything else.
fn refusal(problem: &Problem) -> ConnectError {
    let code = match problem {
        Problem::Unauthenticated(_) => ErrorCode::Unauthenticated,
        Problem::Forbidden(_) => ErrorCode::PermissionDenied,
        Problem::Busy { .. } | Problem::Unavailable(_) => ErrorCode::Unavailable,
        Problem::TooLarge { .. } | Problem::Invalid { .. } => ErrorCode::InvalidArgument,
        _ => ErrorCode::Internal,
    };
    ConnectError::new(code, problem.body().detail)
}

fn not_streamed(path: &str) -> ConnectError {
    ConnectError::new(ErrorCode::Unimplemented, format!("{path} takes one request and gives one answer"))
}
