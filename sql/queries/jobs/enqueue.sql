-- Enqueue jobs: all of them, or none. HTTP and SQL use the same function, enqueue_jobs().
-- $1 jobs (JSON)  $2 actor  $3 request id  $4 notify?
SELECT ordinal, job_id, is_new, due_at, created_at, notified FROM enqueue_jobs($1::text::json, $2, $3, $4) ORDER BY ordinal
