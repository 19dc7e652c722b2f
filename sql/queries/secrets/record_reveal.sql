-- Record that somebody has seen a secret.
-- $1 project  $2 name of the secret  $3 actor  $4 reason or null  $5 request id
INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, detail)
SELECT 'project', p.id, p.status, p.status, concat_ws(': ', CASE WHEN $2 = 'Terraform state' THEN 'Terraform state read' ELSE 'credential revealed' END, $4::text), $3::text, $5::text,
       json_build_object('revealed', $2::text)
FROM projects p WHERE p.id = $1
