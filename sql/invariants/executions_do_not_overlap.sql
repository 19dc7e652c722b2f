-- No job was claimed before its previous attempt had ended, by the clock of the database.
SELECT a.job_id::text AS id
FROM executions a JOIN executions b ON b.job_id = a.job_id AND b.attempt = a.attempt + 1
WHERE b.claimed_at < coalesce(a.ended_at, 'infinity')
