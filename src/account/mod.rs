//! Representatives' accounts: passwords, sign-in, sessions.
//!
//! `http/studio.rs` speaks HTTP; here are the rules it follows, free of sockets and clocks.

pub mod device;
pub mod password;
pub mod throttle;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use portico_protocol::limit::DISPLAY_NAME_CHARS_MAX;
use portico_protocol::{BrandId, Moment, ParticipantId, Timestamp};
use portico_store::{RepresentativeRecord, SaveError, Store, StoreError};
use rand::{CryptoRng, RngExt as _};
use tokio::sync::Semaphore;

use crate::http::problem::ApiError;

pub use password::{PasswordHash, PasswordRefused};
pub use throttle::{Attempt, SignInThrottle};

/// Passwords that are checked at the same time: each takes 19 MiB and a core for about 20 ms.
const CHECKS_AT_ONCE: usize = 2;
/// Passwords that wait for a check or are in one; who comes then is asked to come back.
const CHECKS_MAX: usize = 64;

/// What signing in needs of one process.
#[derive(Debug)]
pub struct Accounts {
    throttle: Mutex<SignInThrottle>,
    admitted: Semaphore,
    running: Semaphore,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            throttle: Mutex::default(),
            admitted: Semaphore::new(CHECKS_MAX),
            running: Semaphore::new(CHECKS_AT_ONCE),
        }
    }
}

impl Accounts {
    /// Lets an attempt to sign in begin; see [`SignInThrottle::begin`].
    ///
    /// # Errors
    /// Too many attempts: the problem says how long to wait.
    pub fn begin(&self, now: Moment, email: &str, address: IpAddr) -> Result<Attempt, ApiError> {
        self.throttle().begin(now, email, address).map_err(ApiError::too_many_requests)
    }

    /// The attempt succeeded.
    pub fn forgive(&self, attempt: &Attempt) {
        self.throttle().forgive(attempt);
    }

    /// Checks a password off the runtime's threads; see [`password::verify`].
    ///
    /// # Errors
    /// Too many are being checked.
    pub async fn verify(&self, password: String, stored: Option<PasswordHash>) -> Result<bool, ApiError> {
        let busy = || ApiError::unavailable("Too many people are signing in", 1_000);
        let _admitted = self.admitted.try_acquire().map_err(|_| busy())?;
        let _running = self.running.acquire().await.map_err(|_| busy())?;
        let check = tokio::task::spawn_blocking(move || password::verify(&password, stored.as_ref()));
        check.await.map_err(|panicked| ApiError::internal(&panicked))
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, SignInThrottle> {
        // Counts that a panic left half-done are still counts.
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who shall answer for a brand.
#[derive(Clone)]
pub struct NewAccount {
    /// For which brand.
    pub brand: BrandId,
    /// The address to sign in with.
    pub email: String,
    /// The name that visitors see.
    pub display_name: String,
    /// The first password.
    pub password: String,
}

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The address is none.
    #[error("{0}")]
    Email(&'static str),
    /// The name is empty or too long.
    #[error("a name has 1 to {DISPLAY_NAME_CHARS_MAX} characters")]
    Name,
    /// The password is too short or too long.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The address is in use on this server.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewAccount {
    /// Makes the account.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn create(
        self,
        store: &Store,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<RepresentativeRecord, AccountError> {
        let display_name = self.display_name.trim().to_owned();
        if display_name.is_empty() || display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
            return Err(AccountError::Name);
        }
        let account = RepresentativeRecord {
            id: ParticipantId::new(now, rng.random()),
            brand: self.brand,
            email: normalize_email(&self.email).map_err(AccountError::Email)?,
            password_hash: PasswordHash::of(&self.password, rng.random())?.as_str().to_owned(),
            display_name,
            created_at: now,
            disabled_at: None,
        };
        store.representatives().create(&account).await?;
        Ok(account)
    }
}

/// Gives an account a new password and ends all its sessions: whoever knew the old one is out.
///
/// # Errors
/// See [`AccountError`].
pub async fn reset_password(
    store: &Store,
    account: ParticipantId,
    password: &str,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), AccountError> {
    let hash = PasswordHash::of(password, rng.random())?;
    store.representatives().set_password_hash(account, hash.as_str()).await?;
    store.sessions().revoke_all(account, now).await?;
    Ok(())
}

/// Forbids an account to sign in and ends all its sessions.
///
/// # Errors
/// It could not be stored.
pub async fn disable(store: &Store, account: ParticipantId, now: Timestamp) -> Result<(), StoreError> {
    store.representatives().set_disabled(account, Some(now)).await?;
    store.sessions().revoke_all(account, now).await?;
    Ok(())
}

/// An account's address as it is stored and compared: without outer blanks, in lower case.
///
/// # Errors
/// What is wrong with it, in words for the person who typed it.
pub fn normalize_email(email: &str) -> Result<String, &'static str> {
    let email = email.trim().to_lowercase();
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Err("an e-mail address has an @");
    };
    if email.len() > EMAIL_BYTES_MAX {
        return Err("an e-mail address has at most 254 bytes");
    }
    if local.is_empty()
        || domain.is_empty()
        || email.contains(|char: char| char.is_whitespace() || char.is_control())
    {
        return Err("an e-mail address has a name before and a domain after its @, and no blanks");
    }
    Ok(email)
}

/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_without_case_and_outer_blanks() {
        assert_eq!(normalize_email("  Ada@Lumen.Example "), Ok("ada@lumen.example".into()));
        for refused in
            ["", "ada", "@lumen.example", "ada@", "a da@lumen.example", &format!("{}@b", "a".repeat(254))]
        {
            assert!(normalize_email(refused).is_err(), "{refused:?} was accepted");
        }
    }
}
