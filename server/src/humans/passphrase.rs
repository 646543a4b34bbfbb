//! Hashing passphrases: slow on purpose, so on threads that may block, and one
//! at a time, so that many tries at once take neither memory nor processors.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use coro_api::humans::Passphrase;
use coro_api::limits::PASSPHRASE_CHARS;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::Caller;
use crate::auth::limiter::Limiter;
use crate::clock::Clock;
use crate::error::{Error, Reason, Result, internal, invalid, unavailable};
use crate::ids::salt;

/// Wrong passphrases and passkeys that a token may send in [`WINDOW_SECONDS`].
const WRONG_OF_TOKEN_MAX: u32 = 5;

/// As [`WRONG_OF_TOKEN_MAX`], for all tokens of a tenant together. More, so that
/// one token alone keeps nobody else from deciding.
const WRONG_OF_TENANT_MAX: u32 = 25;

/// How long wrong passphrases and passkeys are counted together.
const WINDOW_SECONDS: i64 = 5 * 60;

/// How long a try waits for those before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// Who may try a passphrase or passkey now.
pub struct Tries {
    wrong_of_token: Limiter,
    wrong_of_tenant: Limiter,
    turn: Semaphore,
}

impl Tries {
    pub fn new(clock: Clock) -> Tries {
        let limiter = |most| Limiter::with_window(clock.clone(), most, WINDOW_SECONDS);
        Tries {
            wrong_of_token: limiter(WRONG_OF_TOKEN_MAX),
            wrong_of_tenant: limiter(WRONG_OF_TENANT_MAX),
            turn: Semaphore::new(1),
        }
    }

    /// Whether it is the passphrase that was stored. Beyond a few wrong ones of
    /// its token, or more of the whole tenant, the caller may not try for a
    /// while, with the right one neither.
    pub(super) async fn matches(
        &self,
        caller: &Caller,
        tried: &Passphrase,
        stored: &str,
    ) -> Result<bool> {
        let _turn = self.turn().await?;
        self.check(caller)?;
        let (tried, stored) = (tried.clone(), stored.to_owned());
        let is_right = blocking(move || {
            let stored = PasswordHash::new(&stored)
                .map_err(|error| internal(anyhow::anyhow!("a stored passphrase: {error}")))?;
            let verified = Argon2::default().verify_password(tried.reveal().as_bytes(), &stored);
            Ok(verified.is_ok())
        })
        .await?;
        if !is_right {
            self.count_wrong(caller);
        }
        Ok(is_right)
    }

    /// Whether the caller may try now.
    pub(super) fn check(&self, caller: &Caller) -> Result<()> {
        let of_token = self.wrong_of_token.check(&token_key(caller));
        let of_tenant = self.wrong_of_tenant.check(caller.tenant.as_str());
        of_token.and(of_tenant).map_err(too_many)
    }

    pub(super) fn count_wrong(&self, caller: &Caller) {
        // The next check refuses where this was one too many.
        let _ = self.wrong_of_token.count(&token_key(caller));
        let _ = self.wrong_of_tenant.count(caller.tenant.as_str());
    }

    /// What is stored of a new passphrase.
    pub(super) async fn hash(&self, new: &Passphrase) -> Result<String> {
        let _turn = self.turn().await?;
        hash(new).await
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.turn.acquire()).await;
        let busy = || unavailable("too many passphrases are tried at once");
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }
}

fn token_key(caller: &Caller) -> String {
    format!("{}/{}", caller.tenant.as_str(), caller.token_id)
}

/// As [`Tries::hash`], where nobody else tries.
pub(super) async fn hash(new: &Passphrase) -> Result<String> {
    let new = new.clone();
    blocking(move || {
        let salt = salt().map_err(internal)?;
        Argon2::default()
            .hash_password_with_salt(new.reveal().as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|error| internal(anyhow::anyhow!("a passphrase: {error}")))
    })
    .await
}

/// Whether a passphrase may be set.
pub(super) fn check_new(passphrase: &Passphrase) -> Result<()> {
    let length = passphrase.reveal().chars().count();
    if PASSPHRASE_CHARS.contains(&length) {
        return Ok(());
    }
    let (least, most) = PASSPHRASE_CHARS.into_inner();
    Err(invalid(format!(
        "the passphrase has {length} characters; it takes {least} to {most}"
    ))
    .hint("take a few words that nobody would guess"))
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

fn too_many(seconds: u64) -> Error {
    Error::new(
        Reason::RateLimited,
        format!("too many wrong passphrases or passkeys; wait {seconds} seconds"),
    )
    .retry_after(seconds)
}
