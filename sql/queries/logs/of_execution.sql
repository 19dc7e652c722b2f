-- Read the lines of an attempt after a given one. $1 execution  $2 id of a line, or 0  $3 max lines
SELECT id, execution_id, at, stream, line FROM execution_logs WHERE execution_id = $1 AND id > $2 ORDER BY id LIMIT $3
