//! A PostgreSQL of the tests' own: one cluster for the whole test binary, in a temporary folder, reached by a socket in it.
//!
//! It is stopped by a guardian process when this one ends, however it ends: the guardian waits for the end of a pipe
//! whose other end only this process holds.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The address of a new, empty database; none where PostgreSQL is not installed and `TENURE_REQUIRE_POSTGRES` is not 1.
pub fn new_database() -> Option<String> {
    let cluster = CLUSTER.get_or_init(Cluster::start).as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster.run("createdb", &["-h", cluster.folder.to_str().unwrap(), "-U", "postgres", &name]);
    let socket = cluster.folder.to_str().unwrap().replace('/', "%2F");
    Some(format!("postgres://postgres@{socket}/{name}"))
}

struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    /// The guardian's pipe: closed by the operating system at the latest.
    _life: ChildStdin,
}

impl Cluster {
    fn start() -> Option<Cluster> {
        let Some(programs) = find_programs() else {
            let missing = "PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql/*/bin)";
            assert!(
                std::env::var("TENURE_REQUIRE_POSTGRES").as_deref() != Ok("1"),
                "{missing}; install it with: apt-get install postgresql"
            );
            eprintln!("SKIPPED: {missing}; the contract is checked on SQLite only");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("tenure-pg-").tempdir().unwrap().keep();
        // PostgreSQL does not run as root: then the folder is the user postgres's, who must be able to reach it.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&folder));
        }
        let life = guard(&programs, &folder);
        let cluster = Cluster { programs, folder, _life: life };
        let data = cluster.folder.join("data");
        let data = data.to_str().unwrap();
        cluster.run(
            "initdb",
            &["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", data],
        );
        let log = cluster.folder.join("log");
        let settings =
            format!("-k {} -c listen_addresses='' -c max_connections=300", cluster.folder.display());
        cluster.run("pg_ctl", &["start", "-w", "-D", data, "-l", log.to_str().unwrap(), "-o", &settings]);
        Some(cluster)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        run(as_postgres(&self.programs.join(program)).args(arguments).current_dir(&self.folder));
    }
}

/// Starts the process that stops the cluster and deletes its folder once this process is gone.
#[expect(clippy::zombie_processes, reason = "the guardian outlives this process")]
fn guard(programs: &Path, folder: &Path) -> ChildStdin {
    let stop = as_postgres(&programs.join("pg_ctl"));
    let mut guardian = Command::new("sh");
    // An interrupt from the keyboard reaches the guardian too, and must not end it.
    guardian
        .arg("-c")
        .arg("trap '' INT TERM HUP; cat; folder=$1; shift; \"$@\"; rm -rf \"$folder\"")
        .arg("guardian");
    guardian.arg(folder).arg(stop.get_program()).args(stop.get_args());
    guardian.arg("stop").args(["-m", "immediate", "-D"]).arg(folder.join("data")).current_dir("/");
    let child = guardian.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.unwrap()
}

fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    // The owner of our own entry in /proc is the user we are.
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn find_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    installed.sort();
    std::env::split_paths(&path)
        .chain(installed.into_iter().rev())
        .map(|folder| folder.join("initdb"))
        .find_map(|initdb| initdb.canonicalize().ok()?.parent().map(Path::to_owned))
}
