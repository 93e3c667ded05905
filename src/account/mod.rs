//! Representatives' accounts: passwords, sign-in, sessions.
//!
//! `http/studio.rs` speaks HTTP; here are the rules it follows, free of sockets and clocks.

pub mod device;
pub mod password;
pub mod throttle;

pub use password::{PasswordHash, PasswordRefused};
pub use throttle::SignInThrottle;

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
