-- Lanes: which combinations of queue, priority, kind and tenant may have waiting jobs, and since when.
--
-- A claim visits only these lanes and starts at `since`. It therefore reads no empty queues, and skips index entries of jobs
-- that left long ago but cannot be vacuumed while some session holds an old snapshot. Scheduled jobs cost nothing before they
-- are due.
--
-- Every statement that makes a job claimable needs an open row that covers it; triggers on `jobs` insert one if it is
-- missing. Producers never update a row, so they never block each other. The sweeper (lanes/sweep) moves rows forward: it
-- closes a row, waits until every transaction that may have relied on it has ended, and only then reads what is left in the
-- lane. This is the grace period of read-copy-update, with transactions as readers.
CREATE TABLE lanes (
    queue      text        NOT NULL,
    priority   smallint    NOT NULL,
    kind       text        NOT NULL,
    tenant     text        NOT NULL,
    since      timestamptz NOT NULL,
    is_open    boolean     NOT NULL DEFAULT true,
    closed_by  xid8,                                           -- once this and all earlier transactions end, no transaction relies on the row
    id         bigint      GENERATED ALWAYS AS IDENTITY,       -- two transactions may open the same lane at the same time
    PRIMARY KEY (queue, priority, kind, tenant, since, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
