//! One flag's answer on its way from the evaluator into a message, whichever service asked.

use buffa_types::google::protobuf::__buffa::view::StructView;
use buffa_types::google::protobuf::Struct;
use connectrpc::{ConnectError, ErrorCode, RequestContext};
use serde_json::{Map, Value};
use tenure_flags::{Context, EvaluationError, ValueType};

use super::{Flagd, refusal, structure};
use crate::auth::Scope;
use crate::selector::View;
use crate::telemetry::EvaluationLabels;

/// A flag's answer.
pub struct Answer<T> {
    /// The value; none where the default in the caller's code applies.
    pub value: Option<T>,
    /// Why this value.
    pub reason: String,
    /// The value's name; there with a value only.
    pub variant: Option<String>,
    /// Metadata of the flag and its set.
    pub metadata: Map<String, Value>,
}

/// A value of a message, from the JSON of a variant.
pub trait FromVariant: Sized {
    /// The type that flags of it have.
    const TYPE: ValueType;

    /// The value; none when the JSON is of another type.
    fn from_variant(value: Value) -> Option<Self>;
}

impl FromVariant for bool {
    const TYPE: ValueType = ValueType::Boolean;

    fn from_variant(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl FromVariant for String {
    const TYPE: ValueType = ValueType::String;

    fn from_variant(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl FromVariant for f64 {
    const TYPE: ValueType = ValueType::Float;

    fn from_variant(value: Value) -> Option<Self> {
        value.as_f64()
    }
}

impl FromVariant for i64 {
    const TYPE: ValueType = ValueType::Integer;

    /// A whole number, also one that is written with a fraction (`10.0`).
    fn from_variant(value: Value) -> Option<Self> {
        value.as_i64().or_else(|| {
            let number = value.as_f64()?;
            // Beyond 2^63 there is no such integer; within, the cast is exact.
            (number.fract() == 0.0 && number.abs() < 9.223_372_036_854_776e18).then_some(number as Self)
        })
    }
}

impl FromVariant for Struct {
    const TYPE: ValueType = ValueType::Object;

    /// An object. A list has no place in the protocol.
    fn from_variant(value: Value) -> Option<Self> {
        value.as_object().map(structure::structure)
    }
}

impl Flagd {
    /// Who asks, and what they see.
    pub async fn view(&self, ctx: &RequestContext, scope: Scope, field: &str) -> Result<View, ConnectError> {
        let node = &self.node;
        let admitted = node.admit(ctx.headers(), ctx.extensions(), scope).await;
        let selected = admitted.and_then(|principal| node.select(&principal, ctx.headers(), field));
        selected.map_err(|problem| refusal(&problem))
    }

    /// One flag's answer. The unit has met the flag.
    pub async fn resolve<T: FromVariant>(
        &self,
        ctx: &RequestContext,
        key: &str,
        context: Option<&StructView<'_>>,
    ) -> Result<Answer<T>, ConnectError> {
        let attributes = self.node.attributes(structure::attributes(context));
        let view = self.view(ctx, Scope::Evaluate, "").await?;
        self.node.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "single" }).inc();
        let context = Context::new(&attributes);
        let answer = view
            .evaluate(key, &context, self.node.clock.now())
            .and_then(|answer| answer.of_type(T::TYPE))
            .map_err(|error| failure(&error))?;
        let value = match answer.value {
            None => None,
            Some(value) => Some(T::from_variant(value.clone()).ok_or_else(|| {
                ConnectError::new(
                    ErrorCode::InvalidArgument,
                    format!("flag `{key}` has a value that this protocol has no {} for", T::TYPE.as_str()),
                )
            })?),
        };
        self.node.record_exposure(&view, &answer, &context, "flagd");
        Ok(Answer {
            value,
            reason: answer.reason.as_str().to_owned(),
            variant: answer.variant.map(str::to_owned),
            metadata: answer.metadata.clone(),
        })
    }
}

/// A failed evaluation in the codes that flagd's clients know. None of them makes a client try again.
pub fn failure(error: &EvaluationError) -> ConnectError {
    use tenure_flags::ErrorCode as Flag;
    let code = match error.code {
        Flag::FlagNotFound => ErrorCode::NotFound,
        Flag::ParseError => ErrorCode::DataLoss,
        Flag::TypeMismatch | Flag::TargetingKeyMissing | Flag::InvalidContext => ErrorCode::InvalidArgument,
        Flag::General => ErrorCode::Internal,
    };
    ConnectError::new(code, error.message.clone())
}
