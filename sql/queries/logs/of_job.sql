-- What did the executions of this job write, after that line? $1 job  $2 the id of a line, or 0  $3 how many at most
SELECT id, execution_id, at, stream, line FROM execution_logs WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3
