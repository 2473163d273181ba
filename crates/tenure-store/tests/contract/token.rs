//! API tokens.

use tenure_store::{ApiToken, Digest, NewApiToken, Store, TokenError};

use crate::account::account;
use crate::place::{Place, at, contract};

contract!(
    a_token_is_used_until_it_is_not_valid,
    its_last_use_is_noted_to_the_minute,
    tokens_are_listed_in_pages,
    valid_tokens_are_told_with_their_digests
);

fn token(id: &str) -> NewApiToken {
    NewApiToken {
        id: id.into(),
        name: format!("{id} of the shop"),
        token_hash: Digest::of(id.as_bytes()),
        scopes: "evaluate ingest".parse().unwrap(),
        environment: Some("production".into()),
        account: "a1".into(),
        created_at: at(0),
        expires_at: Some(at(100)),
    }
}

async fn with_account(place: &Place) -> Store {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    store
}

async fn uses(store: &Store, id: &str, second: i64) -> Result<ApiToken, String> {
    store.use_token(Digest::of(id.as_bytes()), at(second)).await.map_err(|error| error.to_string())
}

async fn a_token_is_used_until_it_is_not_valid(place: &Place) {
    let store = with_account(place).await;
    for id in ["t1", "t2", "t3"] {
        store.create_token(&token(id)).await.unwrap();
    }
    assert!(store.create_token(&token("t1")).await.is_err());
    assert!(store.create_token(&NewApiToken { account: "nobody".into(), ..token("t4") }).await.is_err());

    let used = uses(&store, "t1", 1).await.unwrap();
    assert!(used.scopes.allow("ingest") && !used.scopes.allow("admin"));
    assert_eq!((used.environment.as_deref(), used.account.as_str()), (Some("production"), "a1"));
    assert!(matches!(store.use_token(Digest::of(b"t9"), at(1)).await, Err(TokenError::Unknown)));
    let expired = "the token \"t1 of the shop\" expired at 2026-01-01T00:01:40Z; create a new one";
    assert_eq!(uses(&store, "t1", 100).await, Err(expired.into()));

    assert!(store.revoke_token("t2", at(50)).await.unwrap());
    assert!(!store.revoke_token("t2", at(60)).await.unwrap(), "the first time counts");
    let revoked = "the token \"t2 of the shop\" was revoked at 2026-01-01T00:00:50Z; create a new one";
    assert_eq!(uses(&store, "t2", 51).await, Err(revoked.into()));

    store.set_account_disabled("a1", true).await.unwrap();
    assert!(matches!(
        store.use_token(Digest::of(b"t3"), at(1)).await,
        Err(TokenError::AccountDisabled { .. })
    ));
    store.erase_account("a1").await.unwrap();
    assert!(matches!(store.use_token(Digest::of(b"t3"), at(1)).await, Err(TokenError::Unknown)));
}

async fn its_last_use_is_noted_to_the_minute(place: &Place) {
    let store = with_account(place).await;
    store.create_token(&NewApiToken { expires_at: None, environment: None, ..token("t1") }).await.unwrap();
    for (second, noted) in [(10, 10), (30, 10), (69, 10), (70, 70), (1_000, 1_000)] {
        uses(&store, "t1", second).await.unwrap();
        let last = store.tokens("", 1).await.unwrap().remove(0).last_used_at;
        assert_eq!(last, Some(at(noted)), "used at {second}");
    }
}

async fn tokens_are_listed_in_pages(place: &Place) {
    let store = with_account(place).await;
    for id in ["t3", "t1", "t2"] {
        store.create_token(&token(id)).await.unwrap();
    }
    let ids = async |after: &str, limit: u32| {
        let page = store.tokens(after, limit).await.unwrap();
        page.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("", 2).await, ["t1", "t2"]);
    assert_eq!(ids("t2", 2).await, ["t3"]);
}

async fn valid_tokens_are_told_with_their_digests(place: &Place) {
    let store = with_account(place).await;
    store.create_account(&account("a2", "bea")).await.unwrap();
    for id in ["t2", "t1", "t3"] {
        store.create_token(&token(id)).await.unwrap();
    }
    store.create_token(&NewApiToken { expires_at: None, ..token("t4") }).await.unwrap();
    store.create_token(&NewApiToken { account: "a2".into(), ..token("t5") }).await.unwrap();
    store.revoke_token("t3", at(1)).await.unwrap();
    store.set_account_disabled("a2", true).await.unwrap();
    let valid = async |after: &str, second: i64| {
        let found = store.valid_tokens(after, at(second)).await.unwrap();
        found
            .into_iter()
            .map(|(digest, token)| {
                assert_eq!(digest, Digest::of(token.id.as_bytes()));
                token.id
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(valid("", 2).await, ["t1", "t2", "t4"]);
    assert_eq!(valid("t1", 2).await, ["t2", "t4"]);
    assert_eq!(valid("", 100).await, ["t4"], "the others have expired");
}
