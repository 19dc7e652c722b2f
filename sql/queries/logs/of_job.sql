-- Read the lines of all attempts of a job after a given one. $1 job  $2 id of a line, or 0  $3 max lines
SELECT id, execution_id, at, stream, line FROM execution_logs WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3
