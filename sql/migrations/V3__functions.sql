-- What an application may call inside its own transaction, and what HTTP calls too: one path into the queue.
--
--   SELECT provost.enqueue('email.send', '{"recipient": "a@example.org"}', queue => 'critical');
--   SELECT provost.create_project('acme', labels => '{"env": "prod"}');
--   SELECT provost.retry_project('0190…', reason => 'the quota was raised');
--   SELECT provost.delete_project('0190…');
--
-- Refusals are exceptions with codes of our own: PV001 the queue is draining, PV002 an idempotency key was used for
-- something else, PV003 not possible in this state, PV004 there is no such thing.

-- A UUIDv7, for what is born in SQL: 48 bits of milliseconds, the version, and dice.
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
SELECT encode(set_bit(set_bit(overlay(
    uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
), 52, 1), 53, 1), 'hex')::uuid
$$;

-- The least UUIDv7 of a moment: finds the beginning of a window by a primary key that carries its time.
CREATE FUNCTION first_uuid_v7(at timestamptz) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
SELECT (lpad(to_hex(greatest((extract(epoch FROM at) * 1000)::bigint, 0)), 12, '0') || '70008000000000000000')::uuid
$$;

-- Since when has the head of a queue been due? Hops from line to line like the claim does.
CREATE FUNCTION oldest_due(queue text) RETURNS timestamptz STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH RECURSIVE lines AS (
    (SELECT j.priority, j.kind, j.tenant FROM jobs j
     WHERE j.queue = oldest_due.queue AND j.state IN ('queued', 'scheduled', 'retrying')
     ORDER BY j.queue, j.priority, j.kind, j.tenant LIMIT 1)
    UNION ALL
    SELECT further.* FROM lines CROSS JOIN LATERAL (
        SELECT j.priority, j.kind, j.tenant FROM jobs j
        WHERE j.queue = oldest_due.queue AND (j.priority, j.kind, j.tenant) > (lines.priority, lines.kind, lines.tenant)
          AND j.state IN ('queued', 'scheduled', 'retrying')
        ORDER BY j.queue, j.priority, j.kind, j.tenant LIMIT 1
    ) AS further
)
SELECT min(head.run_at) FROM lines CROSS JOIN LATERAL (
    SELECT j.run_at FROM jobs j
    WHERE j.queue = oldest_due.queue AND (j.priority, j.kind, j.tenant) = (lines.priority, lines.kind, lines.tenant)
      AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at <= clock_timestamp()
    ORDER BY j.run_at LIMIT 1
) AS head
$$;

-- What a job is made from. The payload is text, so that it stays as it is, byte for byte.
CREATE TYPE new_job AS (
    id uuid, kind text, queue text, tenant text, tags text[], priority smallint, payload text, run_at timestamptz, delay_s double precision,
    max_attempts integer, timeout_s double precision, deadline_at timestamptz, backoff text, origin_id uuid, schema_version integer,
    idempotency_key text, request_hash text, window_s double precision
);

-- Enqueues jobs: all of them, or none. A job with an idempotency key that was noted before is not enqueued again; the
-- answer is then the job that is there (`is_new` is false). Follow-ups (those with `origin`) are taken by a draining
-- queue too: they belong to work that it took.
CREATE FUNCTION enqueue_jobs(wanted json, actor text, request_id text, ring boolean, origin uuid DEFAULT NULL)
RETURNS TABLE (place bigint, job_id uuid, is_new boolean, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at    timestamptz := clock_timestamp();
    asked new_job[]   := ARRAY(SELECT w FROM json_populate_recordset(NULL::new_job, wanted) AS w);
    shut  text;
BEGIN
    SELECT q.name INTO shut FROM unnest(asked) AS w JOIN queues q ON q.name = coalesce(w.queue, 'default')
    WHERE q.state = 'draining' AND origin IS NULL LIMIT 1;
    IF shut IS NOT NULL THEN
        RAISE EXCEPTION 'the queue % is draining and takes no new jobs', shut USING ERRCODE = 'PV001';
    END IF;

    IF EXISTS (SELECT FROM unnest(asked) AS w WHERE w.idempotency_key IS NOT NULL) THEN
        -- In order of the key, so that two that share keys never wait for each other. Whoever comes second waits for
        -- the first (the update that changes nothing locks the row), and then finds its job: with the eyes of the next
        -- statement, because this one's snapshot is older than the wait.
        INSERT INTO job_keys (tenant, kind, key, job_id, request_hash, expires_at)
        SELECT coalesce(w.tenant, 'default'), w.kind, w.idempotency_key, w.id, coalesce(w.request_hash, ''),
               at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(asked) AS w WHERE w.idempotency_key IS NOT NULL ORDER BY 1, 2, 3
        ON CONFLICT (tenant, kind, key) DO UPDATE SET job_id = job_keys.job_id WHERE false;

        -- A key is free again when its window is over, or its job is gone.
        UPDATE job_keys k
        SET job_id = w.id, request_hash = coalesce(w.request_hash, ''), expires_at = at + coalesce(w.window_s, 900) * interval '1 second'
        FROM unnest(asked) AS w
        WHERE (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key) AND k.job_id <> w.id
          AND (k.expires_at <= clock_timestamp() OR NOT EXISTS (SELECT FROM jobs j WHERE j.id = k.job_id));

        IF EXISTS (SELECT FROM unnest(asked) AS w
                   JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
                   WHERE k.job_id <> w.id AND k.request_hash <> coalesce(w.request_hash, '')) THEN
            RAISE EXCEPTION 'this idempotency key was used before for something else' USING ERRCODE = 'PV002';
        END IF;
    END IF;

    RETURN QUERY
    WITH judged AS (
        SELECT w.*, coalesce(k.job_id, w.id) AS holder
        FROM unnest(asked) WITH ORDINALITY AS w (
            id, kind, queue, tenant, tags, priority, payload, run_at, delay_s, max_attempts, timeout_s, deadline_at, backoff, origin_id,
            schema_version, idempotency_key, request_hash, window_s, place)
        LEFT JOIN job_keys k ON (k.tenant, k.kind, k.key) = (coalesce(w.tenant, 'default'), w.kind, w.idempotency_key)
    ), born AS (
        INSERT INTO jobs (id, state, kind, queue, tenant, tags, priority, run_at, payload, max_attempts, timeout, deadline_at,
                          backoff, origin_id, schema_version, idempotency_key, created_at, updated_at)
        SELECT id, CASE WHEN due > at THEN 'scheduled' ELSE 'queued' END, kind, coalesce(queue, 'default'), coalesce(tenant, 'default'),
               coalesce(tags, '{}'), coalesce(priority, 5), due, coalesce(payload, '{}')::json, coalesce(max_attempts, 3), timeout_s,
               deadline_at, backoff, coalesce(origin, origin_id), schema_version, idempotency_key, at, at
        FROM judged CROSS JOIN LATERAL (
            SELECT greatest(coalesce(run_at, at + delay_s * interval '1 second', at), at)) AS t (due)
        WHERE holder = id
        ORDER BY place
        RETURNING id, state, queue
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'job', id, 'none', state, actor, id, request_id, at FROM born ORDER BY id
    ), rang AS (
        SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM born) AS q WHERE ring
    )
    SELECT judged.place, judged.holder, judged.holder = judged.id, (SELECT count(*) FROM rang) FROM judged ORDER BY 1;
END $$;

CREATE FUNCTION is_name(text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT $1 ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$' $$;

-- One job, as an application asks for it. Answers with its id. What HTTP would refuse is refused here too.
CREATE FUNCTION enqueue(
    kind text, payload json DEFAULT '{}', queue text DEFAULT 'default', priority integer DEFAULT 5, run_at timestamptz DEFAULT NULL,
    delay interval DEFAULT NULL, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL, tenant text DEFAULT 'default',
    tags text[] DEFAULT '{}', idempotency_key text DEFAULT NULL, idempotency_window interval DEFAULT '15 minutes',
    backoff text DEFAULT NULL, deadline_at timestamptz DEFAULT NULL, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    a_name CONSTANT text := 'must have 1 to 128 characters out of A-Z a-z 0-9 . _ : / - and begin with a letter or digit';
    a_wait CONSTANT text := '[0-9]{1,7}(\.[0-9]+)?';
    wrong  text := CASE
        WHEN is_name(kind) IS NOT TRUE THEN 'kind ' || a_name
        WHEN NOT is_name(coalesce(queue, 'default')) THEN 'queue ' || a_name
        WHEN NOT is_name(coalesce(tenant, 'default')) THEN 'tenant ' || a_name
        WHEN NOT coalesce(priority, 5) BETWEEN 0 AND 9 THEN 'priority must be a whole number from 0 to 9; 9 is served first'
        WHEN NOT coalesce(max_attempts, 3) BETWEEN 1 AND 100 THEN 'max_attempts must be a whole number from 1 to 100'
        WHEN NOT (timeout > interval '0' AND timeout <= interval '30 days') THEN 'timeout must be longer than nothing and at most 30 days'
        WHEN run_at IS NOT NULL AND delay IS NOT NULL THEN 'delay cannot be given together with run_at'
        WHEN NOT delay BETWEEN interval '0' AND interval '360 days' THEN 'delay must be at most 360 days'
        WHEN octet_length(payload::text) > 262144 THEN 'payload must have at most 262144 bytes'
        WHEN cardinality(tags) > 32 OR EXISTS (SELECT FROM unnest(tags) AS tag WHERE (tag ~ '^[^[:cntrl:]]{1,64}$') IS NOT TRUE)
            THEN 'tags must be at most 32 words of 1 to 64 visible characters'
        WHEN idempotency_key !~ '^[^[:cntrl:]]{1,255}$' THEN 'idempotency_key must have 1 to 255 visible characters'
        WHEN NOT (idempotency_window > interval '0' AND idempotency_window <= interval '30 days')
            THEN 'idempotency_window must be longer than nothing and at most 30 days'
        WHEN backoff !~ format('^(exponential|linear|fixed) %s %s (full|none)$', a_wait, a_wait)
            THEN 'backoff must be a strategy, a base and a longest wait in seconds, and full or none for jitter, like: fixed 10 60 none'
    END;
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The payload is kept as the text that it is; this only makes sure that whoever reads it can: U+0000, for one, nobody can.
    PERFORM payload::jsonb;
    RETURN (SELECT e.job_id FROM enqueue_jobs(json_build_array(json_build_object(
        'id', uuid_v7(), 'kind', kind, 'queue', queue, 'tenant', tenant, 'tags', tags, 'priority', priority, 'payload', payload::text,
        'run_at', run_at, 'delay_s', extract(epoch FROM delay), 'max_attempts', max_attempts, 'timeout_s', extract(epoch FROM timeout),
        'deadline_at', deadline_at, 'backoff', backoff, 'idempotency_key', idempotency_key,
        'request_hash', md5(concat_ws(chr(31), payload::text, queue, priority)), 'window_s', extract(epoch FROM idempotency_window)
    )), actor, NULL, true) AS e);
END $$;

-- I want a project: the row, its first job, both births in the record, and the bell.
--
-- With a key: whoever holds the advisory lock is creating under this key right now (`is_open` is false: in flight).
-- A key that is already noted is answered with its project (`seen_project_id`). When another request noted the key
-- between the snapshot and the lock, neither comes back, and asking again tells.
CREATE FUNCTION ask_for_project(
    new_id uuid, new_job_id uuid, name text, template text, parameters text, labels text, deadline double precision, max_attempts integer,
    actor text, request_id text, ring boolean, key text, hash text
) RETURNS TABLE (
    is_open boolean, seen_project_id uuid, seen_hash text,
    id uuid, status text, error_reason text, version bigint, requested_at timestamptz, deadline_at timestamptz,
    created_at timestamptz, updated_at timestamptz, rung bigint
) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM refuse_draining('default');
    RETURN QUERY
    WITH door AS MATERIALIZED (
        SELECT ask_for_project.key IS NULL
               OR pg_try_advisory_xact_lock(hashtextextended('provost idempotency ' || ask_for_project.key, 0)) AS is_open
    ), seen AS MATERIALIZED (
        SELECT k.project_id, k.request_hash FROM idempotency_keys k WHERE k.key = ask_for_project.key
    ), noted AS (
        INSERT INTO idempotency_keys (key, request_hash, project_id)
        SELECT ask_for_project.key, hash, new_id FROM door
        WHERE is_open AND ask_for_project.key IS NOT NULL AND NOT EXISTS (SELECT FROM seen)
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), created AS (
        INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, deadline_at, created_at, updated_at)
        SELECT new_id, 'creating', ask_for_project.name, ask_for_project.template, ask_for_project.parameters::json,
               ask_for_project.labels::jsonb, at, at + deadline * interval '1 second', at, at
        FROM clock_timestamp() AS at
        WHERE ask_for_project.key IS NULL OR EXISTS (SELECT FROM noted)
        RETURNING *
    ), enqueued AS (
        INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
        SELECT new_job_id, 'queued', 'project.provision', c.created_at,
               json_build_object('project_id', c.id, 'template', c.template, 'parameters', c.parameters),
               c.id, ask_for_project.max_attempts, c.created_at, c.created_at
        FROM created c
        RETURNING jobs.id, jobs.queue, jobs.created_at
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
        SELECT 'project', c.id, 'none', c.status, ask_for_project.actor, new_job_id, ask_for_project.request_id, c.created_at FROM created c
        UNION ALL
        SELECT 'job', e.id, 'none', 'queued', ask_for_project.actor, e.id, ask_for_project.request_id, e.created_at FROM enqueued e
    ), rang AS (
        SELECT pg_notify('provost', e.queue) FROM enqueued e WHERE ring
    )
    SELECT door.is_open, seen.project_id, seen.request_hash,
           c.id, c.status, c.error_reason, c.version, c.requested_at, c.deadline_at, c.created_at, c.updated_at,
           (SELECT count(*) FROM rang)
    FROM door LEFT JOIN seen ON true LEFT JOIN created c ON true;
END $$;

-- Moves a resting project into an operation, and enqueues the job that works on it. `verb` is retry or delete;
-- `seen_version` is the version the caller saw, or null for any.
CREATE FUNCTION begin_operation(
    verb text, project uuid, new_job_id uuid, deadline double precision, max_attempts integer,
    actor text, reason text, request_id text, ring boolean, seen_version bigint
) RETURNS TABLE (was text, was_version bigint, moved boolean, rung bigint)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM refuse_draining('default');
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT p.id, p.status, p.version FROM projects p WHERE p.id = project FOR UPDATE
    ), moved AS (
        UPDATE projects p
        SET status = CASE verb WHEN 'retry' THEN 'creating' ELSE 'deleting' END, error_reason = NULL, version = p.version + 1,
            requested_at = at, updated_at = at, deadline_at = at + deadline * interval '1 second'
        FROM found, clock_timestamp() AS at
        WHERE p.id = found.id AND (seen_version IS NULL OR found.version = seen_version)
          AND found.status = ANY (CASE verb WHEN 'retry' THEN '{failed}' WHEN 'delete' THEN '{ready,failed}' END::text[])
        RETURNING p.*
    ), enqueued AS (
        INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
        SELECT new_job_id, 'queued', CASE verb WHEN 'retry' THEN 'project.provision' ELSE 'project.deprovision' END, m.updated_at,
               json_build_object('project_id', m.id, 'template', m.template, 'parameters', m.parameters),
               m.id, begin_operation.max_attempts, m.updated_at, m.updated_at
        FROM moved m
        RETURNING jobs.id, jobs.queue, jobs.created_at
    ), told AS (
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at)
        SELECT 'project', m.id, found.status, m.status, begin_operation.reason, begin_operation.actor, new_job_id, begin_operation.request_id, m.updated_at
        FROM moved m JOIN found USING (id)
        UNION ALL
        SELECT 'job', e.id, 'none', 'queued', NULL, begin_operation.actor, e.id, begin_operation.request_id, e.created_at FROM enqueued e
    ), rang AS (
        SELECT pg_notify('provost', e.queue) FROM enqueued e WHERE ring
    )
    SELECT found.status, found.version, EXISTS (SELECT FROM moved), (SELECT count(*) FROM rang) FROM found;
END $$;

CREATE FUNCTION refuse_draining(queue text) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM queues q WHERE q.name = refuse_draining.queue AND q.state = 'draining') THEN
        RAISE EXCEPTION 'the queue % is draining and takes no new jobs', queue USING ERRCODE = 'PV001';
    END IF;
END $$;

-- The project verbs as an application calls them. ------------------------------------------------------------------------

CREATE FUNCTION create_project(
    name text, template text DEFAULT 'simulated', parameters json DEFAULT '{}', labels jsonb DEFAULT '{}',
    deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT p.id FROM ask_for_project(uuid_v7(), uuid_v7(), name, template, parameters::text, labels::text, extract(epoch FROM deadline)::float8,
                                 max_attempts, actor, NULL, true, NULL, NULL) AS p
$$;

CREATE FUNCTION operate(verb text, project uuid, reason text, deadline interval, max_attempts integer, actor text)
RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    job    uuid := uuid_v7();
    answer record;
BEGIN
    SELECT * INTO answer
    FROM begin_operation(verb, project, job, extract(epoch FROM deadline)::float8, max_attempts, actor, reason, NULL, true, NULL);
    IF answer IS NULL THEN
        RAISE EXCEPTION 'there is no project %', project USING ERRCODE = 'PV004';
    ELSIF NOT answer.moved THEN
        RAISE EXCEPTION 'project % is %: no % from there', project, answer.was, verb USING ERRCODE = 'PV003';
    END IF;
    RETURN job;
END $$;

-- Answers with the id of the job that does it.
CREATE FUNCTION retry_project(
    project uuid, reason text DEFAULT NULL, deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT operate('retry', project, reason, deadline, max_attempts, actor)
$$;

-- Answers with the id of the job that does it.
CREATE FUNCTION delete_project(
    project uuid, reason text DEFAULT NULL, deadline interval DEFAULT '10 minutes', max_attempts integer DEFAULT 3, actor text DEFAULT 'sql'
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT operate('delete', project, reason, deadline, max_attempts, actor)
$$;
