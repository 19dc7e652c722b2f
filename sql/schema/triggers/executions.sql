-- Statistics of attempts that ended.
CREATE TRIGGER track_insert AFTER INSERT ON past_executions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_ended_executions();

-- Locks of Terraform states end with their attempt.
CREATE TRIGGER release_terraform_locks AFTER INSERT ON past_executions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION release_terraform_locks();
