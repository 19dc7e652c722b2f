-- Most statements that could move a project move none.
CREATE OR REPLACE FUNCTION tally_moved_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM fresh) THEN
        RETURN NULL;
    END IF;

    INSERT INTO provost.project_tallies
    SELECT status, sum(d)
    FROM (SELECT status, -1 AS d FROM stale UNION ALL SELECT status, 1 FROM fresh) AS moves
    GROUP BY status HAVING sum(d) <> 0;

    INSERT INTO provost.provision_tallies
    SELECT date_trunc('minute', fresh.updated_at), fresh.status, coalesce(left(fresh.error_reason, 200), ''),
           provost.bucket_of(ms), 1, ms, fresh.updated_at
    FROM fresh
    JOIN stale USING (id)
    CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM fresh.updated_at - fresh.requested_at) * 1000, 0)::bigint) AS took (ms)
    WHERE stale.status IN ('creating', 'provisioning') AND fresh.status IN ('ready', 'failed');
    RETURN NULL;
END $$;
