-- Workers register here and send heartbeats. Recovery of lost jobs does not depend on this table: it uses leases.
CREATE TABLE workers (
    id          text        PRIMARY KEY,                       -- new for every start of a process
    host        text        NOT NULL,
    pid         integer     NOT NULL,
    version     text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('online', 'cordoned', 'draining')),
    queues      text[]      NOT NULL,
    kinds       text[]      NOT NULL,
    slots       integer     NOT NULL,
    busy        integer     NOT NULL,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    incarnation text        NOT NULL DEFAULT '',
    reason      text,
    actor       text,
    changed_at  timestamptz,
    stopping    boolean     NOT NULL DEFAULT false             -- its process is shutting down
);

-- Processes with a connection to this database register here, with every role. A process that runs jobs is a worker too.
CREATE TABLE processes (
    id         text        PRIMARY KEY,                        -- new for every start of a process
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    version    text        NOT NULL,
    roles      text[]      NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
