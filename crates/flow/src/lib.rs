//! Rule bots written as TOML files, sans-IO.
