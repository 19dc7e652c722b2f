-- Workers elsewhere: what was delivered to them, and what work wrote while it ran.

-- A dequeue says which request it is. The ids of the executions that it may begin are kept under that before anything is claimed,
-- so that the same request again is answered with the same executions, whatever became of the first answer.
CREATE TABLE deliveries (
    worker_id  text        NOT NULL,
    request_id text        NOT NULL,
    executions uuid[]      NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (worker_id, request_id)
);
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- The lines that executions wrote, in the order of their ids. Whoever appends sees to it that no execution writes without end.
CREATE TABLE execution_logs (
    id           bigint      GENERATED ALWAYS AS IDENTITY,
    execution_id uuid        NOT NULL,
    job_id       uuid        NOT NULL,
    at           timestamptz NOT NULL,
    stream       text        NOT NULL CONSTRAINT stream_is_a_word CHECK (stream ~ '^[a-z]{1,16}$'),
    line         text        NOT NULL CONSTRAINT line_is_bounded CHECK (octet_length(line) <= 8192),
    PRIMARY KEY (execution_id, id)
);
CREATE INDEX execution_logs_of_job ON execution_logs (job_id, id);
CREATE INDEX execution_logs_by_age ON execution_logs USING brin (at);

INSERT INTO retention (class) VALUES ('logs');
