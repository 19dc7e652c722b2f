-- Few jobs are claimed more than two seconds after their lease expired. For information: this also happens without free slots
-- or while the database is down.
SELECT b.job_id::text AS id
FROM executions b
JOIN executions a ON a.job_id = b.job_id AND a.attempt = b.attempt - 1
JOIN events e ON e.entity_id = a.job_id AND e.entity = 'job' AND e.execution_id = a.id AND e.new_state <> 'active'
WHERE a.outcome = 'lease_expired' AND b.claimed_at > (e.detail -> 'before' ->> 'lease_until')::timestamptz + interval '2 seconds'
