//! Accounts and their sessions.

use tenure_store::{Account, CreateAccountError, Digest, Session, Store};

use crate::place::{Place, at, contract};

contract!(
    an_account_is_kept_and_found,
    a_login_or_an_id_is_taken_once,
    a_session_is_valid_until_it_expires,
    a_disabled_account_has_no_sessions,
    a_new_password_ends_every_session,
    an_erased_account_is_only_an_id,
);

pub fn account(id: &str, login: &str) -> Account {
    Account {
        id: id.into(),
        login: login.into(),
        email: Some(format!("{id}@example.org")),
        display_name: "Ana García".into(),
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into()),
        disabled: false,
        created_at: at(0),
    }
}

fn session(token: &str, account: &str) -> Session {
    Session {
        token_hash: Digest::of(token.as_bytes()),
        account: account.into(),
        csrf: "form".into(),
        created_at: at(0),
        expires_at: at(100),
    }
}

async fn is_signed_in(store: &Store, token: &str, second: i64) -> bool {
    store.session(Digest::of(token.as_bytes()), at(second)).await.unwrap().is_some()
}

async fn an_account_is_kept_and_found(place: &Place) {
    let store = place.open().await;
    assert!(!store.has_accounts().await.unwrap());
    let kept = store.create_account(&account("a1", "  Ana@Example.org ")).await.unwrap();
    assert_eq!(kept, Account { login: "ana@example.org".into(), ..account("a1", "") });
    assert!(store.has_accounts().await.unwrap());
    assert_eq!(store.account("a1").await.unwrap(), Some(kept.clone()));
    assert_eq!(store.account("a2").await.unwrap(), None);
    assert_eq!(store.account_by_login("ANA@example.ORG ").await.unwrap(), Some(kept.clone()));
    assert_eq!(store.account_by_login("ana").await.unwrap(), None);
    let other = store.create_account(&account("a2", "bob")).await.unwrap();
    assert_eq!(store.accounts("", 10).await.unwrap(), [kept, other.clone()]);
    assert_eq!(store.accounts("a1", 10).await.unwrap(), [other]);

    assert!(store.set_account_profile("a2", "Bob", None).await.unwrap());
    let bob = store.account("a2").await.unwrap().unwrap();
    assert_eq!((bob.display_name.as_str(), bob.email), ("Bob", None));
    assert!(!store.set_account_profile("a3", "Bob", None).await.unwrap());
}

async fn a_login_or_an_id_is_taken_once(place: &Place) {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    let taken = store.create_account(&account("a2", "ANA")).await;
    assert!(matches!(taken, Err(CreateAccountError::LoginTaken { login }) if login == "ana"));
    let taken = store.create_account(&account("a1", "bob")).await;
    assert!(matches!(taken, Err(CreateAccountError::IdTaken { id }) if id == "a1"));
    assert!(matches!(store.create_account(&account("a2", " ")).await, Err(CreateAccountError::LoginEmpty)));
    assert_eq!(store.accounts("", 10).await.unwrap().len(), 1);
}

async fn a_session_is_valid_until_it_expires(place: &Place) {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    assert!(store.create_session(&session("t1", "nobody")).await.is_err());
    store.create_session(&session("t1", "a1")).await.unwrap();
    let found = store.session(Digest::of(b"t1"), at(99)).await.unwrap();
    assert_eq!(found, Some(session("t1", "a1")));
    assert!(!is_signed_in(&store, "t1", 100).await);
    assert!(!is_signed_in(&store, "t2", 0).await);
    assert!(store.extend_session(Digest::of(b"t1"), at(200)).await.unwrap());
    assert!(is_signed_in(&store, "t1", 199).await);
    assert_eq!(store.forget_expired(at(199)).await.unwrap(), 0);
    assert_eq!(store.forget_expired(at(200)).await.unwrap(), 1);
    assert!(!store.extend_session(Digest::of(b"t1"), at(300)).await.unwrap());

    store.create_session(&session("t3", "a1")).await.unwrap();
    assert!(store.delete_session(Digest::of(b"t3")).await.unwrap());
    assert!(!store.delete_session(Digest::of(b"t3")).await.unwrap());
    assert!(!is_signed_in(&store, "t3", 0).await);
}

async fn a_disabled_account_has_no_sessions(place: &Place) {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    store.create_session(&session("t1", "a1")).await.unwrap();
    assert!(store.set_account_disabled("a1", true).await.unwrap());
    assert!(store.account("a1").await.unwrap().unwrap().disabled);
    assert!(!is_signed_in(&store, "t1", 0).await);
    store.create_session(&session("t2", "a1")).await.unwrap();
    assert!(!is_signed_in(&store, "t2", 0).await, "also one that began meanwhile");
    assert!(store.set_account_disabled("a1", false).await.unwrap());
    assert!(!is_signed_in(&store, "t1", 0).await);
    assert!(!store.set_account_disabled("a2", true).await.unwrap());
}

async fn a_new_password_ends_every_session(place: &Place) {
    let store = place.open().await;
    for (id, token) in [("a1", "t1"), ("a2", "t2")] {
        store.create_account(&account(id, id)).await.unwrap();
        store.create_session(&session(token, id)).await.unwrap();
    }
    assert!(store.set_password_hash("a1", Some("$argon2id$new")).await.unwrap());
    assert_eq!(store.account("a1").await.unwrap().unwrap().password_hash.as_deref(), Some("$argon2id$new"));
    assert!(!is_signed_in(&store, "t1", 0).await);
    assert!(is_signed_in(&store, "t2", 0).await);
    assert!(!store.set_password_hash("a3", None).await.unwrap());
    assert_eq!(store.delete_sessions_of("a2").await.unwrap(), 1);
    assert!(!is_signed_in(&store, "t2", 0).await);
}

async fn an_erased_account_is_only_an_id(place: &Place) {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    store.create_session(&session("t1", "a1")).await.unwrap();
    assert!(store.erase_account("a1").await.unwrap());
    let left = store.account("a1").await.unwrap().unwrap();
    assert_eq!(
        (left.email, left.display_name.as_str(), left.password_hash, left.disabled),
        (None, "", None, true)
    );
    assert_eq!(store.account_by_login("ana").await.unwrap(), None);
    assert_eq!(
        store.account_by_login(&left.login).await.unwrap(),
        None,
        "nobody can sign in as an erased account"
    );
    assert!(!is_signed_in(&store, "t1", 0).await);
    store.create_account(&account("a2", "ana")).await.unwrap();
    assert!(!store.erase_account("a3").await.unwrap());
}
