//! Runs of the suite in which every server uses the database in another way. The environment selects one: `TESTS_ROLE=runtime`, a role with
//! only the rights that `provost migrate --grant` gives; `TESTS_ROLE=owner`, the owner of the schema, who is no superuser;
//! `TESTS_POOLER=session` or `transaction`, PgBouncer before the database.

use std::sync::OnceLock;

use super::Bouncer;
use super::database::cluster_url;

/// The role of the servers, if it is not the superuser of the tests.
pub fn role() -> Option<&'static str> {
    match std::env::var("TESTS_ROLE").as_deref() {
        Ok("runtime") => Some("provost_runtime"),
        Ok("owner") => Some("provost_owner"),
        _ => None,
    }
}

/// The URL that a server gets for a database of the run.
pub fn url(url: &str) -> String {
    static BOUNCER: OnceLock<Option<Bouncer>> = OnceLock::new();
    if !is_of_this_run(url) {
        return url.to_owned();
    }
    let url = with_role(url);
    let pooler = || std::env::var("TESTS_POOLER").ok().map(|mode| Bouncer::before(&with_role(cluster_url()), &mode));
    BOUNCER.get_or_init(pooler).as_ref().map_or(url.clone(), |bouncer| bouncer.url(&url))
}

/// Whether a URL leads to a database that a test has made in the server of the run.
fn is_of_this_run(url: &str) -> bool {
    let address = cluster_url().split_once('@').and_then(|(_, rest)| rest.split('/').next()).unwrap();
    url.contains(&format!("@{address}/test_"))
}

/// The same URL with the role, whose password is its name.
pub fn with_role(url: &str) -> String {
    match (role(), url.split_once('@')) {
        (Some(role), Some((_, rest))) => format!("postgres://{role}:{role}@{rest}"),
        _ => url.to_owned(),
    }
}
