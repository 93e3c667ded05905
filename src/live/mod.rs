//! Drives one domain session per connection.
