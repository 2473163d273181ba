//! The stream by which clients of remote evaluation learn that flags changed.

use connectrpc::{ConnectError, RequestContext};
use futures::{Stream, StreamExt as _};
use serde_json::{Map, Value, json};

use super::{Flagd, refusal};
use crate::auth::Scope;
use crate::selector::View;

/// Something a client is told.
pub struct Notice {
    /// `provider_ready` or `configuration_change`.
    pub kind: &'static str,
    /// For a change, the flags that changed, by key.
    pub data: Map<String, Value>,
}

impl Flagd {
    /// `provider_ready` at once, and `configuration_change` with the flags' keys whenever some changed.
    pub async fn notices(
        &self,
        ctx: &RequestContext,
    ) -> Result<impl Stream<Item = Notice> + Send + use<>, ConnectError> {
        let view = self.view(ctx, Scope::Evaluate, "").await?;
        let views = self.node.follow(&view).map_err(|problem| refusal(&problem))?;
        Ok(views.scan(None, |before: &mut Option<View>, now| {
            let notice = match before {
                None => Notice { kind: "provider_ready", data: Map::new() },
                Some(before) => change(&now.changed_since(before)),
            };
            *before = Some(now);
            futures::future::ready(Some(notice))
        }))
    }
}

fn change(keys: &[String]) -> Notice {
    let flags: Map<String, Value> = keys.iter().map(|key| (key.clone(), json!({"type": "update"}))).collect();
    Notice {
        kind: "configuration_change",
        data: Map::from_iter([("flags".to_owned(), Value::Object(flags))]),
    }
}
