//! The visitor's and the representative's half of a conversation, sans-IO.
