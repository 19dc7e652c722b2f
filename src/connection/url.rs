//! Reads a connection string as libpq does: a URL, or `key=value` pairs. The driver rejects some options of libpq, so these are
//! translated, or named in one sentence.

use tokio_postgres::Config;

use super::tls::{RootCertificates, TlsOptions, Verify};

/// Why a connection string cannot be used. Never contains the string, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("not a PostgreSQL URL")]
    Url(#[source] tokio_postgres::Error),
    /// The name of an option, and what is wrong.
    #[error("the option {0} {1}")]
    Option(String, String),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl UrlError {
    fn option(name: &str, why: impl Into<String>) -> Self {
        Self::Option(name.to_owned(), why.into())
    }

    /// A file that an option names cannot be used.
    pub(super) fn file(name: &str, path: &str, error: impl std::error::Error) -> Self {
        Self::option(name, format!("names {path}, which cannot be used: {}", crate::log::chain(&error)))
    }
}

/// A connection string, read.
pub(super) struct ConnectionString {
    pub config: Config,
    pub tls: TlsOptions,
    /// Whether a server that is read-only is refused.
    pub needs_writable: bool,
}

impl ConnectionString {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = unquoted(text);
        let mut options = Options::default();
        let is_url = |(scheme, _): &(&str, &str)| scheme.chars().all(|char| char.is_ascii_alphabetic());
        let kept = match text.split_once("://").filter(is_url) {
            Some(_) => {
                let (base, query) = text.split_once('?').unwrap_or((text, ""));
                let mut kept = Vec::new();
                for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
                    if let Some(value) = options.take(name, &decoded)? {
                        let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
                        kept.push(format!("{name}={encoded}"));
                    }
                }
                if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }
            }
            None => {
                let mut kept = Vec::new();
                for (name, value) in pairs(text) {
                    if let Some(value) = options.take(&name, &value)? {
                        let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
                        kept.push(format!("{name}='{escaped}'"));
                    }
                }
                kept.join(" ")
            }
        };
        let mut config: Config = kept.parse().map_err(UrlError::Url)?;
        if let Some(mode) = options.tls_mode()? {
            config.ssl_mode(mode);
        }
        if let (None, Some(path)) = (config.get_password(), &options.passfile)
            && let Some(password) = password_of(path, &config)?
        {
            config.password(password);
        }
        Ok(Self { config, tls: options.tls, needs_writable: options.needs_writable })
    }
}

/// Secrets that are mounted as files end with a newline, and some tools keep the quotes of an environment file.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).trim()
}

/// The pairs of a string such as `host=db password='with \' quote'`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let (mut pairs, mut rest) = (Vec::new(), text.trim_start());
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (is_quoted, after) = after.strip_prefix('\'').map_or((false, after), |after| (true, after));
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let mut end = after.len();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => value.extend(chars.next().map(|(_, char)| char)),
                '\'' if is_quoted => {
                    end = at + 1;
                    break;
                }
                char if !is_quoted && char.is_whitespace() => {
                    end = at;
                    break;
                }
                char => value.push(char),
            }
        }
        pairs.push((name.trim().to_owned(), value));
        rest = after[end..].trim_start();
    }
    if !rest.is_empty() {
        // The driver names what is wrong.
        pairs.push((rest.to_owned(), String::new()));
    }
    pairs
}

#[derive(Default)]
struct Options {
    tls: TlsOptions,
    ssl_mode: Option<String>,
    passfile: Option<String>,
    needs_writable: bool,
}

impl Options {
    /// Returns the value that the driver gets, if it knows the option.
    fn take(&mut self, name: &str, value: &str) -> Result<Option<String>, UrlError> {
        match (name, value) {
            ("sslmode", mode) => self.ssl_mode = Some(mode.to_owned()),
            ("sslrootcert", "system") => self.tls.roots = RootCertificates::System,
            ("sslrootcert", path) => self.tls.roots = RootCertificates::File(path.to_owned()),
            ("sslcert", path) => self.tls.certificate = Some(path.to_owned()),
            ("sslkey", path) => self.tls.key = Some(path.to_owned()),
            ("passfile", path) => self.passfile = Some(path.to_owned()),
            ("target_session_attrs", "any") => {}
            ("target_session_attrs", "read-write" | "primary") => self.needs_writable = true,
            ("target_session_attrs", other) => {
                let why = format!("is {other}, but Provost writes: use read-write, primary or any");
                return Err(UrlError::option(name, why));
            }
            ("gssencmode", "disable" | "prefer") => {}
            ("client_encoding", encoding) if ["utf8", "utf-8", "auto"].contains(&&*encoding.to_lowercase()) => {}
            ("ssl_min_protocol_version", "TLSv1" | "TLSv1.1" | "TLSv1.2") => {}
            // Provost has values of its own for these, or they change nothing.
            (
                "application_name" | "fallback_application_name" | "sslcompression" | "sslsni" | "tcp_user_timeout",
                _,
            ) => {}
            ("keepalives" | "keepalives_idle" | "keepalives_interval" | "keepalives_count", _) => {}
            (
                "gssencmode"
                | "client_encoding"
                | "ssl_min_protocol_version"
                | "ssl_max_protocol_version"
                | "sslcrl"
                | "sslcrldir"
                | "sslpassword"
                | "sslcertmode"
                | "krbsrvname"
                | "gsslib"
                | "gssdelegation"
                | "requirepeer"
                | "require_auth"
                | "service"
                | "servicefile"
                | "replication"
                | "requiressl",
                value,
            ) => return Err(UrlError::option(name, format!("with the value {value:?} is not supported; remove it"))),
            (_, value) => return Ok(Some(value.to_owned())),
        }
        Ok(None)
    }

    /// The mode of the driver, and what to verify, as libpq reads `sslmode`.
    fn tls_mode(&mut self) -> Result<Option<tokio_postgres::config::SslMode>, UrlError> {
        use tokio_postgres::config::SslMode;
        let has_roots = !matches!(self.tls.roots, RootCertificates::None);
        let has_system_roots = matches!(self.tls.roots, RootCertificates::System);
        // libpq requires full verification with the certificates of the system, because anyone can get a certificate of theirs.
        let mode = self.ssl_mode.as_deref().or(has_system_roots.then_some("verify-full"));
        let (mode, verify) = match mode {
            None | Some("allow" | "prefer") => (SslMode::Prefer, has_roots.then_some(Verify::Chain)),
            Some("disable") => (SslMode::Disable, None),
            Some("require") => (SslMode::Require, has_roots.then_some(Verify::Chain)),
            Some("verify-ca") => (SslMode::Require, Some(Verify::Chain)),
            Some("verify-full") => (SslMode::Require, Some(Verify::Full)),
            Some(other) => {
                let known = "disable, allow, prefer, require, verify-ca or verify-full";
                return Err(UrlError::option("sslmode", format!("is {other:?}; use {known}")));
            }
        };
        if has_system_roots && verify != Some(Verify::Full) {
            return Err(UrlError::option("sslrootcert", "is system, which needs sslmode=verify-full"));
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return Err(UrlError::option("sslcert", "needs sslkey, and the other way around"));
        }
        self.tls.verify = verify;
        let is_set = self.ssl_mode.is_some() || has_roots;
        Ok(is_set.then_some(mode))
    }
}

/// The password for a server in a file of lines like `host:port:database:user:password`, where `*` matches everything.
fn password_of(path: &str, config: &Config) -> Result<Option<String>, UrlError> {
    let text = std::fs::read_to_string(path).map_err(|error| UrlError::file("passfile", path, error))?;
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let wanted = [&*host, &*port, config.get_dbname().unwrap_or(user), user];
    let fits = |line: &str| {
        let fields = fields(line);
        let (password, keys) = fields.split_last()?;
        let is_match = keys.len() == 4 && keys.iter().zip(wanted).all(|(key, value)| key == "*" || key == value);
        is_match.then(|| password.clone())
    };
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(fits))
}

/// The fields between colons; a backslash escapes the next character.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut chars) = (vec![String::new()], line.chars());
    while let Some(char) = chars.next() {
        match char {
            ':' => fields.push(String::new()),
            char => {
                let char = if char == '\\' { chars.next().unwrap_or(char) } else { char };
                fields.last_mut().into_iter().for_each(|field| field.push(char));
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{Host, SslMode};

    use super::*;

    fn parse(text: &str) -> Result<ConnectionString, String> {
        ConnectionString::parse(text).map_err(|error| crate::log::chain(&error))
    }

    #[test]
    fn sslmode_decides_what_is_verified() {
        let ca = "sslrootcert=/etc/ca.pem";
        for (query, mode, verify) in [
            ("", SslMode::Prefer, None),
            ("sslmode=disable", SslMode::Disable, None),
            ("sslmode=allow", SslMode::Prefer, None),
            ("sslmode=require", SslMode::Require, None),
            (&format!("sslmode=require&{ca}"), SslMode::Require, Some(Verify::Chain)),
            (&format!("sslmode=verify-ca&{ca}"), SslMode::Require, Some(Verify::Chain)),
            ("sslmode=verify-full", SslMode::Require, Some(Verify::Full)),
            ("sslrootcert=system", SslMode::Require, Some(Verify::Full)),
            (ca, SslMode::Prefer, Some(Verify::Chain)),
        ] {
            let read = parse(&format!("postgres://me:secret@db.example:6543/app?{query}")).unwrap();
            assert_eq!((read.config.get_ssl_mode(), read.tls.verify), (mode, verify), "{query}");
            let pairs = query.replace('&', " ");
            let read = parse(&format!("host=db.example port=6543 user=me {pairs}")).unwrap();
            assert_eq!((read.config.get_ssl_mode(), read.tls.verify), (mode, verify), "{pairs}");
        }
    }

    #[test]
    fn options_of_libpq_are_known_or_named() {
        for query in [
            "gssencmode=disable",
            "target_session_attrs=primary",
            "client_encoding=UTF8",
            "options=-csearch_path%3Dapp",
            "keepalives_count=5&connect_timeout=9",
        ] {
            assert!(parse(&format!("postgres://me@db/app?{query}")).is_ok(), "{query}");
        }
        for (query, reason) in [
            ("gssencmode=require", "the option gssencmode with the value \"require\" is not supported"),
            ("target_session_attrs=standby", "but Provost writes"),
            ("sslmode=strict", "the option sslmode is \"strict\"; use disable"),
            ("sslcert=/x.pem", "the option sslcert needs sslkey"),
            ("passfile=/no/such/file", "the option passfile names /no/such/file, which cannot be used"),
            ("pgbouncer=true", "pgbouncer"),
            ("service=main", "the option service"),
        ] {
            let error = parse(&format!("postgres://me@db/app?{query}")).err().unwrap_or_default();
            assert!(error.contains(reason), "{query}: {error}");
        }
    }

    #[test]
    fn newlines_and_quotes_around_are_removed() {
        for text in ["postgres://me@db/app\n", "\"postgres://me@db/app\"", " 'postgres://me@db/app' \r\n"] {
            assert_eq!(parse(text).unwrap().config.get_dbname(), Some("app"), "{text:?}");
        }
    }

    #[test]
    fn pairs_may_be_quoted() {
        let read = parse("host=db user=me password=a://b sslmode=require").unwrap();
        assert_eq!(read.config.get_password(), Some(&b"a://b"[..]));
        let read = parse(r"host=db dbname = app password='it\'s = \\ here' user=me").unwrap();
        assert_eq!(read.config.get_hosts(), [Host::Tcp("db".to_owned())]);
        assert_eq!(read.config.get_password(), Some(&b"it's = \\ here"[..]));
        assert_eq!((read.config.get_dbname(), read.config.get_user()), (Some("app"), Some("me")));
    }

    #[test]
    fn password_comes_from_the_passfile() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# comment\nother:*:*:*:wrong\ndb:5432:app:me:with\\:colon\n*:*:*:*:any\n")
            .unwrap();
        let path = file.path().display();
        for (url, password) in [
            ("postgres://me@db/app", "with:colon"),
            ("postgres://me@elsewhere/app", "any"),
            ("postgres://me:own@db/app", "own"),
        ] {
            let read = parse(&format!("{url}?passfile={path}")).unwrap();
            assert_eq!(read.config.get_password(), Some(password.as_bytes()), "{url}");
        }
    }

    #[test]
    fn error_does_not_contain_the_url() {
        let error = parse("postgres://me:sesame@[oops").err().unwrap_or_default();
        assert!(!error.is_empty() && !error.contains("sesame"), "{error}");
    }
}
