-- Ends the steps of an operation whose job has ended while they were running: the worker was lost, or the deadline passed.
CREATE OR REPLACE FUNCTION interrupt_steps(job uuid, code text, error text, at timestamptz) RETURNS void
LANGUAGE sql SET search_path = provost, pg_temp AS $$
UPDATE steps s
SET state = CASE s.state WHEN 'undoing' THEN 'undo_failed' ELSE 'failed' END, ended_at = at, code = coalesce(s.code, interrupt_steps.code),
    error = coalesce(s.error, interrupt_steps.error), is_retryable = coalesce(s.is_retryable, true)
WHERE s.job_id = job AND s.state IN ('running', 'undoing')
$$;
