//! Webhooks by the Standard Webhooks specification (<https://www.standardwebhooks.com>): the entry as JSON, with an id that
//! stays the same however often it is sent, the time of sending, and a signature over both and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tenure_core::Event;
use tenure_store::{Confidential, Webhook};
use utoipa::ToSchema;

/// What secrets begin with.
const SECRET_PREFIX: &str = "whsec_";

/// How what is posted is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookForm)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Every entry as JSON, signed by the Standard Webhooks specification.
    Standard,
    /// What is said at once, as a message for a Slack-compatible incoming webhook.
    Slack,
}

impl Form {
    /// The form's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
        }
    }

    /// The form of a kept webhook.
    pub fn of(webhook: &Webhook) -> Self {
        if webhook.form == Self::Slack.name() { Self::Slack } else { Self::Standard }
    }
}

/// Which entries are posted. A list that is empty holds nothing back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookFilter)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Kinds of entries, such as `exposure_held`.
    pub kinds: Vec<String>,
    /// Cases, such as `PC-1`.
    pub cases: Vec<String>,
    /// Teams that have the onus or are asked something.
    pub teams: Vec<String>,
}

impl Filter {
    /// The filter of a kept webhook.
    pub fn of(webhook: &Webhook) -> Self {
        serde_json::from_str(&webhook.filter).unwrap_or_default()
    }

    /// A kind that no entry has.
    pub fn unknown_kind(&self) -> Option<&str> {
        self.kinds.iter().map(String::as_str).find(|kind| !Event::KINDS.contains(kind))
    }

    /// Whether an entry of the kind, about the case and these teams, is posted.
    pub fn takes<'a>(
        &self,
        kind: &str,
        case: Option<&str>,
        teams: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let holds = |wanted: &[String], one: &str| wanted.iter().any(|wanted| wanted == one);
        (self.kinds.is_empty() || holds(&self.kinds, kind))
            && (self.cases.is_empty() || case.is_some_and(|case| holds(&self.cases, case)))
            && (self.teams.is_empty() || teams.into_iter().any(|team| holds(&self.teams, team)))
    }
}

/// A new secret: 32 random bytes.
pub fn new_secret() -> Result<Confidential, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Confidential::from(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))))
}

/// The headers of a signed message. `at` is when it is sent, on the wall's clock: receivers refuse old messages.
pub fn headers(webhook: &Webhook, id: &str, body: &str, at: Timestamp) -> Vec<(&'static str, String)> {
    let old = webhook.old_secret.as_ref().filter(|(_, until)| at < *until).map(|(secret, _)| secret);
    let signatures: Vec<String> = [Some(&webhook.secret), old]
        .into_iter()
        .flatten()
        .filter_map(|secret| sign(secret, id, at, body))
        .collect();
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.as_second().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

/// `v1,BASE64(HMAC-SHA256(secret, id.timestamp.body))`; none for a secret that is none.
fn sign(secret: &Confidential, id: &str, at: Timestamp, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.reveal().strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{}.{body}", at.as_second()).as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(secret: &str, old: Option<(&str, &str)>) -> Webhook {
        Webhook {
            id: "w1".into(),
            account: "ana".into(),
            name: "bridge".into(),
            form: "standard".into(),
            url: Confidential::from("https://example.org".to_owned()),
            filter: "{}".into(),
            secret: Confidential::from(secret.to_owned()),
            old_secret: old
                .map(|(secret, until)| (Confidential::from(secret.to_owned()), until.parse().unwrap())),
            created_at: Timestamp::UNIX_EPOCH,
            failing_since: None,
            disabled: None,
        }
    }

    /// The example of the specification's own test suites.
    #[test]
    fn a_message_is_signed_as_the_specification_says() {
        let webhook = webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let body = r#"{"test": 2432232314}"#;
        let headers = headers(&webhook, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, at);
        assert_eq!(headers[0].1, "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers[1].1, "1614265330");
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_old_secret_signs_until_its_time_is_over() {
        let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let webhook = webhook("whsec_AAAA", Some((old, "2026-03-02T00:00:00Z")));
        let signatures = |at: &str| {
            let headers = headers(&webhook, "m", "{}", at.parse().unwrap());
            headers[2].1.split(' ').count()
        };
        assert_eq!(signatures("2026-03-01T23:59:59Z"), 2);
        assert_eq!(signatures("2026-03-02T00:00:00Z"), 1);
    }

    #[test]
    fn a_filter_takes_what_all_its_lists_hold() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let check = |filter: &Filter, kind: &str, case: Option<&str>, teams: &[&str], takes: bool| {
            assert_eq!(
                filter.takes(kind, case, teams.iter().copied()),
                takes,
                "{filter:?} {kind} {case:?} {teams:?}"
            );
        };
        let all = Filter::default();
        check(&all, "role_granted", None, &[], true);
        let boards = Filter { teams: list(&["boards"]), ..Filter::default() };
        check(&boards, "exposure_held", Some("PC-1"), &["kestrel", "boards"], true);
        check(&boards, "exposure_held", Some("PC-1"), &["kestrel"], false);
        check(&boards, "role_granted", None, &[], false);
        let holds = Filter { kinds: list(&["exposure_held"]), cases: list(&["PC-1"]), ..Filter::default() };
        check(&holds, "exposure_held", Some("PC-1"), &[], true);
        check(&holds, "exposure_held", Some("PC-2"), &[], false);
        check(&holds, "hold_released", Some("PC-1"), &[], false);
        assert_eq!(holds.unknown_kind(), None);
        assert_eq!(
            Filter { kinds: list(&["case_flown"]), ..Filter::default() }.unknown_kind(),
            Some("case_flown")
        );
    }
}
