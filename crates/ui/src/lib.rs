//! Views shared by widget and studio.
