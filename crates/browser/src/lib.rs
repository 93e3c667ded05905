//! Drives the client core in a browser.
