-- Whether an attempt may use the state of a project.
-- $1 project  $2 execution or null
SELECT may_use_terraform_state($1, $2) AS is_allowed
