//! Builders and the seeded world in which both halves meet.
