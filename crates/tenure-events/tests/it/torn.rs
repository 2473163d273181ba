//! Segments whose end, or middle, is not what was written.

use std::sync::Arc;

use object_store::memory::InMemory;
use proptest::prelude::*;
use tenure_events::{Config, Cut, EventLog};

use crate::disk::{FaultyDisk, Power, Survives};
use crate::world::{ids, outcomes};

const SEGMENT: &str = "segment-0000000000000001.arrows";
const COPY: &str = "segment-0000000000000001.arrows.damaged";

async fn open(disk: &FaultyDisk) -> EventLog {
    EventLog::open_on(Arc::new(disk.clone()), Arc::new(InMemory::new()), Config::default()).await.unwrap()
}

/// A disk with one segment of three commits, and the lengths that the segment had after each.
async fn three_commits() -> (FaultyDisk, Vec<usize>) {
    let disk = FaultyDisk::new(Power::lasting());
    let log = open(&disk).await;
    let mut lengths = Vec::new();
    for commit in ["a", "b", "c"] {
        log.append(outcomes(commit, 2)).await.unwrap();
        lengths.push(disk.content(SEGMENT).unwrap().len());
    }
    (disk, lengths)
}

/// Reopens the log with the segment's bytes; what is found, and what was cut.
async fn reopened(disk: &FaultyDisk, bytes: &[u8]) -> (Vec<String>, Vec<Cut>) {
    disk.set_content(SEGMENT, bytes);
    let log = open(disk).await;
    (ids(&log).await, log.recovery().cuts.clone())
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_at_the_last_whole_commit() {
    let (disk, lengths) = three_commits().await;
    let bytes = disk.content(SEGMENT).unwrap();
    for torn in lengths[1]..lengths[2] {
        let (found, cuts) = reopened(&disk, &bytes[..torn]).await;
        assert_eq!(found, ["a0", "a1", "b0", "b1"], "torn at {torn}");
        let cut_bytes = (torn - lengths[1]) as u64;
        assert_eq!(cuts.iter().map(|cut| cut.bytes).sum::<u64>(), cut_bytes, "torn at {torn}");
        assert!(cuts.iter().all(|cut| cut.segment == 1 && cut.kept_as.is_none()));
        assert_eq!(disk.content(SEGMENT).unwrap(), bytes[..lengths[1]], "the tail is gone for good");
    }
    let (found, cuts) = reopened(&disk, &bytes).await;
    assert_eq!((found.len(), cuts.len()), (6, 0));
}

#[tokio::test]
async fn a_segment_without_one_whole_commit_goes_and_its_name_is_free() {
    let (disk, lengths) = three_commits().await;
    let bytes = disk.content(SEGMENT).unwrap();
    for torn in [0, 1, 8, 100, lengths[0] - 1] {
        let (found, _) = reopened(&disk, &bytes[..torn]).await;
        assert!(found.is_empty(), "torn at {torn}");
        assert!(disk.content(SEGMENT).is_none(), "torn at {torn}");
    }
}

#[tokio::test]
async fn damage_in_the_middle_costs_one_commit_and_is_told() {
    let (disk, lengths) = three_commits().await;
    let bytes = disk.content(SEGMENT).unwrap();
    let mut damaged = bytes.clone();
    damaged[(lengths[0] + lengths[1]) / 2] ^= 1;
    let check = |(found, cuts): (Vec<String>, Vec<Cut>), when: &str| {
        assert_eq!(found, ["a0", "a1", "c0", "c1"], "{when}");
        assert_eq!(cuts.len(), 1, "{when}");
        assert_eq!(cuts[0].bytes, (lengths[1] - lengths[0]) as u64, "{when}");
        assert_eq!(cuts[0].kept_as.as_deref(), Some(COPY), "{when}");
        assert_eq!(disk.content(COPY).unwrap(), damaged, "{when}");
    };
    check(reopened(&disk, &damaged).await, "damaged");
    // Mending that a crash interrupts leaves any part of the mended segment beside the whole copy.
    check(reopened(&disk, &bytes[..lengths[0] + 5]).await, "mending interrupted");
    check(reopened(&disk, &[]).await, "mending interrupted at once");
    // And the copy may be incomplete, when the segment itself is still as found.
    disk.set_content(COPY, &damaged[..100]);
    check(reopened(&disk, &damaged).await, "copying interrupted");
}

#[tokio::test]
async fn a_damaged_start_does_not_take_the_rest_with_it() {
    let (disk, _) = three_commits().await;
    let mut bytes = disk.content(SEGMENT).unwrap();
    bytes[20] ^= 1;
    let (found, cuts) = reopened(&disk, &bytes).await;
    assert_eq!(found, ["a0", "a1", "b0", "b1", "c0", "c1"], "only the schema was hit");
    assert!(cuts.is_empty() || cuts[0].kept_as.is_some());
}

#[tokio::test]
async fn what_was_found_once_stays_though_its_writer_never_synced_it() {
    let (disk, _) = three_commits().await;
    disk.unsync(SEGMENT);
    assert_eq!(ids(&open(&disk).await).await.len(), 6);
    let disk = disk.after_power_cut(Survives::Nothing);
    assert_eq!(ids(&open(&disk).await).await.len(), 6);
}

#[tokio::test]
async fn a_copy_is_not_mistaken_for_a_later_segment() {
    let (disk, _) = three_commits().await;
    let copy = disk.content(SEGMENT).unwrap();
    let disk = FaultyDisk::new(Power::lasting());
    disk.set_content(COPY, &copy);
    let log = open(&disk).await;
    log.append(outcomes("new", 1)).await.unwrap();
    drop(log);
    assert_eq!(ids(&open(&disk).await).await, ["new0"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever one altered byte hits, the commits that it does not hit stay.
    #[test]
    fn one_altered_byte_costs_one_commit_at_most(at in 0.0_f64..1.0, flip in 1_u8..) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (disk, lengths) = three_commits().await;
            let mut bytes = disk.content(SEGMENT).unwrap();
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] ^= flip;
            let (found, _) = reopened(&disk, &bytes).await;
            for (commit, end) in ["a", "b", "c"].iter().zip(&lengths) {
                let start = lengths.iter().rev().find(|&&length| length < *end).copied().unwrap_or(0);
                let hit = (start..*end).contains(&at);
                for number in 0..2 {
                    let id = format!("{commit}{number}");
                    assert!(hit || found.contains(&id), "{id} lost to byte {at}");
                }
            }
            let sent = ["a0", "a1", "b0", "b1", "c0", "c1"];
            assert!(found.iter().all(|id| sent.contains(&id.as_str())), "{found:?}");
        });
    }
}
