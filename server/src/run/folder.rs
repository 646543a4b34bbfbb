//! The data folder: its lock, the owner's token, and where clients of this
//! machine find the server.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::ConfigError;
use crate::db::{Db, Engine};
use crate::error::{Result, internal};
use crate::ids::Secret;
use crate::platform::{self, Others};
use crate::tenants;

const OWNER_TOKEN: &str = "owner.token";
const SERVER_FILE: &str = "server.json";
const LOCK_FILE: &str = "server.lock";

/// A data folder that is ours as long as this lives.
pub(super) struct DataFolder {
    path: PathBuf,
    /// Locked; the system lets go of it when the process ends, however.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where there is none, and takes it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let usable = "choose a folder that this user may write with --data-dir";
        platform::create_private_folder(path).with_context(|| {
            format!("the data folder {} can't be made; {usable}", path.display())
        })?;
        check_only_ours(path)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK_FILE))
            .with_context(|| {
                format!(
                    "the data folder {} can't be written; {usable}",
                    path.display()
                )
            })?;
        match lock.try_lock() {
            Ok(()) => Ok(DataFolder {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => bail!(
                "another coro-server uses the data folder {}; stop it, or choose another folder with --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} can't be locked", path.display()))
            }
        }
    }

    /// Has a tenant with an owner, and the owner's token in the folder. Says
    /// whether the tenant is new.
    ///
    /// On PostgreSQL other servers have folders of their own: the token is
    /// written by the one that made the tenant, and no other makes its own.
    pub(super) async fn ensure_owner(&self, db: &Db) -> Result<bool> {
        if tenants::list_tenants(db).await?.is_empty() {
            let name = format!("solo-{}", platform::host_name());
            if let Some(made) = tenants::create_first_tenant(db, &name).await? {
                self.write_owner_token(&made.owner_token)
                    .map_err(internal)?;
                return Ok(true);
            }
        }
        let tenants = tenants::list_tenants(db).await?;
        let missing = || internal(anyhow::anyhow!("another server's tenant is not there"));
        let tenant = tenants.first().ok_or_else(missing)?;
        let has_token = std::fs::metadata(self.owner_token_path()).is_ok_and(|file| file.len() > 0);
        if db.engine() == Engine::Sqlite && !has_token {
            let token = tenants::renew_owner_token(db, tenant).await?;
            self.write_owner_token(&token).map_err(internal)?;
            tracing::warn!("owner.token was missing or empty; another was made");
        }
        Ok(false)
    }

    pub(super) fn owner_token_path(&self) -> PathBuf {
        self.path.join(OWNER_TOKEN)
    }

    pub(super) fn write_owner_token(&self, token: &Secret) -> io::Result<()> {
        let line = format!("{}\n", token.reveal());
        platform::write_private_file(&self.owner_token_path(), line.as_bytes())
    }

    /// Says where the server listens, for clients on this machine. Without it,
    /// as on a full disk, they still find the socket: no reason not to serve.
    pub(super) fn write_server_file(&self, url: &str) {
        let path = self.path.join(SERVER_FILE);
        let content = serde_json::json!({ "url": url, "pid": std::process::id() });
        if let Err(error) = platform::write_private_file(&path, content.to_string().as_bytes()) {
            tracing::warn!(%error, "{} can't be written", path.display());
        }
    }

    pub(super) fn remove_server_file(&self) {
        let _ = std::fs::remove_file(self.path.join(SERVER_FILE));
    }
}

/// Whoever may write into the folder can put another database there, or another
/// owner.
fn check_only_ours(path: &Path) -> anyhow::Result<()> {
    match platform::who_else_writes(path)? {
        None => Ok(()),
        // Volumes of containers are made like this.
        Some(Others::Group) => {
            tracing::warn!(
                "the group of the data folder {} may write into it",
                path.display()
            );
            Ok(())
        }
        Some(Others::Everybody) => bail!(
            "everybody on this machine may write into the data folder {0}: take that away with \
             chmod 700 {0}, or choose another with --data-dir",
            path.display()
        ),
    }
}

/// Reads the files of `--tls-cert` and `--tls-key`.
pub(super) fn tls(cert: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, ConfigError> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ConfigError(format!("--tls-cert {}: {error}", cert.display())))?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| ConfigError(format!("--tls-key {}: {error}", key.display())))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| {
            let (cert, key) = (cert.display(), key.display());
            ConfigError(format!(
                "--tls-cert {cert} and --tls-key {key} don't fit: {error}"
            ))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Listens on a Unix socket that only its user may reach. A socket that an
/// earlier server left behind is replaced; anything else is left alone.
#[cfg(unix)]
pub(super) fn bind_socket(path: &Path) -> anyhow::Result<tokio::net::UnixListener> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    if let Ok(existing) = std::fs::symlink_metadata(path) {
        if !existing.file_type().is_socket() {
            bail!(
                "--socket {}: there is a file that is no socket; choose another path",
                path.display()
            );
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            bail!(
                "--socket {}: another program listens there; choose another path",
                path.display()
            );
        }
        std::fs::remove_file(path).with_context(|| format!("--socket {}", path.display()))?;
    }
    let listener = tokio::net::UnixListener::bind(path)
        .with_context(|| format!("--socket {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("--socket {}", path.display()))?;
    Ok(listener)
}
