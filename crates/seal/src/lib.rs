//! Signs and verifies: the only code with keys.
