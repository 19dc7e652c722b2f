//! Sign-in.

use crate::harness::{Browser, Database, Server};

const TOKEN: &str = "a-token-of-32-characters-for-you";

fn guarded(database: &Database) -> Server {
    Server::with(&database.url, &[("PROVOST_ADMIN_TOKEN", TOKEN)])
}

#[tokio::test]
async fn sign_in_leads_to_the_requested_page() {
    let database = Database::new().await;
    let server = guarded(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/metrics?range=6h").await;
    browser.arrives("/dashboard/login").await;
    assert_eq!(browser.js("return document.activeElement.id").await, "token");
    browser.fill("#token", "wrong").await;
    browser.press("Sign in").await;
    browser.wait_for_text("The token is not valid.").await;
    browser.fill("#token", TOKEN).await;
    browser.press("Sign in").await;
    browser.arrives("/dashboard/metrics?range=6h").await;

    browser.press("Sign out").await;
    browser.arrives("/dashboard/login").await;
    browser.open("/dashboard/projects").await;
    browser.arrives("/dashboard/login").await;
}

#[tokio::test]
async fn expired_session_leads_through_sign_in() {
    let database = Database::new().await;
    let server = guarded(&database);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects?status=ready").await;
    browser.fill("#token", TOKEN).await;
    browser.press("Sign in").await;
    browser.arrives("/dashboard/projects?status=ready").await;
    browser.set_cookie("provost_session", "ended").await;
    browser.arrives("/dashboard/login").await;
    browser.fill("#token", TOKEN).await;
    browser.press("Sign in").await;
    browser.arrives("/dashboard/projects?status=ready").await;
    assert!(browser.page_errors().await.is_empty());
}

#[tokio::test]
async fn signing_in_works_without_javascript() {
    let database = Database::new().await;
    let server = guarded(&database);
    let browser = Browser::on(&server).await;
    browser.without_javascript().await;
    browser.open("/dashboard").await;
    browser.fill("#token", TOKEN).await;
    browser.press("Sign in").await;
    browser.arrives("/dashboard").await;
    browser.press("Sign out").await;
    browser.arrives("/dashboard/login").await;
}
