//! The database of Provost: why it cannot be used, and how its sessions are shared.

use super::string_enum;

string_enum! {
    /// Why the database cannot be used now. Accepted work is never lost by it.
    Outage {
        /// No server accepts a connection, or the one in use stopped answering.
        NoConnection = "no_connection",
        /// The server, the database or the role allows no more connections.
        TooManyConnections = "too_many_connections",
        /// The login is refused, or the database does not exist.
        LoginRefused = "login_refused",
        /// The server is a standby, or its sessions are read-only by default.
        ReadOnly = "read_only",
        /// The disk of the server is full.
        StorageFull = "storage_full",
        /// Statements are given up without an answer, for example because a synchronous standby is gone.
        Unresponsive = "unresponsive",
        /// A setting of the role or the database makes sessions unusable.
        WrongSettings = "wrong_settings",
        /// The role lacks a right.
        MissingPrivilege = "missing_privilege",
        /// The tables of Provost are not there.
        SchemaMissing = "schema_missing",
    }
}

impl Outage {
    /// What is the case, and what to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NoConnection => "The database is not responding. Check that its server runs and can be reached.",
            Self::TooManyConnections => {
                "The database allows no more connections. Raise max_connections or the CONNECTION LIMIT of the role, or lower PROVOST_DATABASE_POOL."
            }
            Self::LoginRefused => "The database refuses the login. Check user, password and database in DATABASE_URL.",
            Self::ReadOnly => {
                "The database accepts no writes. Check that DATABASE_URL leads to the primary server, and that default_transaction_read_only is off."
            }
            Self::Unresponsive => {
                "The database answers questions, but changes do not end. Check its locks, its disk and its synchronous standbys."
            }
            Self::WrongSettings => {
                "Sessions of the database skip triggers. Reset session_replication_role of the role and of the database."
            }
            Self::StorageFull => "The disk of the database server is full. Free space there.",
            Self::MissingPrivilege => {
                "The role of DATABASE_URL lacks a right. Grant it as the owner of the schema, with: provost migrate --grant ROLE."
            }
            Self::SchemaMissing => "The database has no schema of Provost. Create it with: provost migrate.",
        }
    }
}

string_enum! {
    /// How the sessions of the database are shared.
    Pooling {
        /// As each connection shows.
        Auto = "auto",
        /// A session belongs to one connection until its end.
        Session = "session",
        /// Each transaction may run in another session.
        Transaction = "transaction",
    }
}
