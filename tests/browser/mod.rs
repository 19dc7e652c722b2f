//! The dashboard in a real Chromium, with a real server and a real PostgreSQL.

mod accessible;
mod bulk;
mod dead_letters;
mod flows;
mod hostile;
mod hostile_work;
mod jobs;
mod keyboard;
mod life;
mod limits;
mod list;
mod live;
mod outages;
mod pages;
mod plain;
mod plain_work;
mod queues;
mod schedules;
mod settings;
mod sign_in;
pub mod weight;
mod work;
mod workers;
mod workflows;
mod workflows_for_all;
