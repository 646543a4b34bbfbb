//! Makes connections to PostgreSQL, and says what its errors mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Socket};

use super::connection::PostgresConnection;
use crate::clock::{Clock, Time};
use crate::db::connection::STATEMENT_TIMEOUT;
use crate::error::{Error, Reason, Result, unavailable};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) type Driver = tokio_postgres::Connection<
    Socket,
    <tokio_postgres_rustls::MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream,
>;

/// Makes connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    config: tokio_postgres::Config,
    tls: tokio_postgres_rustls::MakeRustlsConnect,
    clock: Clock,
    /// Microseconds that the database's clock is ahead of ours.
    pub(super) skew: Arc<AtomicI64>,
    pub(super) runtime: Handle,
    #[cfg(feature = "testing")]
    pub(super) faults: crate::testing::Faults,
}

impl Connector {
    pub(super) fn new(url: &str, clock: Clock) -> Result<Self> {
        let mut config = parse_url(url).map_err(|message| Error::new(Reason::Invalid, message))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("coro-server");
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Connector {
            config,
            tls: tokio_postgres_rustls::MakeRustlsConnect::new(tls),
            clock,
            skew: Arc::default(),
            runtime: Handle::current(),
            #[cfg(feature = "testing")]
            faults: crate::testing::Faults::default(),
        })
    }

    pub(super) async fn connect(&self) -> Result<(Client, Driver)> {
        let connecting = self.config.connect(self.tls.clone());
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) => Err(unavailable("the database can't be reached")
                .hint("check --database-url and that PostgreSQL runs; repeat the request then")
                .source(error)
                .from_database()),
            Err(_) => Err(
                unavailable("the database can't be reached: connecting took too long")
                    .from_database(),
            ),
        }
    }

    pub(super) async fn client(&self) -> Result<Client> {
        let (client, driver) = self.connect().await?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a database connection ended");
            }
        });
        let limits = format!(
            "SET statement_timeout = {0}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = {0}; SET synchronous_commit = on; \
             SET client_min_messages = warning",
            STATEMENT_TIMEOUT.as_millis()
        );
        client
            .batch_execute(&limits)
            .await
            .map_err(|error| fault(&error))?;
        Ok(client)
    }

    /// The database's time, as far as a batch has told.
    pub(super) fn now(&self) -> Time {
        Time(self.clock.now().0 + self.skew.load(Ordering::Relaxed))
    }

    pub(super) fn connection(&self) -> PostgresConnection {
        PostgresConnection::new(self.clone())
    }
}

/// The URL may hold a password: it is not repeated.
pub(super) fn parse_url(url: &str) -> Result<tokio_postgres::Config, String> {
    url.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map_or(String::new(), |why| format!(": {why}"));
        format!("--database-url is not understood{why}; it takes postgres://user@host/name")
    })
}

/// What an error of PostgreSQL means for the caller.
pub(super) fn fault(error: &tokio_postgres::Error) -> Error {
    let source = anyhow::anyhow!("{error}: {:?}", error.as_db_error().map(|db| db.message()));
    let code = error.code().map(|code| code.code());
    let fault = match code.map(|code| &code[..2]) {
        Some("53") => Error::new(
            Reason::StorageFull,
            "the database has no space left; nothing was changed",
        )
        .hint("free space for PostgreSQL and repeat the request"),
        // Shutdown, cancelled by a time-out, a lost connection.
        Some("57" | "08") => unavailable("the database does not answer; nothing was changed")
            .hint("repeat the request after the seconds that Retry-After names"),
        Some(_) if code == Some("55P03") => {
            unavailable("another write of the tenant hangs; nothing was changed")
                .hint("repeat the request after the seconds that Retry-After names")
        }
        None => unavailable("the connection to the database broke; nothing was changed")
            .hint("repeat the request after the seconds that Retry-After names"),
        Some(_) => Error::new(Reason::Internal, "internal error"),
    };
    fault.source(source).from_database()
}
