//! `flagd.evaluation.v2`: a value that is not there means "the default in your code".
#![expect(refining_impl_trait, reason = "each method names its message, which the trait leaves open")]

use buffa_types::google::protobuf::Struct;
use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream};
use futures::StreamExt as _;

use super::v2::{
    EventStreamRequest, EventStreamResponse, ResolveBooleanRequest, ResolveBooleanResponse,
    ResolveFloatRequest, ResolveFloatResponse, ResolveIntRequest, ResolveIntResponse, ResolveObjectRequest,
    ResolveObjectResponse, ResolveStringRequest, ResolveStringResponse, Service,
};
use super::{Flagd, structure};

macro_rules! resolve {
    ($($method:ident $request:ident $response:ident $value:ty;)+) => {$(
        async fn $method(
            &self,
            ctx: RequestContext,
            request: ServiceRequest<'_, $request>,
        ) -> ServiceResult<$response> {
            let answer = self.resolve::<$value>(&ctx, request.flag_key, request.context.as_option()).await?;
            Response::ok($response {
                value: answer.value.into(),
                reason: answer.reason,
                variant: answer.variant,
                metadata: structure::field(&answer.metadata),
                ..Default::default()
            })
        }
    )+};
}

impl Service for Flagd {
    resolve! {
        resolve_boolean ResolveBooleanRequest ResolveBooleanResponse bool;
        resolve_string ResolveStringRequest ResolveStringResponse String;
        resolve_float ResolveFloatRequest ResolveFloatResponse f64;
        resolve_int ResolveIntRequest ResolveIntResponse i64;
        resolve_object ResolveObjectRequest ResolveObjectResponse Struct;
    }

    async fn event_stream(
        &self,
        ctx: RequestContext,
        _: ServiceRequest<'_, EventStreamRequest>,
    ) -> ServiceResult<ServiceStream<EventStreamResponse>> {
        let notices = self.notices(&ctx).await?;
        Response::stream_ok(notices.map(|notice| {
            Ok::<_, ConnectError>(EventStreamResponse {
                r#type: notice.kind.to_owned(),
                data: structure::field(&notice.data),
                ..Default::default()
            })
        }))
    }
}
