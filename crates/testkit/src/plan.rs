//! What goes on in a world, and how much goes wrong.

/// How big a world is and how often things break in it. Chances are per mille of the script's steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps of the script: something said, done or broken.
    pub steps: u32,
    /// Visitors, each with one conversation.
    pub visitors: usize,
    /// Devices of each visitor.
    pub devices: usize,
    /// Representatives, each with one device.
    pub representatives: usize,
    /// Server nodes over one store.
    pub nodes: usize,
    /// Tabs that a device may have at once.
    pub tabs: usize,
    /// Longest time that a frame takes, in milliseconds.
    pub delay_ms: u64,
    /// Chance that a step is a fault instead of an act.
    pub faults: u32,
    /// Chance that a bus notice is doubled, and that it is late and thereby out of order.
    pub bus_faults: u32,
    /// Whether several acts come at once, so that the outbox pipelines and rates are exceeded.
    pub bursts: bool,
}

impl Plan {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn calm() -> Self {
        Self {
            steps: 40,
            visitors: 1,
            devices: 2,
            representatives: 1,
            nodes: 1,
            tabs: 1,
            delay_ms: 40,
            faults: 0,
            bus_faults: 0,
            bursts: false,
        }
    }

    /// Everything goes wrong that can, in a shape that `seed` decides.
    #[must_use]
    pub const fn stormy(seed: u64) -> Self {
        Self {
            steps: 30 + (seed % 50) as u32,
            visitors: 1 + (seed % 2) as usize,
            devices: 1 + (seed / 2 % 3) as usize,
            representatives: 1 + (seed / 3 % 2) as usize,
            nodes: 1 + (seed / 5 % 2) as usize,
            tabs: 1 + (seed / 7 % 3) as usize,
            delay_ms: [5, 80, 600, 4_000][(seed / 11 % 4) as usize],
            faults: [60, 200, 400][(seed / 13 % 3) as usize],
            bus_faults: [0, 100, 400][(seed / 17 % 3) as usize],
            bursts: seed.is_multiple_of(3),
        }
    }
}
