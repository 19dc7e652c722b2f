-- Claim due jobs for a worker: at most one for each free slot.
-- $1 queues, {*} for all  $2 kinds  $3 worker  $4 new execution ids, one for each free slot  $5 lease (s)
-- $6 notify?  $7 seed of the tenant order  $8 extra candidates beyond the slots  $9 tenants, or null for all
--
-- Idea: read the head of each lane that may have due jobs, rank these candidates, apply the limits, lock as many as there are
-- slots, and start them. There are more candidates than slots because other claims may lock the same jobs at this moment. If a
-- priority has many lanes, each contributes fewer candidates, so that the work stays bounded; order is exact within a lane and,
-- between lanes, as deep as the candidates reach.
-- Output: one row for each claimed job, or one row without a job. Each row also has the columns about the claim as a whole.
-- Locks: limits in order of their names, then jobs, then projects in order of their ids. All skip rows that are locked.
-- Plan: lane heads by index only scans of jobs_by_lane, candidates by primary key once to lock them and by ctid to update them.
-- The steps about limits do no work if there are none (tests/plans.rs, tests/costs.rs).
WITH RECURSIVE clock AS MATERIALIZED (
    SELECT clock_timestamp() AS at, cardinality($4::uuid[]) AS slots, cardinality($4::uuid[]) + $8::integer AS max_candidates
), open_lanes AS MATERIALIZED (
    SELECT l.queue, l.priority, l.kind, l.tenant, min(l.since) AS since, count(*) OVER (PARTITION BY l.priority) AS lanes_in_priority
    FROM clock CROSS JOIN lanes l JOIN queues q ON q.name = l.queue
    WHERE l.since <= clock.at AND q.state <> 'paused' AND l.kind = ANY ($2::text[]) AND ('*' = ANY ($1::text[]) OR l.queue = ANY ($1))
      AND ($9::text[] IS NULL OR l.tenant = ANY ($9))
      AND NOT EXISTS (SELECT FROM workers w WHERE w.id = $3::text AND w.state <> 'online')
    GROUP BY l.queue, l.priority, l.kind, l.tenant
), lane_heads AS MATERIALIZED (
    SELECT head.*, open_lanes.queue, open_lanes.priority, open_lanes.kind, open_lanes.tenant
    FROM open_lanes CROSS JOIN clock CROSS JOIN LATERAL (
        SELECT j.id, j.run_at FROM jobs j
        WHERE j.queue = open_lanes.queue AND j.priority = open_lanes.priority AND j.kind = open_lanes.kind AND j.tenant = open_lanes.tenant
          AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at BETWEEN open_lanes.since AND clock.at
        ORDER BY j.run_at, j.id LIMIT least(clock.max_candidates, 4 * clock.max_candidates / open_lanes.lanes_in_priority + 2)
    ) AS head
), ranked AS MATERIALIZED (
    -- The order of service. Within a priority the tenants alternate, in an order that depends on the seed: claims of a single job
    -- are then fair, too. Within a tenant: first in, first out.
    SELECT *, row_number() OVER (ORDER BY priority DESC, tenant_rank, hashtextextended(tenant, $7::bigint), run_at, id) AS place
    FROM (SELECT *, row_number() OVER (PARTITION BY priority, tenant ORDER BY run_at, id) AS tenant_rank FROM lane_heads) AS h
), limited AS MATERIALIZED (
    -- The limits that apply to each candidate. Without limits nothing is compared: the planner evaluates the last line first.
    SELECT ranked.id, ranked.place, l.name, l.revision AS seen FROM ranked JOIN limits l
    ON l.enabled AND limit_applies(l.scope, l.value, ranked.queue, ranked.kind, ranked.tenant)
    WHERE (SELECT EXISTS (SELECT FROM limits WHERE enabled))
), locked_limits AS MATERIALIZED (
    -- A limit that another claim has locked is skipped, and so are its jobs. A limit whose revision is not the one in the
    -- snapshot was just used by another claim: the snapshot may lack active jobs, so the limit admits nothing this time.
    SELECT l.name, l.revision, l.mode,
           CASE l.mode WHEN 'rate' THEN floor(available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, clock.at))
           ELSE l.amount - (SELECT count(*) FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND limit_applies(l.scope, l.value, a.queue, a.kind, a.tenant)) END AS free
    FROM limits l CROSS JOIN clock
    WHERE l.name IN (SELECT name FROM limited)
    ORDER BY l.name FOR UPDATE OF l SKIP LOCKED
), capacity AS MATERIALIZED (
    SELECT array_agg(name ORDER BY name) AS names, array_agg(free ORDER BY name) AS free
    FROM (SELECT DISTINCT locked_limits.name, greatest(locked_limits.free, 0)::bigint AS free FROM locked_limits JOIN limited USING (name) WHERE locked_limits.revision = limited.seen) AS open
), limited_jobs AS MATERIALIZED (
    -- The limited jobs in order of service, with the positions of their limits in `capacity`. Jobs of a limit that has no
    -- capacity or is skipped are removed first.
    SELECT id, limit_positions, row_number() OVER (ORDER BY place) AS nth
    FROM (SELECT limited.id, limited.place, array_agg(array_position(capacity.names, limited.name)) AS limit_positions,
                 bool_and(coalesce(capacity.free[array_position(capacity.names, limited.name)] > 0, false)) AS has_capacity
          FROM limited CROSS JOIN capacity GROUP BY limited.id, limited.place) AS b
    WHERE has_capacity
), admission AS (
    -- Job by job: one that all its limits admit takes capacity from each of them; any other takes none.
    SELECT 0::bigint AS nth, NULL::uuid AS id, free AS remaining FROM capacity
    UNION ALL
    SELECT limited_jobs.nth, CASE WHEN fits THEN limited_jobs.id END,
           CASE WHEN fits THEN ARRAY(SELECT n - (i = ANY (limited_jobs.limit_positions))::integer FROM unnest(admission.remaining) WITH ORDINALITY AS r (n, i) ORDER BY i)
                ELSE admission.remaining END
    FROM admission JOIN limited_jobs ON limited_jobs.nth = admission.nth + 1
    CROSS JOIN LATERAL (SELECT bool_and(admission.remaining[ordinal] > 0) AS fits FROM unnest(limited_jobs.limit_positions) AS ordinal) AS fit
), decision AS (
    SELECT id, id IN (SELECT admission.id FROM admission WHERE admission.id IS NOT NULL) AS admitted, bool_or(locked_limits.revision IS DISTINCT FROM limited.seen) AS contended
    FROM limited LEFT JOIN locked_limits USING (name)
    GROUP BY id
), admitted AS MATERIALIZED (
    SELECT id, place FROM ranked
    WHERE id NOT IN (SELECT id FROM decision WHERE NOT admitted)
    ORDER BY place LIMIT (SELECT max_candidates FROM clock)
), locked_jobs AS MATERIALIZED (
    SELECT j.ctid AS location, j.id, j.state, j.project_id
    FROM admitted JOIN jobs j ON j.id = admitted.id
    WHERE j.state IN ('queued', 'scheduled', 'retrying')
    ORDER BY admitted.place
    LIMIT cardinality($4)
    FOR NO KEY UPDATE OF j SKIP LOCKED
), locked_projects AS MATERIALIZED (
    -- Jobs of a locked project are left for the next claim: one locked row must not stop the queue.
    SELECT id FROM projects WHERE id IN (SELECT project_id FROM locked_jobs) ORDER BY id FOR UPDATE SKIP LOCKED
), numbered AS (
    SELECT location, id, state, row_number() OVER () AS n
    FROM locked_jobs
    WHERE project_id IS NULL OR project_id IN (SELECT id FROM locked_projects)
), claimed AS (
    -- The rows are locked, so their ctids are current. A row that changed after the snapshot is left for the next claim.
    UPDATE jobs j
    SET state = 'active', attempt = j.attempt + 1, execution_id = ($4)[numbered.n], worker_id = $3, claimed_at = at,
        lease_until = at + $5::float8 * interval '1 second', timeout_at = at + j.timeout * interval '1 second', updated_at = at,
        progress_fraction = NULL, progress_text = NULL
    FROM numbered, clock_timestamp() AS at
    WHERE j.ctid = numbered.location AND j.state = numbered.state AND j.state IN ('queued', 'scheduled', 'retrying')
    RETURNING j.id, j.execution_id, j.kind, j.queue, j.tenant, j.priority, j.payload, j.project_id, j.attempt, j.failures, j.max_attempts,
              j.timeout, j.backoff, j.run_at, j.claimed_at, j.updated_at, j.has_dependencies, numbered.state AS previous_state
), charged AS (
    UPDATE limits l
    SET revision = l.revision + 1, refilled_at = at,
        tokens = CASE l.mode WHEN 'rate' THEN greatest(available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, at) - used.n, 0) ELSE 0 END
    FROM (SELECT b.name, count(*) AS n FROM claimed JOIN limited b USING (id) GROUP BY b.name) AS used, clock_timestamp() AS at
    WHERE l.name = used.name
), started AS (
    INSERT INTO work_stats
    SELECT date_trunc('minute', claimed_at), queue, kind, 'started', histogram_bucket(ms), count(*), sum(ms)
    FROM claimed CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM claimed_at - run_at) * 1000, 0)::bigint) AS waited (ms)
    GROUP BY 1, 2, 3, 5
), changed_projects AS (
    UPDATE projects p
    SET status = 'provisioning', version = p.version + 1, updated_at = claimed.updated_at,
        deadline_at = claimed.updated_at + p.operation_timeout * interval '1 second'
    FROM claimed
    WHERE p.id = claimed.project_id AND p.status = 'creating' AND claimed.kind IN ('project.provision', 'project.clone', 'project.adopt')
    RETURNING p.id, claimed.id AS job_id, claimed.execution_id, p.updated_at
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, previous_state, 'active', $3, id, execution_id, updated_at FROM claimed
    UNION ALL
    SELECT 'project', id, 'creating', 'provisioning', $3, job_id, execution_id, updated_at FROM changed_projects
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM claimed) AS q WHERE $6::boolean AND EXISTS (SELECT FROM changed_projects)
)
SELECT -- The claim as a whole: whether a repeated claim may find more, and when the next job is due.
       (SELECT count(*) FROM notified) AS notified,
       coalesce((SELECT bool_or(contended) FROM decision), false) AS contended,
       (SELECT count(*) FROM claimed) < least((SELECT slots FROM clock), (SELECT count(*) FROM admitted)) AS candidates_taken,
       (SELECT extract(epoch FROM min(later.at) - (SELECT at FROM clock))::float8 FROM (
            SELECT later.run_at FROM open_lanes CROSS JOIN LATERAL (
                SELECT j.run_at FROM jobs j
                WHERE j.queue = open_lanes.queue AND j.priority = open_lanes.priority AND j.kind = open_lanes.kind AND j.tenant = open_lanes.tenant
                  AND j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at > (SELECT at FROM clock) AND j.run_at < 'infinity'
                ORDER BY j.run_at LIMIT 1) AS later
            UNION ALL
            SELECT l.since FROM lanes l WHERE l.since > (SELECT at FROM clock) AND l.since < 'infinity' AND l.kind = ANY ($2)
            UNION ALL
            -- When a rate limit that applied has its next whole token.
            SELECT clock.at + (1 - b.tokens + floor(b.tokens)) * l.window_s / l.amount * interval '1 second'
            FROM clock CROSS JOIN limits l CROSS JOIN LATERAL available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, clock.at) AS b (tokens)
            WHERE l.mode = 'rate' AND l.amount > 0 AND l.name IN (SELECT name FROM limited)
       ) AS later (at)) AS next_due,
       -- The claimed job.
       claimed.id, claimed.execution_id, claimed.kind, claimed.queue, claimed.tenant, claimed.payload::text AS payload,
       claimed.project_id, claimed.attempt, claimed.failures, claimed.max_attempts, claimed.timeout, claimed.backoff, claimed.previous_state,
       CASE WHEN claimed.has_dependencies THEN inputs_of(claimed.id) END AS inputs,
       EXISTS (SELECT FROM changed_projects WHERE changed_projects.job_id = claimed.id) AS project_changed
FROM clock LEFT JOIN claimed ON true
ORDER BY claimed.priority DESC, claimed.run_at, claimed.id
