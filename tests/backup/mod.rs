//! Copies of the database: publications, dumps, base backups and replicas.

mod identity;
