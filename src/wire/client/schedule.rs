//! `/schedules`.

endpoints! {
    /// Lists schedules by name.
    list_schedules() GET "/schedules";
    /// Creates or replaces a schedule.
    put_schedule(body) POST "/schedules";
    /// Returns the due times of an expression.
    preview_schedule(body) POST "/schedules/preview";
    /// Returns a schedule.
    get_schedule(id) GET "/schedules/" id;
    /// Changes a schedule.
    patch_schedule(id, body) PATCH "/schedules/" id;
    /// Deletes a schedule.
    delete_schedule(id, body) DELETE "/schedules/" id;
    /// Returns the next due times of a schedule.
    next_of_schedule(id, pairs) GET "/schedules/" id "/next";
    /// Lists the ticks of a schedule, newest first.
    schedule_ticks(id, pairs) GET "/schedules/" id "/ticks";
    /// Starts the target of a schedule now.
    run_schedule(id, body) POST "/schedules/" id "/run";
    /// Pauses a schedule.
    pause_schedule(id, body) POST "/schedules/" id "/pause";
    /// Resumes a paused schedule.
    resume_schedule(id, body) POST "/schedules/" id "/resume";
    /// Starts the due times of a past window.
    backfill_schedule(id, body) POST "/schedules/" id "/backfill";
}
