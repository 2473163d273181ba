//! What only a data folder has: one process at a time, a file that can be damaged, being looked at without being touched,
//! a backup, and erased text that is gone from the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use tenure_store::{BackupError, Digest, Flaw, Inspector, Location, OpenError, Store, VerifyError};

use crate::child::Child;
use crate::place::{Place, at, entries};

fn path(place: &Place) -> &Path {
    place.folder.as_ref().unwrap().path()
}

/// Every file of a folder, with its size, time and content.
pub fn picture(folder: &Path) -> BTreeMap<String, (SystemTime, Digest)> {
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        let content = Digest::of(&std::fs::read(file.path()).unwrap());
        files.insert(file.file_name().into_string().unwrap(), (modified, content));
    }
    files
}

#[tokio::test]
async fn a_folder_has_one_process_at_a_time() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=1), None).await.unwrap();
    let error = Store::open(&place.location).await.unwrap_err().to_string();
    let expected = format!(
        "the data folder {} is held by process {}; stop that one, or give another folder",
        path(&place).canonicalize().unwrap().display(),
        std::process::id()
    );
    assert_eq!(error, expected);
    assert_eq!(store.append(1, &entries(2..=2), None).await.unwrap()[0].seq, 2, "the first one goes on");
    store.close().await;
    assert_eq!(place.open().await.head().await.unwrap().seq, 2);
}

#[tokio::test]
async fn an_unusable_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let error = Store::open(&Location::folder(&file)).await.unwrap_err();
    assert!(matches!(&error, OpenError::Folder { path, .. } if *path == file), "{error}");

    std::fs::write(
        folder.path().join("tenure.sqlite"),
        "no database, but long enough to look like one\n".repeat(100),
    )
    .unwrap();
    let error = Store::open(&Location::folder(folder.path())).await.unwrap_err().to_string();
    assert!(error.contains("cannot be opened") && error.contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let place = Place::in_folder();
    place.open().await.close().await;
    place
        .meddle("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, X'00', 1)")
        .await;
    let error = Store::open(&place.location).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
}

#[tokio::test]
async fn where_there_is_no_journal_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for missing in [folder.path().to_owned(), folder.path().join("nowhere")] {
        let error = Inspector::open(&Location::folder(&missing)).await.unwrap_err().to_string();
        let expected = format!("there is no journal in {}; check the path, ", missing.display());
        assert!(error.starts_with(&expected), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(folder.path().join("tenure.sqlite"), "").unwrap();
    assert!(matches!(
        Inspector::open(&Location::folder(folder.path())).await,
        Err(OpenError::NoJournal { .. })
    ));
}

#[tokio::test]
async fn nobody_else_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=1), None).await.unwrap();
    for file in ["tenure.sqlite", "tenure.sqlite-wal", "tenure.sqlite-shm"] {
        let mode = path(&place).join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_running_folder_is_looked_at_without_being_touched() {
    let place = Place::in_folder();
    let mut server = Child::that_appends_when_told(&place);
    server.append(3);
    let before = picture(path(&place));
    assert!(
        before.contains_key("tenure.sqlite-wal") && before.contains_key("tenure.sqlite-shm"),
        "{before:?}"
    );
    let inspector = place.inspect().await;
    assert_eq!(inspector.verify().await.unwrap().entries, 3);
    assert_eq!(inspector.read(1, 10).await.unwrap().len(), 2);
    assert_eq!(picture(path(&place)), before);

    server.append(1_000);
    assert_eq!(inspector.verify().await.unwrap().entries, 1_003, "it sees what was appended since");
    let before = picture(path(&place));
    inspector.close().await;
    assert_eq!(picture(path(&place)), before);
    let error = Store::open(&place.location).await.unwrap_err().to_string();
    assert!(error.contains("is held by process "), "{error}");
    server.append(1);
}

#[tokio::test]
async fn a_stopped_folder_is_looked_at_without_being_touched() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=3), None).await.unwrap();
    store.close().await;
    let before = picture(path(&place));
    assert_eq!(before.keys().collect::<Vec<_>>(), ["tenure.lock", "tenure.sqlite"]);
    let inspector = place.inspect().await;
    assert_eq!(inspector.verify().await.unwrap().entries, 3);
    inspector.close().await;
    assert_eq!(picture(path(&place)), before);
}

#[tokio::test]
async fn a_server_that_starts_meanwhile_is_noticed() {
    let place = Place::in_folder();
    place.open().await.close().await;
    let inspector = place.inspect().await;
    let store = place.open().await;
    store.append(0, &entries(1..=3), None).await.unwrap();
    let error = inspector.verify().await.unwrap_err().to_string();
    assert_eq!(error, "a server began to write while the journal was read; read it again");
    assert_eq!(place.inspect().await.verify().await.unwrap().entries, 3);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_untouched_is_named() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=3), None).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for file in ["tenure.sqlite", "tenure.sqlite-wal"] {
        std::fs::copy(path(&place).join(file), copy.path().join(file)).unwrap();
    }
    let before = picture(copy.path());
    let error = Inspector::open(&Location::folder(copy.path())).await.unwrap_err();
    assert!(matches!(error, OpenError::Unfinished { .. }), "{error}");
    assert_eq!(picture(copy.path()), before);
    assert_eq!(Store::open(&Location::folder(copy.path())).await.unwrap().verify().await.unwrap().entries, 3);
}

#[tokio::test]
async fn a_changed_byte_of_the_file_is_found() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=9), None).await.unwrap();
    store.close().await;
    let file = path(&place).join("tenure.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let body = br#"{"number":5}"#;
    let place_of_body = bytes.windows(body.len()).position(|window| window == body).unwrap();
    bytes[place_of_body + 10] ^= 2;
    std::fs::write(&file, &bytes).unwrap();
    let found = place.inspect().await.verify().await.unwrap_err().to_string();
    assert_eq!(found, "entry 5 was altered: its hash is not the hash of what it says");
}

#[tokio::test]
async fn a_destroyed_part_of_the_file_is_found() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=2_000), None).await.unwrap();
    store.close().await;
    let file = path(&place).join("tenure.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let body = br#"{"number":1500}"#;
    let place_of_body = bytes.windows(body.len()).position(|window| window == body).unwrap();
    let page = place_of_body / 4096 * 4096;
    bytes[page..page + 4096].fill(0xAA);
    std::fs::write(&file, &bytes).unwrap();
    let found = place.inspect().await.verify().await;
    let Err(VerifyError::Broken(broken)) = &found else { panic!("{found:?}") };
    assert!(
        (1_000..=1_500).contains(&broken.seq),
        "the page of entry 1500 begins at most a page of rows before: {broken}"
    );
    assert!(matches!(broken.flaw, Flaw::Unreadable(_)), "{broken}");
}

#[tokio::test]
async fn a_backup_is_a_store_of_that_moment() {
    let place = Place::in_folder();
    let store = place.open().await;
    store.append(0, &entries(1..=3), None).await.unwrap();
    let key = store.put_blob("case:1", b"because it won", at(0)).await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let file = backup.path().join("tenure.sqlite");
    store.backup_to(&file).await.unwrap();
    assert!(matches!(store.backup_to(&file).await, Err(BackupError::Exists { path }) if path == file));
    let from_outside = backup.path().join("from outside.sqlite");
    place.inspect().await.backup_to(&from_outside).await.unwrap();
    store.append(3, &entries(4..=4), None).await.unwrap();

    let location = Location::folder(backup.path());
    assert_eq!(Inspector::open(&location).await.unwrap().verify().await.unwrap().entries, 3);
    let restored = Store::open(&location).await.unwrap();
    assert_eq!(restored.read(0, 10).await.unwrap(), store.read(0, 3).await.unwrap());
    assert_eq!(
        restored.blob(key).await.unwrap(),
        store.blob(key).await.unwrap(),
        "the secret of its keys came with it"
    );
    restored.append(3, &entries(4..=4), None).await.unwrap();
    restored.close().await;
    std::fs::rename(&from_outside, &file).unwrap();
    assert_eq!(Inspector::open(&location).await.unwrap().verify().await.unwrap().entries, 3);
}

#[tokio::test]
async fn what_was_erased_is_gone_from_the_disk() {
    let place = Place::in_folder();
    let store = place.open().await;
    let words = b"because Ana Garcia said so at lunch".repeat(200);
    let key = store.put_blob("case:1", &words, at(0)).await.unwrap();
    let is_there = || {
        std::fs::read_dir(path(&place))
            .unwrap()
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(10).any(|window| window == b"Ana Garcia"))
    };
    assert!(is_there());
    store.erase_blob(key, at(1)).await.unwrap();
    assert!(!is_there());
}
