//! PostgreSQL servers that a test stops, freezes or promotes, and a pooler.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::embedded::Embedded;
use tempfile::TempDir;

use super::TIMEOUT;

/// A process that ends with the test.
pub struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A command as the user who owns a folder, because PostgreSQL does not run as root.
fn command_as_owner(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let owner = std::fs::metadata(folder).unwrap();
    if nix::unistd::geteuid().is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A folder that the owner of another one can use.
fn folder_like(other: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    let owner = std::fs::metadata(other).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A hot standby of another server.
pub struct Standby {
    pub port: u16,
    _server: Program,
    _folder: TempDir,
}

impl Standby {
    /// A standby of the server whose data is in this folder.
    pub fn of(primary: &Embedded, data: &Path) -> Self {
        let postgres = std::fs::read_to_string(data.join("postmaster.opts")).unwrap();
        let postgres = PathBuf::from(postgres.split_whitespace().next().unwrap());
        let folder = folder_like(data);
        let own = folder.path().join("data");
        let mut backup = command_as_owner(&postgres.with_file_name("pg_basebackup"), folder.path());
        let url = primary.url().replace("/postgres?", "/postgres?connect_timeout=60&");
        backup.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--pgdata"]);
        assert!(backup.arg(&own).arg("--dbname").arg(url).status().unwrap().success(), "pg_basebackup");
        let port = free_port();
        let mut server = command_as_owner(&postgres, folder.path());
        server.arg("-D").arg(&own).args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        let socket = format!("unix_socket_directories={}", folder.path().display());
        let server = Program(
            server.args(["-c", "fsync=off", "-c", "max_prepared_transactions=5", "-c", &socket]).spawn().unwrap(),
        );
        wait_for_port(port);
        Self { port, _server: server, _folder: folder }
    }
}

fn wait_for_port(port: u16) {
    let deadline = Instant::now() + TIMEOUT;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nothing listens at port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Stops a server and its backends where they are (SIGSTOP), or lets them go on (SIGCONT).
pub fn signal_all(server: u32, signal: Signal) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(server) {
            _ = kill(Pid::from_raw(pid), signal);
        }
    }
    _ = kill(Pid::from_raw(server.cast_signed()), signal);
}

/// PgBouncer before a server.
pub struct Bouncer {
    port: u16,
    server_port: u16,
    _program: Program,
    _folder: TempDir,
}

impl Bouncer {
    /// A pooler before the server of a database URL. `mode` is `session` or `transaction`.
    pub fn before(url: &str, mode: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let (user, server_port) = (config.get_user().unwrap(), config.get_ports()[0]);
        let password = String::from_utf8_lossy(config.get_password().unwrap()).into_owned();
        let folder = TempDir::new().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (port, path) = (free_port(), folder.path().display());
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {path}/users.txt\npool_mode = {mode}\n\
             max_client_conn = 1000\ndefault_pool_size = 8\nserver_idle_timeout = 3\n"
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), text).unwrap();
        std::fs::write(folder.path().join("users.txt"), format!("\"{user}\" \"{password}\"\n")).unwrap();
        let mut program = Command::new("/usr/sbin/pgbouncer");
        if nix::unistd::geteuid().is_root() {
            program.args(["-u", "nobody"]);
        }
        program.arg(folder.path().join("pgbouncer.ini"));
        let program = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for_port(port);
        Self { port, server_port, _program: Program(program), _folder: folder }
    }

    /// The same URL, through this pooler.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&format!(":{}/", self.server_port), &format!(":{}/", self.port), 1)
    }
}
