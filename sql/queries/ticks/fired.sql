-- List which of these due times have started something.
-- $1 schedule  $2 due times
SELECT due_at FROM ticks WHERE schedule_id = $1 AND outcome = 'fired' AND due_at = ANY ($2::timestamptz[])
