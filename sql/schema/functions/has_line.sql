-- Is this line covered from that moment on by a row that one can trust? Only with a snapshot that is newer than one's own
-- row can one know; a transaction with one snapshot for all of its statements cannot, and appends a row of its own.
CREATE OR REPLACE FUNCTION has_line(queue text, priority smallint, kind text, tenant text, at timestamptz) RETURNS boolean STABLE LANGUAGE sql AS $$
SELECT current_setting('transaction_isolation') = 'read committed'
   AND EXISTS (SELECT FROM provost.lines l WHERE (l.queue, l.priority, l.kind, l.tenant) = ($1, $2, $3, $4) AND l.since <= $5 AND l.is_open)
$$;
