-- Find me work to do: due jobs of my queues and kinds, no more than I have slots for.
-- $1 queues, {*} for all  $2 kinds  $3 worker  $4 fresh execution ids, one for each free slot  $5 lease (s)
-- $6 deadline of a provisioning project (s)  $7 ring?  $8 dice  $9 how many candidates more than slots
-- $10 tenants, or null for all
--
-- Jobs stand in lines, and the table `lines` says in which of them something may be waiting, and since when. From the head
-- of each come more candidates than there are slots, because others may be claiming the same heads right now. Where
-- a priority has many lines each gives fewer, so that a thousand lines do not give a thousand times as many: first in,
-- first out then holds within each line, and between them as far as their heads reach.
WITH RECURSIVE clock AS MATERIALIZED (
    SELECT clock_timestamp() AS at, cardinality($4::uuid[]) AS slots, cardinality($4::uuid[]) + $9::integer AS reach
), mine AS MATERIALIZED (
    SELECT l.queue, l.priority, l.kind, l.tenant, min(l.since) AS since, count(*) OVER (PARTITION BY l.priority) AS rivals
    FROM clock CROSS JOIN lines l JOIN queues q ON q.name = l.queue
    WHERE l.since <= clock.at AND q.state <> 'paused' AND l.kind = ANY ($2::text[]) AND ('*' = ANY ($1::text[]) OR l.queue = ANY ($1))
      AND ($10::text[] IS NULL OR l.tenant = ANY ($10))
      AND NOT EXISTS (SELECT FROM workers w WHERE w.id = $3::text AND w.state <> 'online')
    GROUP BY l.queue, l.priority, l.kind, l.tenant
), heads AS MATERIALIZED (
    SELECT head.*, mine.queue, mine.priority, mine.kind, mine.tenant
    FROM mine CROSS JOIN clock CROSS JOIN LATERAL (
        SELECT j.id, j.run_at FROM jobs j
        WHERE j.queue = mine.queue AND j.priority = mine.priority AND j.kind = mine.kind AND j.tenant = mine.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at BETWEEN mine.since AND clock.at
        ORDER BY j.run_at, j.id LIMIT least(clock.reach, 4 * clock.reach / mine.rivals + 2)
    ) AS head
), placed AS MATERIALIZED (
    -- The order of service. Within a priority the tenants take turns; whose turn comes first is thrown with dice, so that
    -- whoever asks for one job at a time is fair too. Within a tenant: first in, first out.
    SELECT *, row_number() OVER (ORDER BY priority DESC, turn, hashtextextended(tenant, $8::bigint), run_at, id) AS place
    FROM (SELECT *, row_number() OVER (PARTITION BY priority, tenant ORDER BY run_at, id) AS turn FROM heads) AS h
), bound AS MATERIALIZED (
    -- Which limits speak of these jobs. Without limits nothing is compared: the planner asks the last line once, and first.
    SELECT placed.id, placed.place, l.name, l.turn AS seen FROM placed JOIN limits l
    ON l.enabled AND covers(l.scope, l.value, placed.queue, placed.kind, placed.tenant)
    WHERE (SELECT EXISTS (SELECT FROM limits WHERE enabled))
), held AS MATERIALIZED (
    -- Theirs are the only rows that claims wait in line for. A limit that somebody else is claiming under right now is left
    -- out, and so are its jobs; a limit whose turn is not the one this statement's snapshot shows was claimed under a
    -- moment ago, so that the active jobs seen here may be too few: it gives nothing this time.
    SELECT l.name, l.turn, l.mode,
           CASE l.mode WHEN 'rate' THEN floor(tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, clock.at))
           ELSE l.most - (SELECT count(*) FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND covers(l.scope, l.value, a.queue, a.kind, a.tenant)) END AS free
    FROM limits l CROSS JOIN clock
    WHERE l.name IN (SELECT name FROM bound)
    ORDER BY l.name FOR UPDATE OF l SKIP LOCKED
), room AS MATERIALIZED (
    SELECT array_agg(name ORDER BY name) AS names, array_agg(free ORDER BY name) AS free
    FROM (SELECT DISTINCT held.name, greatest(held.free, 0)::bigint AS free FROM held JOIN bound USING (name) WHERE held.turn = bound.seen) AS open
), asking AS MATERIALIZED (
    -- The limited jobs, in the order of service, each with the places of its limits in `room`. Whose limit has no room at all,
    -- or cannot be asked now, is out before anybody counts.
    SELECT id, needs, row_number() OVER (ORDER BY place) AS nth
    FROM (SELECT bound.id, bound.place, array_agg(array_position(room.names, bound.name)) AS needs,
                 bool_and(coalesce(room.free[array_position(room.names, bound.name)] > 0, false)) AS may_ask
          FROM bound CROSS JOIN room GROUP BY bound.id, bound.place) AS b
    WHERE may_ask
), walk AS (
    -- One after the other: who is let through by all of its limits takes from each of them; who is not takes from none.
    SELECT 0::bigint AS nth, NULL::uuid AS id, free AS remaining FROM room
    UNION ALL
    SELECT asking.nth, CASE WHEN fits THEN asking.id END,
           CASE WHEN fits THEN ARRAY(SELECT n - (i = ANY (asking.needs))::integer FROM unnest(walk.remaining) WITH ORDINALITY AS r (n, i) ORDER BY i)
                ELSE walk.remaining END
    FROM walk JOIN asking ON asking.nth = walk.nth + 1
    CROSS JOIN LATERAL (SELECT bool_and(walk.remaining[need] > 0) AS fits FROM unnest(asking.needs) AS need) AS judged
), verdict AS (
    SELECT id, id IN (SELECT walk.id FROM walk WHERE walk.id IS NOT NULL) AS admitted, bool_or(held.turn IS DISTINCT FROM bound.seen) AS contended
    FROM bound LEFT JOIN held USING (name)
    GROUP BY id
), admitted AS MATERIALIZED (
    SELECT id, place FROM placed
    WHERE id NOT IN (SELECT id FROM verdict WHERE NOT admitted)
    ORDER BY place LIMIT (SELECT reach FROM clock)
), chosen AS MATERIALIZED (
    SELECT j.ctid AS spot, j.id, j.state, j.project_id
    FROM admitted JOIN jobs j ON j.id = admitted.id
    WHERE j.state IN ('queued', 'scheduled', 'retrying')
    ORDER BY admitted.place
    LIMIT cardinality($4)
    FOR NO KEY UPDATE OF j SKIP LOCKED
), ready AS MATERIALIZED (
    -- A project that somebody else has locked is left for the next time: one locked row must not stop the queue.
    SELECT id FROM projects WHERE id IN (SELECT project_id FROM chosen) ORDER BY id FOR UPDATE SKIP LOCKED
), numbered AS (
    SELECT spot, id, state, row_number() OVER () AS n
    FROM chosen
    WHERE project_id IS NULL OR project_id IN (SELECT id FROM ready)
), claimed AS (
    -- They are locked, so each is where it was found: no need to look for it again. One that changed since this statement
    -- began is left for the next look.
    UPDATE jobs j
    SET state = 'active', attempt = j.attempt + 1, execution_id = ($4)[numbered.n], worker_id = $3, claimed_at = at,
        lease_until = at + $5::float8 * interval '1 second', timeout_at = at + j.timeout * interval '1 second', updated_at = at,
        progress_fraction = NULL, progress_text = NULL
    FROM numbered, clock_timestamp() AS at
    WHERE j.ctid = numbered.spot AND j.state = numbered.state AND j.state IN ('queued', 'scheduled', 'retrying')
    RETURNING j.id, j.execution_id, j.kind, j.queue, j.tenant, j.priority, j.payload, j.project_id, j.attempt, j.failures, j.max_attempts,
              j.timeout, j.backoff, j.run_at, j.claimed_at, j.updated_at, j.has_dependencies, numbered.state AS previous_state
), charged AS (
    UPDATE limits l
    SET turn = l.turn + 1, refilled_at = at,
        tokens = CASE l.mode WHEN 'rate' THEN greatest(tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, at) - used.n, 0) ELSE 0 END
    FROM (SELECT b.name, count(*) AS n FROM claimed JOIN bound b USING (id) GROUP BY b.name) AS used, clock_timestamp() AS at
    WHERE l.name = used.name
), started AS (
    INSERT INTO work_tallies
    SELECT date_trunc('minute', claimed_at), queue, kind, 'started', bucket_of(ms), count(*), sum(ms)
    FROM claimed CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM claimed_at - run_at) * 1000, 0)::bigint) AS waited (ms)
    GROUP BY 1, 2, 3, 5
), moved AS (
    UPDATE projects p
    SET status = 'provisioning', version = p.version + 1, updated_at = claimed.updated_at,
        deadline_at = claimed.updated_at + $6::float8 * interval '1 second'
    FROM claimed
    WHERE p.id = claimed.project_id AND p.status = 'creating' AND claimed.kind = 'project.provision'
    RETURNING p.id, claimed.id AS job_id, claimed.execution_id, p.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, previous_state, 'active', $3, id, execution_id, updated_at FROM claimed
    UNION ALL
    SELECT 'project', id, 'creating', 'provisioning', $3, job_id, execution_id, updated_at FROM moved
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM claimed) AS q WHERE $7::boolean AND EXISTS (SELECT FROM moved)
)
SELECT -- About the look itself: whether others were at the same rows, so that looking again at once may find more, and
       -- when the next job of these lines falls due.
       (SELECT count(*) FROM rung) AS rung,
       coalesce((SELECT bool_or(contended) FROM verdict), false) AS contended,
       (SELECT count(*) FROM claimed) < least((SELECT slots FROM clock), (SELECT count(*) FROM admitted)) AS crowded,
       (SELECT extract(epoch FROM min(later.at) - (SELECT at FROM clock))::float8 FROM (
            SELECT later.run_at FROM mine CROSS JOIN LATERAL (
                SELECT j.run_at FROM jobs j
                WHERE j.queue = mine.queue AND j.priority = mine.priority AND j.kind = mine.kind AND j.tenant = mine.tenant
                  AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at > (SELECT at FROM clock) AND j.run_at < 'infinity'
                ORDER BY j.run_at LIMIT 1) AS later
            UNION ALL
            SELECT l.since FROM lines l WHERE l.since > (SELECT at FROM clock) AND l.since < 'infinity' AND l.kind = ANY ($2)
            UNION ALL
            -- When a rate that spoke here has its next whole token.
            SELECT clock.at + (1 - b.tokens + floor(b.tokens)) * l.span / l.most * interval '1 second'
            FROM clock CROSS JOIN limits l CROSS JOIN LATERAL tokens_now(l.tokens, l.refilled_at, l.most, l.span, l.burst, clock.at) AS b (tokens)
            WHERE l.mode = 'rate' AND l.most > 0 AND l.name IN (SELECT name FROM bound)
       ) AS later (at)) AS next_due,
       -- And the jobs; one row without a job when there is none.
       claimed.id, claimed.execution_id, claimed.kind, claimed.queue, claimed.tenant, claimed.payload::text AS payload,
       claimed.project_id, claimed.attempt, claimed.failures, claimed.max_attempts, claimed.timeout, claimed.backoff, claimed.previous_state,
       CASE WHEN claimed.has_dependencies THEN inputs_of(claimed.id) END AS inputs,
       EXISTS (SELECT FROM moved WHERE moved.job_id = claimed.id) AS project_moved
FROM clock LEFT JOIN claimed ON true
ORDER BY claimed.priority DESC, claimed.run_at, claimed.id
