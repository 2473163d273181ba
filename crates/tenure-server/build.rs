//! Compiles flagd's protocol (`proto/` at the project's root) to messages and services.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

const FILES: [&str; 3] = [
    "flagd/evaluation/v1/evaluation.proto",
    "flagd/evaluation/v2/evaluation.proto",
    "flagd/sync/v1/sync.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    // The generated clients stand behind this feature, which nobody turns on: we only serve.
    println!("cargo::rustc-check-cfg=cfg(feature, values(\"client\"))");
    let mut compiler = protox::Compiler::new([&protos])?;
    compiler.include_source_info(true).include_imports(true).open_files(FILES)?;
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("flagd.bin");
    fs::write(&descriptors, compiler.file_descriptor_set().encode_to_vec())?;
    connectrpc_build::Config::new()
        .descriptor_set(&descriptors)
        .files(&FILES)
        .gate_client_feature(true)
        .emit_rerun_directives(false)
        .include_file("flagd.rs")
        .compile()?;
    Ok(())
}
