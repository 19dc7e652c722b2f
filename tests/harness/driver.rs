//! The ChromeDriver of the run, and the browsers that tests reuse.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::session::http::{Body, HttpClient};
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};

static DRIVER: OnceLock<Driver> = OnceLock::new();

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    // One process for all tabs of the servers, and none in reserve.
    "--process-per-site",
    "--disable-features=SpareRendererForSitePerProcess,Translate,OptimizationHints,MediaRouter",
    // Animations would be drawn sixty times a second.
    "--force-prefers-reduced-motion",
    "--no-first-run",
    "--window-size=1360,900",
];

/// What a test may have changed in its tab, as commands that undo it.
fn resets() -> [(&'static str, Value); 7] {
    let network = json!({"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    [
        ("Emulation.clearDeviceMetricsOverride", json!({})),
        ("Emulation.setScriptExecutionDisabled", json!({"value": false})),
        ("Emulation.setEmulatedMedia", json!({"media": "", "features": []})),
        ("Emulation.setTimezoneOverride", json!({"timezoneId": ""})),
        ("Network.emulateNetworkConditions", network),
        ("Network.clearBrowserCookies", json!({})),
        ("Network.clearBrowserCache", json!({})),
    ]
}

/// A browser after a test.
pub struct Idle {
    pub session: String,
    /// Scheme, host and port of the server that the test used.
    pub origin: String,
    /// The scripts that run in each new document.
    pub scripts: Vec<String>,
}

/// The ChromeDriver of the run. It and its browsers end when the pipe closes, so at the latest with this process.
pub struct Driver {
    port: u16,
    /// The browsers' profiles; removed at the end.
    profiles: PathBuf,
    /// Browsers that no test uses now.
    pub idle: Mutex<Vec<Idle>>,
    _pipe: ChildStdin,
}

impl Driver {
    /// The driver of this run, started on first use.
    pub fn get() -> &'static Self {
        DRIVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let profiles = super::run_folder("browsers");
        std::fs::create_dir_all(&profiles).unwrap();
        let script =
            r#"dir=$1; shift; "$@" & trap "" TERM; read -r _; kill -TERM 0; sleep 1; rm -rf "$dir"; kill -9 0"#;
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&profiles)
            .arg(find_program(&["chromedriver"]))
            .arg("--port=0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok());
        let pipe = child.stdin.take().unwrap();
        std::thread::spawn(move || {
            lines.for_each(drop);
            child.wait()
        });
        let port = port.expect("ChromeDriver ended without printing its port");
        Self { port, profiles, idle: Mutex::default(), _pipe: pipe }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts a browser.
    pub async fn new_session(&self) -> WebDriver {
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag).unwrap();
        }
        let profile = self.profiles.join(uuid::Uuid::now_v7().to_string());
        capabilities.add_arg(&format!("--user-data-dir={}", profile.display())).unwrap();
        let chromium = find_program(&["chromium"]);
        capabilities.set_binary(&chromium.to_string_lossy()).unwrap();
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        WebDriver::new(self.url(), capabilities).await.unwrap()
    }

    /// A browser that an earlier test used, as if it were new.
    pub async fn reuse(&self, idle: &Idle) -> WebDriverResult<WebDriver> {
        let client = Attach { session: idle.session.clone(), client: reqwest::Client::new() };
        let driver = WebDriver::builder(self.url(), DesiredCapabilities::chrome()).client(client).connect().await?;
        for (command, params) in resets() {
            driver.cdp().send_raw(command, params).await?;
        }
        for script in &idle.scripts {
            let script = json!({"identifier": script});
            driver.cdp().send_raw("Page.removeScriptToEvaluateOnNewDocument", script).await?;
        }
        // The storage of a page can be cleared only from a page of its server.
        let clear = "return location.origin === arguments[0] && (sessionStorage.clear(), localStorage.clear(), true)";
        if driver.execute(clear, vec![json!(idle.origin)]).await?.json() == true {
            driver.goto("about:blank").await?;
            driver.cdp().send_raw("Page.resetNavigationHistory", json!({})).await?;
        } else {
            Self::replace_tab(&driver).await?;
        }
        driver.browser_log().await?;
        Ok(driver)
    }

    /// Storage, history and scripts belong to a tab. A new one is slow to open.
    async fn replace_tab(driver: &WebDriver) -> WebDriverResult<()> {
        let old = driver.windows().await?;
        let new = driver.new_tab().await?;
        for window in old {
            driver.switch_to_window(window).await?;
            driver.close_window().await?;
        }
        driver.switch_to_window(new).await
    }

    /// Ends a session and its browser. Blocking, because it is called from `drop`.
    pub fn end(&self, session: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        stream.read(&mut [0; 64]).map(drop)
    }
}

/// Answers the request for a new session with one that exists. A client lives only as long as the runtime of its test,
/// so each test attaches its own.
struct Attach {
    session: String,
    client: reqwest::Client,
}

#[async_trait::async_trait]
impl HttpClient for Attach {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        if request.method() != Method::POST || request.uri().path() != "/session" {
            return HttpClient::send(&self.client, request).await;
        }
        let attached = json!({"value": {"sessionId": self.session, "capabilities": {}}}).to_string();
        Ok(Response::new(Bytes::from(attached)))
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self { session: self.session.clone(), client: self.client.clone() })
    }
}

/// The first of these programs that is installed. The tests are not skipped when none is.
fn find_program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = names.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    files
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("the dashboard tests need {}; ./test.sh installs it", names.join(" or ")))
}
