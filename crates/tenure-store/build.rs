//! The migrations are embedded in the binary: a changed or added file rebuilds it.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
