//! Forged tokens, manifests and vouchers: nothing that was not signed is ever believed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portico_protocol::Timestamp;
use portico_seal::challenge::date;
use portico_seal::{
    ChallengeRecord, ChallengeToken, IdentityKeys, KeyAuthorization, OpenManifest, PublicKey, SessionSecret,
    SigningKey, jws, verify_identity,
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&[7; 32]));

fuzz_target!(|text: &str| {
    let public: PublicKey = KEY.public();
    let now = Timestamp::from_millis(1_795_392_000_000);
    assert!(jws::verify(&[public.clone()], "portico-card+jwt", text).is_err(), "a forged token was believed");
    let keys = IdentityKeys { secret: None, public: vec![public] };
    assert!(
        verify_identity(&keys, "chat.lumen.example", text, now).is_err(),
        "a forged identity was believed"
    );
    let _ = OpenManifest::open(text, now);
    let _ = (SessionSecret::parse(text), date::parse(text));
    let _ =
        (text.parse::<ChallengeRecord>(), text.parse::<ChallengeToken>(), text.parse::<KeyAuthorization>());
});
