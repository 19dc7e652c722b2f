-- No schedule waits for a due time that it has already handled, or for an earlier one.
SELECT s.name AS id FROM schedules s
WHERE EXISTS (SELECT FROM ticks t WHERE t.schedule_id = s.id AND t.cause = 'due' AND t.due_at >= s.next_at)
