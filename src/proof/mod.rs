//! Proofs of brands: their keys and cards, and the looks at their domains on which both rest.
//!
//! [`directory::BrandDirectory`] is what the other rooms use. It knows every brand of the server, signs cards
//! and manifests, and says which hosts may hold a brand's chat. [`look::Looker`] asks the outside world,
//! [`recheck`] does so on a schedule, and `portico_domain::brand` decides what the answers mean.

pub mod address;
pub mod brand;
pub mod check;
pub mod development;
pub mod directory;
pub mod dns;
pub mod fetch;
pub mod logo;
pub mod look;
pub mod name;
pub mod recheck;
pub mod settings;
pub mod vault;
pub mod vector;

pub use brand::Brand;
pub use directory::BrandDirectory;
