//! Webhooks, preferences, and what is owed to whom.

use tenure_store::{Attempted, Confidential, Delivery, DeliveryStatus, Owed, Preferences, Store, Webhook};

use crate::account::account;
use crate::place::{Place, at, contract, entries};

contract!(
    a_webhook_is_kept_changed_and_forgotten,
    a_new_secret_signs_beside_the_old_one,
    a_disabled_webhook_is_owed_nothing,
    a_message_is_owed_once_and_the_reader_moves_with_it,
    a_failed_attempt_puts_everything_of_its_receiver_off,
    a_digest_begins_where_the_last_one_ended,
    preferences_go_with_their_person,
    a_stream_is_read_on_its_own,
);

fn secret(text: &str) -> Confidential {
    Confidential::from(text.to_owned())
}

fn webhook(id: &str) -> Webhook {
    Webhook {
        id: id.into(),
        account: "a1".into(),
        name: "chat bridge".into(),
        form: "standard".into(),
        url: secret("https://example.org/in?key=1"),
        filter: "{}".into(),
        secret: secret("whsec_one"),
        old_secret: None,
        created_at: at(0),
        failing_since: None,
        disabled: None,
    }
}

fn owed(receiver: &str, message: &str, seq: i64) -> Owed {
    Owed { receiver: receiver.into(), message: message.into(), from_seq: seq - 1, seq }
}

async fn with_account(place: &Place) -> Store {
    let store = place.open().await;
    store.create_account(&account("a1", "ana")).await.unwrap();
    store
}

async fn due(store: &Store, receiver: &str, second: i64) -> Vec<String> {
    let due = store.deliveries_due(receiver, at(second), 100).await.unwrap();
    due.into_iter().map(|delivery| delivery.owed.message).collect()
}

async fn a_webhook_is_kept_changed_and_forgotten(place: &Place) {
    let store = with_account(place).await;
    for id in ["w2", "w1"] {
        store.create_webhook(&webhook(id)).await.unwrap();
    }
    assert!(store.create_webhook(&webhook("w1")).await.is_err());
    assert!(store.create_webhook(&Webhook { account: "nobody".into(), ..webhook("w3") }).await.is_err());
    assert_eq!(store.webhook("w1").await.unwrap(), Some(webhook("w1")));
    assert_eq!(store.webhooks("", 10).await.unwrap(), [webhook("w1"), webhook("w2")]);
    assert_eq!(store.webhooks("w1", 10).await.unwrap(), [webhook("w2")]);
    assert!(store.set_webhook("w1", "other", &secret("https://example.org/2"), "{1}").await.unwrap());
    let changed = Webhook {
        name: "other".into(),
        url: secret("https://example.org/2"),
        filter: "{1}".into(),
        ..webhook("w1")
    };
    assert_eq!(store.webhook("w1").await.unwrap(), Some(changed.clone()));
    let shown = format!("{changed:?}");
    assert!(!shown.contains("whsec") && !shown.contains("example.org"), "{shown}");
    assert!(store.delete_webhook("w1").await.unwrap());
    assert!(!store.delete_webhook("w1").await.unwrap());
    assert_eq!(store.webhook("w1").await.unwrap(), None);
}

async fn a_new_secret_signs_beside_the_old_one(place: &Place) {
    let store = with_account(place).await;
    store.create_webhook(&webhook("w1")).await.unwrap();
    assert!(store.rotate_webhook_secret("w1", &secret("whsec_two"), at(100)).await.unwrap());
    let kept = store.webhook("w1").await.unwrap().unwrap();
    assert_eq!((kept.secret, kept.old_secret), (secret("whsec_two"), Some((secret("whsec_one"), at(100)))));
    assert!(!store.rotate_webhook_secret("w2", &secret("whsec_two"), at(100)).await.unwrap());
}

async fn a_disabled_webhook_is_owed_nothing(place: &Place) {
    let store = with_account(place).await;
    store.create_webhook(&webhook("w1")).await.unwrap();
    store.owe("reader", 1, &[owed("webhook/w1", "m1", 1), owed("webhook/w2", "m1", 1)], at(0)).await.unwrap();
    for second in [10, 20] {
        store.set_webhook_failing("w1", Some(at(second))).await.unwrap();
        assert_eq!(
            store.webhook("w1").await.unwrap().unwrap().failing_since,
            Some(at(10)),
            "the first counts"
        );
    }
    assert!(store.disable_webhook("w1", at(30), "no answer for 5 days").await.unwrap());
    assert!(!store.disable_webhook("w1", at(40), "again").await.unwrap());
    let kept = store.webhook("w1").await.unwrap().unwrap();
    assert_eq!(kept.disabled, Some((at(30), "no answer for 5 days".into())));
    assert_eq!(store.receivers_due(at(99), 10).await.unwrap(), ["webhook/w2"]);
    assert_eq!(store.deliveries("webhook/w1", 10).await.unwrap()[0].status, DeliveryStatus::Dropped);
    assert!(store.enable_webhook("w1").await.unwrap());
    assert_eq!(store.webhook("w1").await.unwrap(), Some(webhook("w1")));
    store.set_webhook_failing("w1", Some(at(50))).await.unwrap();
    store.set_webhook_failing("w1", None).await.unwrap();
    assert_eq!(store.webhook("w1").await.unwrap(), Some(webhook("w1")));
}

async fn a_message_is_owed_once_and_the_reader_moves_with_it(place: &Place) {
    let store = with_account(place).await;
    let first = owed("account/a1", "7-ask", 7);
    store.owe("reader", 7, std::slice::from_ref(&first), at(0)).await.unwrap();
    // A reader that died before it noted its place reads the entry again.
    store.owe("reader", 7, std::slice::from_ref(&first), at(5)).await.unwrap();
    assert_eq!(store.cursor("reader").await.unwrap(), 7);
    let due = store.deliveries_due("account/a1", at(0), 10).await.unwrap();
    let expected = Delivery {
        owed: first.clone(),
        status: DeliveryStatus::Waiting,
        attempts: 0,
        next_at: at(0),
        created_at: at(0),
        done_at: None,
        said: None,
    };
    assert_eq!(due, std::slice::from_ref(&expected));
    assert_eq!(store.deliveries_waiting("account/a1").await.unwrap(), 1);
    store.note_attempt(&first, Attempted::Delivered, "250 ok", at(9)).await.unwrap();
    assert_eq!(store.receivers_due(at(99), 10).await.unwrap(), Vec::<String>::new());
    let done = Delivery {
        status: DeliveryStatus::Delivered,
        attempts: 1,
        next_at: at(9),
        done_at: Some(at(9)),
        said: Some("250 ok".into()),
        ..expected
    };
    assert_eq!(store.deliveries("account/a1", 10).await.unwrap(), [done]);
    assert!(store.redeliver("account/a1", "7-ask", at(20)).await.unwrap());
    assert!(!store.redeliver("account/a1", "8-ask", at(20)).await.unwrap());
    assert_eq!(self::due(&store, "account/a1", 20).await, ["7-ask"]);
    store.note_attempt(&first, Attempted::Failed, "550 no such user", at(21)).await.unwrap();
    assert_eq!(store.forget_deliveries(at(21)).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(at(22)).await.unwrap(), 1);
}

async fn a_failed_attempt_puts_everything_of_its_receiver_off(place: &Place) {
    let store = with_account(place).await;
    let all = [owed("webhook/w1", "m2", 2), owed("webhook/w1", "m1", 1), owed("webhook/w2", "m1", 1)];
    store.owe("reader", 2, &all, at(0)).await.unwrap();
    assert_eq!(due(&store, "webhook/w1", 0).await, ["m1", "m2"], "in the order of what they tell");
    store.note_attempt(&all[1], Attempted::Again(at(60)), "connection refused", at(1)).await.unwrap();
    assert_eq!(due(&store, "webhook/w1", 59).await, Vec::<String>::new());
    store.owe("reader", 3, &[owed("webhook/w1", "m3", 3)], at(2)).await.unwrap();
    assert_eq!(due(&store, "webhook/w1", 59).await, Vec::<String>::new(), "a new one waits with them");
    assert_eq!(store.receivers_due(at(59), 10).await.unwrap(), ["webhook/w2"], "others go on");
    assert_eq!(due(&store, "webhook/w1", 60).await, ["m1", "m2", "m3"]);
    let kept = store.deliveries("webhook/w1", 10).await.unwrap();
    let attempts: Vec<_> = kept.iter().map(|one| (one.owed.message.as_str(), one.attempts)).collect();
    assert_eq!(attempts, [("m3", 0), ("m2", 0), ("m1", 1)]);
    store.owe("reader", 4, &[owed("webhook/w1", "m4", 4)], at(70)).await.unwrap();
    assert_eq!(due(&store, "webhook/w1", 70).await, ["m1", "m2", "m3", "m4"], "none waits once they are due");
}

async fn a_digest_begins_where_the_last_one_ended(place: &Place) {
    let store = with_account(place).await;
    assert_eq!(store.last_digest("a1").await.unwrap(), None);
    store.owe_digest("a1", 5, None, at(0)).await.unwrap();
    assert_eq!(store.last_digest("a1").await.unwrap(), Some((5, at(0))));
    let weekly = owed("account/a1", "digest-2026-01-05", 9);
    store.owe_digest("a1", 9, Some(&weekly), at(7)).await.unwrap();
    store.owe_digest("a1", 9, Some(&weekly), at(8)).await.unwrap();
    assert_eq!(store.last_digest("a1").await.unwrap(), Some((9, at(8))));
    assert_eq!(due(&store, "account/a1", 8).await, ["digest-2026-01-05"]);
    assert!(store.owe_digest("nobody", 9, None, at(8)).await.is_err());
}

async fn preferences_go_with_their_person(place: &Place) {
    let store = with_account(place).await;
    assert_eq!(store.preferences("a1").await.unwrap(), None);
    let chosen = Preferences { choices: "{}".into(), chat_url: Some(secret("https://chat.example.org/x")) };
    assert!(!store.has_chats().await.unwrap());
    store.set_preferences("a1", &chosen).await.unwrap();
    assert!(store.has_chats().await.unwrap());
    assert_eq!(store.preferences("a1").await.unwrap(), Some(chosen.clone()));
    let plain = Preferences { choices: "{2}".into(), chat_url: None };
    store.set_preferences("a1", &plain).await.unwrap();
    assert_eq!(store.preferences("a1").await.unwrap(), Some(plain));
    assert!(store.set_preferences("nobody", &chosen).await.is_err());
    store.owe("reader", 1, &[owed("account/a1", "m1", 1)], at(0)).await.unwrap();
    store.erase_account("a1").await.unwrap();
    assert_eq!(store.preferences("a1").await.unwrap(), None);
    assert_eq!(store.deliveries("account/a1", 10).await.unwrap(), []);
}

async fn a_stream_is_read_on_its_own(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=3), None).await.unwrap();
    let seqs = async |stream: &str, after: i64, limit: u32| {
        let read = store.read_stream(stream, after, limit).await.unwrap();
        read.into_iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs("case:1", 0, 10).await, [1, 2, 3]);
    assert_eq!(seqs("case:1", 1, 1).await, [2]);
    assert_eq!(seqs("case:2", 0, 10).await, Vec::<i64>::new());
}
