//! The database as its owners run it: failover, poolers, settings of roles and databases, and rights.

mod failover;
mod fleet;
mod poolers;
mod roles;
mod sessions;
mod upgrade;
