-- Counts projects that changed their status, and records how provisioning ended. Most statements that may update projects
-- update none.
CREATE OR REPLACE FUNCTION count_updated_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;

    INSERT INTO provost.project_counts
    SELECT status, sum(change)
    FROM (SELECT status, -1 AS change FROM old_rows UNION ALL SELECT status, 1 FROM new_rows) AS changes
    GROUP BY status HAVING sum(change) <> 0;

    INSERT INTO provost.provision_stats
    SELECT date_trunc('minute', new_rows.updated_at), new_rows.status, coalesce(left(new_rows.error_reason, 200), ''),
           provost.histogram_bucket(ms), 1, ms, new_rows.updated_at
    FROM new_rows
    JOIN old_rows USING (id)
    CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM new_rows.updated_at - new_rows.requested_at) * 1000, 0)::bigint) AS took (ms)
    WHERE old_rows.status IN ('creating', 'provisioning') AND new_rows.status IN ('ready', 'failed');
    RETURN NULL;
END $$;
