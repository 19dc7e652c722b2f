//! Encryption as libpq does: without verification for `sslmode=prefer` and `require`, of the chain alone for `verify-ca`, and of the
//! chain and the name for `verify-full`.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::UrlError;

/// What is verified of the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Who has signed it.
    Chain,
    /// Also whose it is.
    Full,
}

#[derive(Clone, Debug, Default)]
pub enum RootCertificates {
    /// Those of the system, where one is needed.
    #[default]
    None,
    System,
    File(String),
}

#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    pub verify: Option<Verify>,
    pub roots: RootCertificates,
    /// Files with the certificate of the client, and its key.
    pub certificate: Option<String>,
    pub key: Option<String>,
}

impl TlsOptions {
    pub fn connector(&self) -> Result<MakeRustlsConnect, UrlError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match self.verify {
            Some(Verify::Full) => builder.with_root_certificates(self.roots()?),
            Some(Verify::Chain) => {
                let full = WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), provider.clone());
                let chain = Some(full.build().map_err(|error| Error::General(error.to_string()))?);
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient { chain, provider }))
            }
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient { chain: None, provider })),
        };
        let config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let unusable = |error| UrlError::file("sslcert", certificate, error);
                let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(unusable)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| UrlError::file("sslkey", key, error))?;
                builder.with_client_auth_cert(chain, key)?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<rustls::RootCertStore, UrlError> {
        let mut roots = rustls::RootCertStore::empty();
        match &self.roots {
            RootCertificates::File(path) => {
                let unusable = |error| UrlError::file("sslrootcert", path, error);
                for certificate in CertificateDer::pem_file_iter(path).map_err(unusable)? {
                    roots.add(certificate.map_err(unusable)?)?;
                }
            }
            _ => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        }
        Ok(roots)
    }
}

/// Verifies less than everything, but always that the peer holds the key of its certificate.
#[derive(Debug)]
struct Lenient {
    /// Verifies who has signed a certificate. Without it, any certificate is accepted: a default Debian PostgreSQL has a self-signed
    /// one, and a URL without TLS options must work with it.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(full) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is verified last.
        match full.verify_server_cert(certificate, chain, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
