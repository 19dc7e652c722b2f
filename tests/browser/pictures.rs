//! Pictures of every page, for people to look at.

use std::path::PathBuf;

use super::pages::Stage;
use crate::harness::{Browser, Database, Proxy, SCHEMES, Server};

const SIZES: [(&str, u32, u32, bool); 2] = [("", 1360, 900, false), ("-390", 390, 844, true)];

/// Takes a picture into `$PROVOST_SCREENSHOTS`, if there is such a setting.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("PROVOST_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        browser.screenshot(&folder.join(format!("{name}.png"))).await;
    }
}

async fn pictures(browser: &Browser, pages: &[(&str, String)]) {
    for (suffix, width, height, mobile) in SIZES {
        browser.size(width, height, mobile).await;
        for scheme in SCHEMES {
            browser.scheme(scheme).await;
            for (name, path) in pages {
                browser.open(path).await;
                browser.text("h1").await;
                picture(browser, &format!("{name}{suffix}-{scheme}")).await;
            }
        }
    }
}

#[tokio::test]
async fn screenshots_of_every_page() {
    let stage = Stage::new().await.with_an_hour_behind().await;
    let browser = Browser::on(&stage.server).await;
    pictures(&browser, &stage.pages()).await;
    browser.size(1360, 900, false).await;
    browser.scheme("light").await;
    browser.open(&format!("/dashboard/projects/{}/delete", stage.ready)).await;
    browser.fill("#confirm-name", "shop").await;
    browser.press("Delete project").await;
    browser.text("#confirm-error").await;
    picture(&browser, "delete-refused-light").await;
}

#[tokio::test]
async fn screenshots_of_what_is_empty_or_broken() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = Server::with(&proxy.url(&database.url), &[]);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    let page = |name: &'static str, path: &str| (name, path.to_owned());
    let pages = [page("empty", "/dashboard/projects"), page("metrics-empty", "/dashboard/metrics")];
    pictures(&browser, &pages).await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(1).await;
    proxy.cut();
    browser.sees("Showing the last good data").await;
    picture(&browser, "stale-390-dark").await;
    pictures(&browser, &[page("database-down", "/dashboard/projects")]).await;
}
