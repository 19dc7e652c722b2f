//! Connections to PostgreSQL: URLs as libpq reads them, and TLS.

mod tls;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use tls::Unverified;

/// The default, which `connect_timeout` in the URL overrides. Short, so that requests fail quickly while the database is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens connections to one server.
#[derive(Clone)]
pub struct Connector {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
}

/// Why a URL cannot be used. Never contains the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("not a PostgreSQL URL")]
    Url(#[source] tokio_postgres::Error),
    #[error("the certificate file of sslrootcert cannot be read")]
    RootCertificate(#[source] rustls::pki_types::pem::Error),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    #[error("the connection pool cannot be built")]
    Pool(#[from] deadpool_postgres::BuildError),
}

impl Connector {
    /// Reads a URL as libpq does: `prefer` and `require` encrypt without verifying the certificate, `verify-*` and
    /// `sslrootcert` verify it. The driver's parser rejects some of these options, so they are translated first.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let tls = TlsOptions::parse(url);
        let mut config: Config = tls.url.parse().map_err(UrlError::Url)?;
        let connect_timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        config
            .application_name("provost")
            .connect_timeout(connect_timeout)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(10));
        Ok(Self { config, tls: tls.connector()? })
    }

    /// A connection outside every pool.
    pub async fn connect(&self) -> Result<(Client, Connection<Socket, TlsStream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// The same server under another name of the application, as `pg_stat_activity` shows it.
    pub fn named(mut self, application: &str) -> Self {
        self.config.application_name(application);
        self
    }

    /// The same server with another login and another database.
    pub fn with_login(mut self, user: &str, password: &str, database: &str) -> Self {
        self.config.user(user).password(password).dbname(database);
        self
    }

    /// The same server and login with another database.
    pub fn with_database(mut self, database: &str) -> Self {
        self.config.dbname(database);
        self
    }

    /// The name of the host, or the folder of the socket.
    pub fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        }
    }

    pub fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// Host, port and database for display, without user and password.
    pub fn address(&self) -> String {
        let (host, port) = (self.host(), self.port());
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres");
        format!("{host}:{port}/{database}")
    }
}

/// The encrypted stream of a connection.
pub type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The TLS options of a URL, and the URL without those that the driver rejects.
struct TlsOptions {
    url: String,
    verify: bool,
    root_certificate: Option<String>,
}

impl TlsOptions {
    fn parse(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut verify, mut root_certificate, mut kept) = (false, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", path)) => {
                    (verify, root_certificate) = (true, Some(path.replace("%2F", "/")));
                }
                Some(("sslmode", "verify-ca" | "verify-full")) => {
                    verify = true;
                    kept.push("sslmode=require");
                }
                Some(("sslmode", "allow")) => kept.push("sslmode=prefer"),
                _ => kept.push(pair),
            }
        }
        let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
        Self { url, verify, root_certificate }
    }

    fn connector(&self) -> Result<MakeRustlsConnect, UrlError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let config = if self.verify {
            builder.with_root_certificates(self.roots()?).with_no_client_auth()
        } else {
            let unverified = Arc::new(Unverified(provider));
            builder.dangerous().with_custom_certificate_verifier(unverified).with_no_client_auth()
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<rustls::RootCertStore, UrlError> {
        let mut roots = rustls::RootCertStore::empty();
        match &self.root_certificate {
            Some(path) => {
                for certificate in CertificateDer::pem_file_iter(path).map_err(UrlError::RootCertificate)? {
                    roots.add(certificate.map_err(UrlError::RootCertificate)?)?;
                }
            }
            None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        }
        Ok(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sslmode_decides_whether_to_verify() {
        for (mode, verify) in
            [("disable", false), ("allow", false), ("prefer", false), ("require", false), ("verify-full", true)]
        {
            let url = format!("postgres://me:secret@db.example:6543/app?sslmode={mode}");
            assert_eq!(TlsOptions::parse(&url).verify, verify, "{mode}");
            let connector = Connector::parse(&url).unwrap_or_else(|error| panic!("{mode}: {error}"));
            assert_eq!(connector.address(), "db.example:6543/app");
        }
    }

    #[test]
    fn url_may_set_the_connect_timeout() {
        for (url, seconds) in [("postgres://me@db/app", 2), ("postgres://me@db/app?connect_timeout=20", 20)] {
            let timeout = Connector::parse(url).ok().and_then(|it| it.config.get_connect_timeout().copied());
            assert_eq!(timeout, Some(Duration::from_secs(seconds)), "{url}");
        }
    }

    #[test]
    fn url_error_does_not_contain_the_url() {
        let error =
            Connector::parse("postgres://me:sesame@[oops").err().map(|it| crate::log::chain(&it)).unwrap_or_default();
        assert!(!error.is_empty() && !error.contains("sesame"), "{error}");
    }
}
