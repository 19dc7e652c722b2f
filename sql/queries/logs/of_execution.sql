-- What did this execution write, after that line? $1 execution  $2 the id of a line, or 0  $3 how many at most
SELECT id, execution_id, at, stream, line FROM execution_logs WHERE execution_id = $1 AND id > $2 ORDER BY id LIMIT $3
