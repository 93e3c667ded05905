//! Brands of this machine, for demos and development: really verified, by the same code and the same kind of
//! proof as every other brand, only that the domain is a name below `localhost` and its web server is asked by
//! plain HTTP on this machine.
//!
//! It takes three steps, with `development` on in the configuration:
//!
//! 1. [`ensure_brand`] with a domain such as `shop.localhost:7421`, which is where the demo shop listens;
//! 2. the shop serves [`crate::proof::brand::ChallengeFile`], from [`crate::proof::Brand::challenge_file`];
//! 3. [`BrandDirectory::verify`] asks the shop and finds it. The server does that by itself when it starts.
//!
//! A server without `development` finds no proof for such a name, whatever is in its database.

use std::sync::Arc;

use portico_protocol::{BrandId, Timestamp};
use rand::CryptoRng;

use crate::proof::directory::ChangeError;
use crate::proof::settings::Profile;
use crate::proof::{Brand, BrandDirectory};

/// The brand `id` with exactly this profile: added where it is not there, changed where it differs.
///
/// # Errors
/// The profile is not allowed, or it could not be stored.
pub async fn ensure_brand(
    directory: &BrandDirectory,
    id: &BrandId,
    profile: Profile,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Arc<Brand>, ChangeError> {
    match directory.find(id) {
        None => directory.add(id, profile, now, rng).await,
        Some(brand) if brand.settings.profile == profile => Ok(brand),
        Some(_) => directory.set_profile(id, profile, now, rng).await,
    }
}
