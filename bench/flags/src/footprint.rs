//! What an evaluation and a compiled flag take of the heap, counted by a counting allocator. A program of its own, so that
//! the counting slows nobody down whose time is measured.

use bench_flags::tenure;
use bench_flags::workload::{Workload, thousands};
use tenure_flags::{FlagSet, Snapshot};

/// As many as one installation is meant for, in three environments.
const FLAGS: usize = 10_000;
const ENVIRONMENTS: usize = 3;

fn main() {
    println!("| tenure-flags | heap allocations an answer |\n|---|--:|");
    for workload in Workload::ALL {
        let subject = tenure::subject(workload, 8);
        // The first answer of a thread makes its arena.
        subject(0);
        let counted = allocation_counter::measure(|| {
            for caller in 0..8 {
                std::hint::black_box(subject(caller));
            }
        });
        assert_eq!(counted.count_total, 0, "{}", workload.name());
        println!("| {} | {} |", workload.name(), counted.count_total);
    }

    let document = tenure::document(Workload::Bulk(FLAGS));
    let set = FlagSet::from_json(document).expect("a flagd document");
    let mut snapshots = Vec::with_capacity(ENVIRONMENTS);
    let counted = allocation_counter::measure(|| {
        snapshots.extend((0..ENVIRONMENTS).map(|_| Snapshot::compile(&set)));
    });
    let flags = FLAGS * ENVIRONMENTS;
    let bytes = usize::try_from(counted.bytes_current).expect("it grew");
    println!(
        "\n{} flags × {ENVIRONMENTS} environments, compiled: {:.1} MiB, {} bytes a flag.",
        thousands(FLAGS),
        bytes as f64 / f64::from(1 << 20),
        thousands(bytes / flags)
    );
}
