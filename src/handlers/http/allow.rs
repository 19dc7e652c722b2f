//! The allow list of `http.call`. Empty by default.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use reqwest::Url;

/// Where `http.call` may go. Entries are separated by commas or spaces:
///
/// - `api.example.com`: https, port 443;
/// - `api.example.com:8443`: https, that port;
/// - `*.example.com`: every subdomain, not the domain itself;
/// - `http://10.0.0.5:8080`: without TLS. A private address must be named explicitly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    secure: bool,
    host: Pattern,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(Host),
    /// With a leading dot.
    Subdomain(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry(String);

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let examples = "api.example.com, api.example.com:8443, *.example.com or http://10.0.0.5:8080";
        write!(f, "{:?} is not a valid target; valid entries look like {examples}", self.0)
    }
}

impl std::error::Error for BadEntry {}

/// The scheme, host and port of a call, in normalized form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub secure: bool,
    pub host: Host,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Parses a URL. `Url` is already normalized: it knows that `0x7f.1` is `127.0.0.1`.
    pub fn of(url: &Url) -> Result<Self, &'static str> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err("url must begin with https:// or http://"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url must not contain a user or a password");
        }
        let host = url.host_str().and_then(Host::parse).ok_or("url must contain a host")?;
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or("url must have a port other than 0")?;
        Ok(Self { secure, host, port })
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Some(Self::Address(address));
        }
        // A trailing dot marks a fully qualified name.
        let name = text.strip_suffix('.').unwrap_or(text);
        (!name.is_empty()).then(|| Self::Name(name.to_owned()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl FromStr for AllowList {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| Entry::parse(entry).ok_or_else(|| BadEntry(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl AllowList {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the list allows this target.
    pub fn permits(&self, target: &Target) -> bool {
        self.0.iter().any(|entry| entry.covers(target))
    }

    /// Whether the list contains this exact address, which allows it even if it is private.
    pub fn names(&self, secure: bool, address: SocketAddr) -> bool {
        let (host, port) = (Pattern::Exact(Host::Address(address.ip())), address.port());
        self.0.contains(&Entry { secure, host, port })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let below = whole.contains("://*.");
        let url = Url::parse(&whole.replacen("://*.", "://", 1)).ok()?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let Target { secure, host, port } = Target::of(&url).ok().filter(|_| bare)?;
        let host = match host {
            Host::Name(name) if name.contains('*') => return None,
            Host::Name(name) if below => Pattern::Subdomain(format!(".{name}")),
            Host::Address(_) if below => return None,
            host => Pattern::Exact(host),
        };
        Some(Self { secure, host, port })
    }

    fn covers(&self, target: &Target) -> bool {
        let host = match (&self.host, &target.host) {
            (Pattern::Exact(host), asked) => host == asked,
            (Pattern::Subdomain(suffix), Host::Name(name)) => {
                name.len() > suffix.len() && name.ends_with(suffix.as_str())
            }
            (Pattern::Subdomain(_), Host::Address(_)) => false,
        };
        host && (self.secure, self.port) == (target.secure, target.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(list: &str, url: &str) -> bool {
        let list: AllowList = list.parse().unwrap();
        Url::parse(url).ok().and_then(|url| Target::of(&url).ok()).is_some_and(|target| list.permits(&target))
    }

    #[test]
    fn allowed_target_matches_in_every_spelling() {
        let list = "api.example.com, hooks.example.com:8443 *.corp.example,http://10.0.0.5:8080,[2001:db8::1]";
        for url in [
            "https://api.example.com/a?b#c",
            "https://API.example.COM.:443/",
            "https://hooks.example.com:8443/x",
            "https://a.b.corp.example/",
            "http://10.0.0.5:8080/",
            "http://0x0a.5:8080/",
            "https://[2001:DB8:0::1]/",
        ] {
            assert!(permits(list, url), "{url}");
        }
    }

    #[test]
    fn similar_target_is_not_allowed() {
        let list = "api.example.com, *.corp.example, http://10.0.0.5:8080";
        for url in [
            "http://api.example.com/",
            "https://api.example.com:444/",
            "https://api.example.com@127.0.0.1/",
            "https://api.example.com:x@api.example.com/",
            "https://user@api.example.com/",
            "https://api.example.com..",
            "https://api.example.com.evil.test/",
            "https://evilapi.example.com/",
            "https://127.0.0.1\\@api.example.com/",
            "https://corp.example/",
            "https://.corp.example/",
            "https://evilcorp.example/",
            "http://a.corp.example/",
            "https://10.0.0.5:8080/",
            "http://10.0.0.5/",
            "http://[::ffff:10.0.0.5]:8080/",
            "ftp://api.example.com/",
            "file:///etc/passwd",
        ] {
            assert!(!permits(list, url), "{url}");
        }
        assert!(!permits("", "https://api.example.com/"));
    }

    #[test]
    fn invalid_entry_is_named() {
        for entry in [
            "*",
            "*.",
            "https://*",
            "a.*.b",
            "*.10.0.0.1",
            "host/path",
            "host?x",
            "u@host",
            "ftp://host",
            "a:99999",
            "a:0",
        ] {
            let error = format!("a.example, {entry}").parse::<AllowList>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{entry:?} is not a valid target")), "{error}");
        }
        assert!("".parse::<AllowList>().unwrap().is_empty());
        assert!(" , ".parse::<AllowList>().unwrap().is_empty());
    }
}
