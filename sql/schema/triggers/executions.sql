-- Statistics of attempts that ended.
CREATE TRIGGER tally_insert AFTER INSERT ON past_executions REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_ended();
