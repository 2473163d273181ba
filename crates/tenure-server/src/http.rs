//! The HTTP interface: one router, one OpenAPI description made from the handlers, one set of bounds.
//!
//! A handler parses, calls, maps. Every route names the scope it needs by its argument `Allowed<…>`; the routes that need
//! none are listed in the golden list of `tests/permissions.rs`.
#![expect(unused_qualifications, reason = "what utoipa's macros write out is qualified whole")]

pub mod account;
pub mod attachment;
pub mod body;
pub mod case;
pub mod case_filter;
pub mod change_request;
pub mod code_reference;
pub mod command;
pub mod company;
pub mod document;
pub mod environment;
pub mod event;
pub mod experiment;
pub mod flag;
pub mod flag_history;
pub mod flag_stream;
pub mod health;
pub mod intake;
pub mod invitation;
pub mod journal;
pub mod lineage;
pub mod notification;
pub mod ofrep;
pub mod otlp;
pub mod page;
pub mod playground;
pub mod policy;
pub mod query;
pub mod relay_feed;
pub mod relay_node;
pub mod run;
pub mod schema;
pub mod segment;
pub mod session;
pub mod setup;
pub mod sign_off_page;
pub mod status_page;
pub mod token;
pub mod ui;
pub mod webhook;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::SESSION_COOKIE;
use crate::flag_node::FlagNode;
use crate::flagd;
use crate::live::Live;
use crate::otlp::grpc;
use crate::problem::Problem;
use crate::relay::Heart;
use crate::selector::SELECTOR_HEADER;
use crate::telemetry::RequestLabels;

/// The largest form a page sends.
const FORM_BYTES_MAX: usize = 64 << 10;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tenure",
        description = "Carries a winning experiment to a productionised feature: cases, flags, rollouts, events, verdicts.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "process", description = "cases, experiments and commands"),
        (name = "flags", description = "flags, environments, segments, change requests, references in code"),
        (name = "ofrep", description = "OpenFeature Remote Evaluation Protocol 0.3"),
        (name = "events", description = "exposures and outcomes"),
        (name = "journal", description = "who decided what"),
        (name = "accounts", description = "people and tokens"),
        (name = "notifications", description = "webhooks, and how a person is told"),
        (name = "operation", description = "health and counters"),
    ),
    // What only queries and paths name.
    components(schemas(
        case_filter::StageGiven,
        case_filter::OrderGiven,
        change_request::StatusGiven,
        document::Kind,
        document::Format,
    )),
    modifiers(&SecuritySchemes),
)]
struct Description;

struct SecuritySchemes;

impl utoipa::Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("an API token")).build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let key = ApiKeyValue::with_description("X-API-Key", "an API token");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let cookie =
            ApiKeyValue::with_description(SESSION_COOKIE, "a session; writes also need X-CSRF-Token");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Every documented route.
fn documented() -> OpenApiRouter<Arc<Live>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(setup::claim))
        .routes(routes!(session::sign_in, session::who_am_i, session::sign_out))
        .routes(routes!(account::create_account, account::list_accounts))
        .routes(routes!(token::create_token, token::list_tokens))
        .routes(routes!(token::revoke_token))
        .routes(routes!(command::give_command, command::list_commands))
        .routes(routes!(case::list_cases))
        .routes(routes!(case::get_case))
        .routes(routes!(case::list_looks))
        .routes(routes!(case::accountable))
        .routes(routes!(invitation::invite))
        .routes(routes!(invitation::sign_off_asked, invitation::sign_off_answered))
        .routes(routes!(case::desk))
        .routes(routes!(case::portfolio))
        .routes(routes!(case::what_if))
        .routes(routes!(attachment::get_attachment))
        .routes(routes!(document::get_document))
        .routes(routes!(lineage::list_surfaces))
        .routes(routes!(lineage::get_surface))
        .routes(routes!(policy::get_policy))
        .routes(routes!(policy::check_policy))
        .routes(routes!(company::list_people))
        .routes(routes!(company::list_teams))
        .routes(routes!(company::list_codebases))
        .routes(routes!(company::check_codebases))
        .routes(routes!(company::list_metrics))
        .routes(routes!(company::list_platform_changes))
        .routes(routes!(intake::take_in))
        .routes(routes!(experiment::list_experiments))
        .routes(routes!(experiment::get_experiment))
        .routes(routes!(run::list_runs))
        .routes(routes!(run::get_run))
        .routes(routes!(run::list_run_looks))
        .routes(routes!(flag::list_flags))
        .routes(routes!(flag::get_flag, flag::put_flag, flag::archive_flag))
        .routes(routes!(flag::get_flag_set))
        .routes(routes!(flag_history::flag_history))
        .routes(routes!(flag_history::flag_differences))
        .routes(routes!(environment::list_environments))
        .routes(routes!(segment::list_segments))
        .routes(routes!(segment::get_segment))
        .routes(routes!(segment::segment_history))
        .routes(routes!(segment::get_key_list))
        .routes(routes!(change_request::list_change_requests))
        .routes(routes!(change_request::get_change_request))
        .routes(routes!(code_reference::list_references))
        .routes(routes!(playground::try_flags))
        .routes(routes!(relay_feed::follow_as_relay))
        .routes(routes!(journal::list_entries))
        .routes(routes!(journal::verify_journal))
        .routes(routes!(journal::feed))
        .routes(routes!(webhook::create_webhook, webhook::list_webhooks))
        .routes(routes!(webhook::get_webhook, webhook::change_webhook, webhook::delete_webhook))
        .routes(routes!(webhook::rotate_secret))
        .routes(routes!(webhook::test_webhook))
        .routes(routes!(webhook::list_deliveries))
        .routes(routes!(webhook::redeliver))
        .routes(routes!(notification::my_notifications, notification::choose_notifications))
        .routes(routes!(notification::test_notifications))
        .routes(routes!(notification::my_deliveries))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// The documented route that takes files.
fn attaching() -> OpenApiRouter<Arc<Live>> {
    OpenApiRouter::new().routes(routes!(attachment::attach))
}

/// The documented routes by which events come in.
fn ingesting() -> OpenApiRouter<Arc<Live>> {
    OpenApiRouter::new()
        .routes(routes!(event::ingest_events, event::erase_events))
        .routes(routes!(otlp::export_logs))
        .routes(routes!(otlp::export_traces))
}

/// The documented routes that serve flags, on a server or a relay.
fn flag_serving() -> OpenApiRouter<Arc<FlagNode>> {
    OpenApiRouter::new()
        .routes(routes!(ofrep::evaluate_flag))
        .routes(routes!(ofrep::evaluate_flags))
        .routes(routes!(flag_stream::follow_flags))
}

/// The description of the API: OpenAPI 3.1.
pub fn openapi() -> Result<serde_json::Value, schema::NamesTaken> {
    let mut api = documented().merge(attaching()).merge(ingesting()).into_openapi();
    api.merge(flag_serving().into_openapi());
    api.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let mut described = serde_json::json!(api);
    schema::complete(&mut described)?;
    Ok(described)
}

/// The description as a page, made once.
async fn openapi_page() -> Result<Json<&'static serde_json::Value>, Problem> {
    static MADE: OnceLock<Result<serde_json::Value, schema::NamesTaken>> = OnceLock::new();
    let made = MADE.get_or_init(openapi).as_ref();
    made.map(Json).map_err(|taken| Problem::Internal(taken.to_string()))
}

/// The whole interface.
pub fn router(live: Arc<Live>) -> Router {
    let config = &live.config;
    let (general, _) = limited(documented(), config.body_bytes_max).split_for_parts();
    let (attached, _) = limited(attaching(), tenure_store::BLOB_BYTES_MAX).split_for_parts();
    let (ingest, _) = limited(ingesting(), config.ingest_body_bytes_max).split_for_parts();
    let node = Arc::clone(&live.node);
    let services = flagd::router(Arc::clone(&node)).merge(grpc::router(&live));
    let pages = Router::new()
        .merge(general)
        .merge(attached)
        .merge(ingest)
        .route("/status", axum::routing::get(status_page::status_page))
        .route(
            "/sign-off/{link}",
            axum::routing::get(sign_off_page::show)
                .post(sign_off_page::answer)
                .layer(DefaultBodyLimit::max(FORM_BYTES_MAX)),
        )
        .route("/openapi.json", axum::routing::get(openapi_page))
        .with_state(live)
        .fallback(ui::serve);
    dressed(pages.merge(ofrep_router(&node)), services, &node)
}

/// What a port serves that is for flags alone.
pub fn flag_router(node: Arc<FlagNode>) -> Router {
    let pages =
        ofrep_router(&node).route("/healthz", axum::routing::get(health::healthz)).fallback(no_such_page);
    dressed(pages, flagd::router(Arc::clone(&node)), &node)
}

/// What a relay serves at its one listener: flags, and events on their way upstream.
pub fn relay_router(heart: Arc<Heart>) -> Router {
    let node = Arc::clone(&heart.node);
    let events = Router::new()
        .route("/api/v1/events", axum::routing::post(relay_node::take_events))
        .layer(DefaultBodyLimit::max(node.config.ingest_body_bytes_max))
        .layer(Extension(body::BodyLimit { max_bytes: node.config.ingest_body_bytes_max }));
    let pages = events
        .route("/healthz", axum::routing::get(health::healthz))
        .route("/readyz", axum::routing::get(relay_node::readyz))
        .route("/metrics", axum::routing::get(relay_node::metrics))
        .with_state(heart)
        .merge(ofrep_router(&node))
        .fallback(no_such_page);
    dressed(pages, flagd::router(Arc::clone(&node)), &node)
}

async fn no_such_page(request: Request) -> Problem {
    Problem::NotFound { what: "page", id: request.uri().path().to_owned() }
}

fn ofrep_router(node: &Arc<FlagNode>) -> Router {
    let (routes, _) = limited(flag_serving(), node.config.body_bytes_max).split_for_parts();
    routes.with_state(Arc::clone(node))
}

/// Routes with what all of them need: bounds, counters, headers. Those of gRPC compress and answer errors by themselves.
fn dressed(pages: Router, services: Router, node: &Arc<FlagNode>) -> Router {
    pages
        .method_not_allowed_fallback(|request: Request| async move {
            Problem::invalid("method", format!("{} is not possible here", request.method()))
        })
        .layer(RequestDecompressionLayer::new())
        .layer(CompressionLayer::new())
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ))
        .merge(services)
        .layer(middleware::from_fn_with_state(Arc::clone(node), count))
        .layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(node.config.requests_in_flight_max)), shed))
        .layer(CatchPanicLayer::custom(|_panic: Box<dyn std::any::Any + Send>| {
            Problem::Internal("a handler panicked".to_owned()).into_response()
        }))
        .layer(cors(&node.config.cors_origins))
        .layer(TraceLayer::new_for_http())
}

/// Hold every body of these routes to a limit, which its refusal can name.
fn limited<S>(router: OpenApiRouter<S>, max_bytes: usize) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(DefaultBodyLimit::max(max_bytes)).layer(Extension(body::BodyLimit { max_bytes }))
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Browsers of other origins may evaluate flags and send events, where the configuration allows their origin.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok()))
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static(SELECTOR_HEADER),
            // What browsers' clients of Connect and gRPC-Web send.
            HeaderName::from_static("connect-protocol-version"),
            HeaderName::from_static("connect-timeout-ms"),
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("x-grpc-web"),
            HeaderName::from_static("x-user-agent"),
        ])
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            HeaderName::from_static("grpc-status"),
            HeaderName::from_static("grpc-message"),
            HeaderName::from_static("grpc-status-details-bin"),
        ])
        .max_age(Duration::from_secs(600))
}

/// More requests at once than the bound are told to come back, before any work is done for them.
async fn shed(State(in_flight): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match in_flight.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            Problem::Busy { retry_after_s: 1, detail: "the server is at its limit of requests".to_owned() }
                .into_response()
        }
    }
}

async fn count(State(node): State<Arc<FlagNode>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let labels = RequestLabels { route, status: response.status().as_u16() };
    node.telemetry.requests.get_or_create(&labels).inc();
    response
}
