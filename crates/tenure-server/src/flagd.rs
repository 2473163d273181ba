//! flagd's protocols: remote evaluation (`flagd.evaluation.v1`, `.v2`) and whole definitions (`flagd.sync.v1`).
//!
//! One implementation speaks Connect, gRPC and gRPC-Web, in protobuf or JSON, so that flagd's clients work as they are. A
//! single evaluation of a measured flag exposes its unit; evaluating all flags, and handing out definitions, only assigns.
//! The messages are generated from `proto/`; what they mean is in the module of each service.

mod answer;
mod evaluation_v1;
mod evaluation_v2;
mod events;
mod structure;
mod sync;

use std::sync::Arc;

use axum::Router;
use connectrpc::{ConnectError, ConnectRpcService, ErrorCode, Limits};

use crate::flag_node::FlagNode;
use crate::problem::Problem;

use messages::flagd::evaluation::{v1, v2};
use messages::flagd::sync::v1 as sync_v1;

/// Messages and services, as `build.rs` compiles them.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "generated"
)]
mod messages {
    connectrpc::include_generated!("flagd.rs");
}

/// The node as the implementation of each service.
#[derive(Clone)]
struct Flagd {
    node: Arc<FlagNode>,
}

/// flagd's services of a node, under their paths.
pub fn router(node: Arc<FlagNode>) -> Router {
    let bytes_max = node.config.body_bytes_max;
    let limits = Limits::default().with_max_request_body_size(bytes_max).with_max_message_size(bytes_max);
    let flagd = Arc::new(Flagd { node });
    let services = connectrpc::Router::new();
    let services = v1::ServiceExt::register(Arc::clone(&flagd), services);
    let services = v2::ServiceExt::register(Arc::clone(&flagd), services);
    let services = sync_v1::FlagSyncServiceExt::register(flagd, services);
    let services = ConnectRpcService::new(services).with_limits(limits);
    [v1::SERVICE_SERVICE_NAME, v2::SERVICE_SERVICE_NAME, sync_v1::FLAG_SYNC_SERVICE_SERVICE_NAME]
        .into_iter()
        .fold(Router::new(), |router, service| {
            router.route_service(&format!("/{service}/{{method}}"), services.clone())
        })
}

/// A refusal in the protocol's words.
fn refusal(problem: &Problem) -> ConnectError {
    let body = problem.body();
    let code = match problem {
        Problem::Unauthenticated(_) => ErrorCode::Unauthenticated,
        Problem::Forbidden(_) => ErrorCode::PermissionDenied,
        Problem::Invalid { .. } => ErrorCode::InvalidArgument,
        Problem::Busy { .. } => ErrorCode::ResourceExhausted,
        Problem::Unavailable(_) => ErrorCode::Unavailable,
        _ => ErrorCode::Internal,
    };
    ConnectError::new(code, body.detail)
}
