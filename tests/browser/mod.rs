//! The dashboard as people meet it: a real Chromium, a real server, a real PostgreSQL.

mod accessible;
mod dark_nights;
mod hostile;
mod keyboard;
mod life;
mod list;
mod live;
mod pages;
mod pictures;
mod plain;
mod settings;
mod sign_in;
