//! A headless Chromium, driven as a user drives it. One ChromeDriver and a few browsers serve the whole run. Each test
//! gets one without cookies, storage or history.

use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::driver::{Driver, Idle};
use super::{Server, TIMEOUT, pauses};

/// How many browsers run at once. A test never needs two, so tests cannot wait for each other.
static PERMITS: Semaphore = Semaphore::const_new(3);

/// Runs in every page before its scripts: records violations, polls, and the first frame.
const WITNESS: &str = include_str!("witness.js");
/// The text of an element with line breaks and spaces collapsed.
const ONE_LINE: &str = r"(it.innerText ?? it.textContent).replace(/\s+/g, ' ').trim()";

/// Whether the page shows a text, in JavaScript.
fn page_contains(text: &str) -> String {
    format!("(it => {ONE_LINE})(document.body).includes({})", json!(text))
}

/// Keys that have no letter, as WebDriver writes them.
pub mod key {
    pub const TAB: &str = "\u{e004}";
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
}

/// A browser without cookies or history, which no other test is using.
pub struct Browser {
    home: String,
    pub(super) driver: ManuallyDrop<WebDriver>,
    pub(super) has_axe: AtomicBool,
    /// Whether pages may run scripts.
    has_javascript: AtomicBool,
    /// The scripts that run in each new document.
    scripts: Mutex<Vec<String>>,
    _permit: SemaphorePermit<'static>,
}

impl Browser {
    /// A browser for the dashboard of this server. No page is open yet.
    pub async fn on(server: &Server) -> Self {
        let permit = PERMITS.acquire().await.unwrap();
        // reqwest requires a TLS provider although no test uses TLS; a second installation has no effect.
        _ = rustls::crypto::ring::default_provider().install_default();
        let chrome = Driver::get();
        let idle = chrome.idle.lock().unwrap().pop();
        let reused = match &idle {
            Some(idle) => chrome.reuse(idle).await.ok(),
            None => None,
        };
        let driver = match reused {
            Some(driver) => driver,
            None => {
                idle.map(|broken| chrome.end(&broken.session));
                chrome.new_session().await
            }
        };
        let browser = Self {
            home: server.url.clone(),
            driver: ManuallyDrop::new(driver),
            has_axe: AtomicBool::new(false),
            has_javascript: AtomicBool::new(true),
            scripts: Mutex::default(),
            _permit: permit,
        };
        browser.run_in_new_documents(WITNESS).await;
        browser
    }

    pub(super) async fn run_in_new_documents(&self, script: &str) {
        let added = self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
        self.scripts.lock().unwrap().push(added["identifier"].as_str().unwrap().to_owned());
    }

    // Navigating and reading --------------------------------------------------------------------------------------------

    pub async fn open(&self, path: &str) {
        self.leave().await;
        self.driver.goto(format!("{}{path}", self.home)).await.unwrap();
        self.is_loaded().await;
    }

    pub async fn reload(&self) {
        self.leave().await;
        self.driver.refresh().await.unwrap();
        self.is_loaded().await;
    }

    /// Marks the document. ChromeDriver may return from a navigation to the same address while the old document is still there.
    async fn leave(&self) {
        _ = self.try_js("window.isLeft = true").await;
    }

    async fn is_loaded(&self) {
        self.until("the page is loaded", "!window.isLeft && document.readyState === 'complete'").await;
    }

    pub async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Path and query of the current page.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the page is at a path that begins like this.
    pub async fn arrives(&self, path: &str) {
        let here = format!("(location.pathname + location.search).startsWith({})", json!(path));
        self.until(&format!("the browser is at {path}"), &format!("{here} && document.readyState === 'complete'"))
            .await;
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, text: &str) {
        self.until(&format!("the page contains {text:?}"), &page_contains(text)).await;
    }

    /// Whether the page shows this text now.
    pub async fn shows(&self, text: &str) -> bool {
        self.js(&format!("return {}", page_contains(text))).await == true
    }

    /// Waits until an element is visible. Returns its text.
    pub async fn text(&self, css: &str) -> String {
        let look = format!("document.querySelector({0})?.checkVisibility() && document.querySelector({0})", json!(css));
        self.until(&format!("{css} is visible"), &look).await;
        self.texts(css).await.swap_remove(0)
    }

    /// The texts of all that match, now.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let all = format!("return [...document.querySelectorAll({})].map(it => {ONE_LINE})", json!(css));
        let found = self.js(&all).await;
        found.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until a JavaScript expression is truthy. Returns its value.
    pub async fn until(&self, what: &str, expression: &str) -> Value {
        let (script, deadline, mut pause) = (format!("return {expression}"), Instant::now() + TIMEOUT, pauses());
        loop {
            let found = self.try_js(&script).await;
            match &found {
                Ok(value) if !matches!(value, Value::Null | Value::Bool(false)) && *value != json!(0) => {
                    break value.clone();
                }
                _ if Instant::now() > deadline => self.give_up(what, &format!("{found:?}")).await,
                _ => tokio::time::sleep(pause()).await,
            }
        }
    }

    async fn give_up(&self, what: &str, last: &str) -> ! {
        let page = self.try_js("return location.href + '\\n' + document.body.innerText").await;
        let page = page.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        panic!("timed out after {TIMEOUT:?}: {what} (last: {last}), on the page {page}");
    }

    /// Runs a script in the page and returns its result.
    pub async fn js(&self, script: &str) -> Value {
        self.try_js(script).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    async fn try_js(&self, script: &str) -> WebDriverResult<Value> {
        Ok(self.driver.execute(script, Vec::new()).await?.json().clone())
    }

    // Acting on the page -----------------------------------------------------------------------------------------------------

    /// Waits until an expression yields a visible element.
    async fn element(&self, what: &str, expression: &str) -> WebElement {
        self.until(what, &format!("({expression})?.checkVisibility()")).await;
        self.driver.execute(format!("return {expression}"), Vec::new()).await.unwrap().element().unwrap()
    }

    /// Presses the link, button or summary with this name.
    pub async fn press(&self, name: &str) {
        let named = format!(
            "[...document.querySelectorAll('a[href], button, summary')].find(it => it.checkVisibility() && \
             (it.ariaLabel || {ONE_LINE}) === {})",
            json!(name)
        );
        self.try_click(&format!("{name:?} can be pressed"), &named).await;
    }

    /// Clicks an element.
    pub async fn click(&self, css: &str) {
        self.try_click(&format!("{css} can be clicked"), &format!("document.querySelector({})", json!(css))).await;
    }

    /// Clicks again if a poll has replaced the element.
    async fn try_click(&self, what: &str, expression: &str) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let element = self.element(what, expression).await;
            let Err(error) = element.click().await else { return self.has_followed().await };
            // ChromeDriver treats content of a closed `details` as invisible even if the stylesheet shows it. A pointer
            // action does not.
            let invisible = matches!(error.as_inner(), WebDriverErrorInner::ElementNotInteractable(_));
            if invisible && self.driver.action_chain().click_element(&element).perform().await.is_ok() {
                return self.has_followed().await;
            }
            assert!(Instant::now() < deadline, "{what}: {error}");
            _ = element.scroll_into_view().await; // It may be behind the bar at the top.
        }
    }

    /// Waits until the page that a click leads to is loaded. ChromeDriver may return from the click earlier. A form is sent, and a
    /// link is followed, in a task after the click. Without JavaScript, no task tells.
    async fn has_followed(&self) {
        if !self.has_javascript.load(Ordering::Relaxed) {
            return;
        }
        let next_task = "const done = arguments[0]; setTimeout(() => setTimeout(done))";
        _ = self.driver.execute_async(next_task, Vec::new()).await;
        self.is_loaded().await;
    }

    pub async fn double_click(&self, css: &str) {
        let element = self.element(css, &format!("document.querySelector({})", json!(css))).await;
        self.driver.action_chain().double_click_element(&element).perform().await.unwrap();
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.element(css, &format!("document.querySelector({})", json!(css))).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses an option of a select.
    pub async fn choose(&self, css: &str, value: &str) {
        let option = self.driver.find(By::Css(format!("{css} option[value='{value}']"))).await.unwrap();
        option.click().await.unwrap();
    }

    /// Types into the focused element.
    pub async fn keys(&self, text: &str) {
        self.driver.action_chain().send_keys(text).perform().await.unwrap();
    }

    /// Presses Tab until an element with this name has the focus.
    pub async fn tab_to(&self, name: &str) {
        for _ in 0..60 {
            self.keys(key::TAB).await;
            if self.focused().await.starts_with(name) {
                return;
            }
        }
        self.give_up(&format!("Tab leads to {name:?}"), &self.focused().await).await;
    }

    /// The name of the focused element.
    pub async fn focused(&self) -> String {
        let name = "const it = document.activeElement; \
                    return (it.ariaLabel || it.labels?.[0]?.innerText || it.innerText || '').trim()";
        self.js(name).await.as_str().unwrap().to_owned()
    }

    /// Moves the pointer to the middle of an element.
    pub async fn point_at(&self, css: &str) {
        let element = self.element(css, &format!("document.querySelector({})", json!(css))).await;
        self.driver.action_chain().move_to_element_center(&element).perform().await.unwrap();
    }

    // Settings of the browser -----------------------------------------------------------------------------------

    /// A command of the DevTools protocol.
    pub async fn cdp(&self, method: &str, params: Value) -> Value {
        self.driver.cdp().send_raw(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Stores display settings, like `poll=1&theme=dark`.
    pub async fn prefer(&self, settings: &str) {
        self.set_cookie("provost_preferences", settings).await;
    }

    pub async fn set_cookie(&self, name: &str, value: &str) {
        self.cdp("Network.setCookie", json!({"name": name, "value": value, "url": self.home})).await;
    }

    /// A phone of this width.
    pub async fn phone(&self, width: u32) {
        self.size(width, 844, true).await;
    }

    pub async fn size(&self, width: u32, height: u32, mobile: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Switches off JavaScript in pages. The harness can still run scripts in them.
    pub async fn without_javascript(&self) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
        self.has_javascript.store(false, Ordering::Relaxed);
    }

    /// The color scheme of the system: `light` or `dark`.
    pub async fn scheme(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.cdp("Emulation.setEmulatedMedia", json!({"features": [feature]})).await;
    }

    pub async fn offline(&self, offline: bool) {
        self.cdp("Network.enable", json!({})).await;
        let conditions = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.cdp("Network.emulateNetworkConditions", conditions).await;
    }

    // Checking ------------------------------------------------------------------------------------------------------

    /// The problems on all pages so far: CSP violations, dialogs and uncaught errors.
    pub async fn page_errors(&self) -> Vec<String> {
        let noted = self.js("return JSON.parse(sessionStorage.getItem('page-errors') ?? '[]')").await;
        let noted = noted.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned());
        let log = self.driver.browser_log().await.unwrap();
        let logged = log.iter().filter(|entry| entry.message.contains("Content Security Policy"));
        noted.chain(logged.map(|entry| entry.message.clone())).collect()
    }

    /// How much wider than `width` the page is, in pixels.
    pub async fn overflow(&self, width: u32) -> i64 {
        let wide = self.js("return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)").await;
        wide.as_i64().unwrap() - i64::from(width)
    }

    /// The response statuses of all polls of this page.
    pub async fn polls(&self) -> Vec<i64> {
        let all = self.js("return window.polls").await;
        all.as_array().unwrap().iter().map(|it| it.as_i64().unwrap()).collect()
    }

    /// Waits for `n` further polls.
    pub async fn further_polls(&self, n: usize) {
        let enough = self.polls().await.len() + n;
        self.until(&format!("{n} further polls"), &format!("window.polls.length >= {enough}")).await;
    }

    pub async fn screenshot(&self, file: &Path) {
        self.driver.screenshot(file).await.unwrap();
    }
}

/// Returns the browser to the pool, or ends it if the test failed. Dropping the client itself would deadlock on a
/// single-threaded runtime, so it never happens.
impl Drop for Browser {
    fn drop(&mut self) {
        let chrome = Driver::get();
        let session = self.driver.session_id().to_string();
        if std::thread::panicking() {
            _ = chrome.end(&session);
        } else if let Ok(mut idle) = chrome.idle.lock() {
            let scripts = std::mem::take(&mut *self.scripts.lock().unwrap());
            idle.push(Idle { session, origin: self.home.clone(), scripts });
        }
    }
}
