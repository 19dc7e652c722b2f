-- No generated id that is still to come exists already. Logical replication copies rows and not the positions of the sequences.
SELECT highest.name AS id
FROM (
    SELECT 'events' AS name, max(id) AS id FROM events
    UNION ALL SELECT 'ticks', max(id) FROM ticks
    UNION ALL SELECT 'execution_logs', max(id) FROM execution_logs
    UNION ALL SELECT 'pending_releases', max(id) FROM pending_releases
    UNION ALL SELECT 'lanes', max(id) FROM lanes
    UNION ALL SELECT 'job_counts', max(id) FROM job_counts
    UNION ALL SELECT 'project_counts', max(id) FROM project_counts
    UNION ALL SELECT 'provision_stats', max(id) FROM provision_stats
    UNION ALL SELECT 'work_stats', max(id) FROM work_stats
) AS highest
WHERE highest.id > coalesce(pg_sequence_last_value(pg_get_serial_sequence('provost.' || highest.name, 'id')::regclass), 0)
