-- Whether an open row of `lanes` covers this lane from the given time on. A transaction can rely on such a row only if its
-- snapshot is newer than its own job rows. Under repeatable read it is not, so the caller inserts a row of its own.
CREATE OR REPLACE FUNCTION has_open_lane(queue text, priority smallint, kind text, tenant text, at timestamptz) RETURNS boolean STABLE LANGUAGE sql AS $$
SELECT current_setting('transaction_isolation') = 'read committed'
   AND EXISTS (SELECT FROM provost.lanes l WHERE (l.queue, l.priority, l.kind, l.tenant) = ($1, $2, $3, $4) AND l.since <= $5 AND l.is_open)
$$;
