//! `flagd.evaluation.v1`: values and variants are plain, so "the default in your code" is an empty variant.
#![expect(refining_impl_trait, reason = "each method names its message, which the trait leaves open")]

use std::collections::HashMap;

use buffa_types::google::protobuf::Struct;
use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream};
use futures::StreamExt as _;
use serde_json::Value;
use tenure_flags::{Context, Resolution};

use super::answer::FromVariant as _;
use super::v1::__buffa::oneof::any_flag::Value as AnyValue;
use super::v1::{
    AnyFlag, EventStreamRequest, EventStreamResponse, ResolveAllRequest, ResolveAllResponse,
    ResolveBooleanRequest, ResolveBooleanResponse, ResolveFloatRequest, ResolveFloatResponse,
    ResolveIntRequest, ResolveIntResponse, ResolveObjectRequest, ResolveObjectResponse, ResolveStringRequest,
    ResolveStringResponse, Service,
};
use super::{Flagd, structure};
use crate::auth::Scope;
use crate::telemetry::EvaluationLabels;

macro_rules! resolve {
    ($($method:ident $request:ident $response:ident $value:ty;)+) => {$(
        async fn $method(
            &self,
            ctx: RequestContext,
            request: ServiceRequest<'_, $request>,
        ) -> ServiceResult<$response> {
            let answer = self.resolve::<$value>(&ctx, request.flag_key, request.context.as_option()).await?;
            Response::ok($response {
                value: answer.value.unwrap_or_default().into(),
                reason: answer.reason,
                variant: answer.variant.unwrap_or_default(),
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

    async fn resolve_all(
        &self,
        ctx: RequestContext,
        request: ServiceRequest<'_, ResolveAllRequest>,
    ) -> ServiceResult<ResolveAllResponse> {
        let view = self.view(&ctx, Scope::Evaluate, "").await?;
        self.node.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "bulk" }).inc();
        let attributes = self.node.attributes(structure::attributes(request.context.as_option()));
        let context = Context::new(&attributes);
        // As in flagd, a flag that fails is left out: a message cannot say why.
        let flags: HashMap<String, AnyFlag> = view
            .evaluate_all(&context, self.node.clock.now())
            .filter_map(|(key, answer)| Some((key.to_owned(), any_flag(&answer.ok()?))))
            .collect();
        Response::ok(ResolveAllResponse {
            flags: flags.into_iter().collect(),
            metadata: structure::field(&view.metadata()),
            ..Default::default()
        })
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

fn any_flag(answer: &Resolution<'_>) -> AnyFlag {
    AnyFlag {
        reason: answer.reason.as_str().to_owned(),
        variant: answer.variant.unwrap_or_default().to_owned(),
        metadata: structure::field(answer.metadata),
        value: answer.value.and_then(any_value),
        ..Default::default()
    }
}

fn any_value(value: &Value) -> Option<AnyValue> {
    match value {
        Value::Bool(value) => Some(AnyValue::BoolValue(*value)),
        Value::String(value) => Some(AnyValue::StringValue(value.clone())),
        Value::Number(value) => value.as_f64().map(AnyValue::DoubleValue),
        Value::Object(_) => Struct::from_variant(value.clone()).map(AnyValue::from),
        Value::Null | Value::Array(_) => None,
    }
}
