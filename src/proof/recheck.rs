//! Looks for every brand's proof on its schedule, and follows what commands change.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use portico_protocol::BrandId;

use crate::app::App;
use crate::clock;
use crate::proof::directory::REFRESH_AFTER_MS;

/// How often it is seen which brands are due, in milliseconds.
const LOOK_AFTER_MS: u64 = 30_000;
/// Most looks under way at once.
const LOOKS_MAX: usize = 8;

/// Runs until the server ends.
pub async fn run(app: Arc<App>) {
    let mut closing = app.closing.watch();
    tokio::select! {
        () = closing.begun() => {}
        () = follow_commands(&app) => {}
        () = look_when_due(&app) => {}
    }
}

/// A look can take its time; following commands must not wait for it.
async fn follow_commands(app: &App) {
    loop {
        clock::sleep_until(clock::moment() + REFRESH_AFTER_MS).await;
        if let Err(error) = app.brands.refresh().await {
            tracing::warn!(%error, "Cannot see what commands have changed about brands: {error}");
        }
    }
}

async fn look_when_due(app: &App) {
    loop {
        let due = stream::iter(app.brands.due(clock::now()));
        due.for_each_concurrent(LOOKS_MAX, |brand| look(app, brand)).await;
        clock::sleep_until(clock::moment() + LOOK_AFTER_MS).await;
    }
}

async fn look(app: &App, id: BrandId) {
    let now = clock::now();
    let before = app.brands.find(&id).map(|brand| brand.verification(now));
    match app.brands.verify(&id, &app.looker, now).await {
        Ok((brand, finding)) if before != Some(brand.verification(now)) => {
            let (state, finding) = (brand.verification(now), crate::proof::settings::describe(&finding));
            tracing::info!(brand = %id, ?state, finding, "Brand {id} is now {state:?}: {finding}");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(brand = %id, %error, "Cannot look for the proof of brand {id}: {error}"),
    }
}
