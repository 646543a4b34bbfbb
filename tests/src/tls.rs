//! TLS with the certificate of `tests/data/tls`, which only tests trust.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::scripts::repository;

/// A file of the certificate's folder.
pub fn tls_file(name: &str) -> PathBuf {
    repository().join("tests/data/tls").join(name)
}

/// Of clients that call over HTTP.
pub(crate) fn for_requests() -> TlsConfig {
    static CONFIG: LazyLock<TlsConfig> = LazyLock::new(|| {
        let pem = std::fs::read(tls_file("cert.pem")).expect("the certificate");
        let certificate = Certificate::from_pem(&pem).expect("PEM");
        let roots = RootCerts::new_with_certs(&[certificate]);
        TlsConfig::builder().root_certs(roots).build()
    });
    CONFIG.clone()
}

/// A connection that begins with a handshake at its first use.
pub(crate) fn over(stream: TcpStream, host: &str) -> StreamOwned<ClientConnection, TcpStream> {
    static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let certificate = CertificateDer::from_pem_file(tls_file("cert.pem")).expect("PEM");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions of the provider");
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    });
    let name = ServerName::try_from(host.to_owned()).expect("a host");
    let connection = ClientConnection::new(CONFIG.clone(), name).expect("a configuration");
    StreamOwned::new(connection, stream)
}
