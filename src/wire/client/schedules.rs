//! `/schedules`.

use super::{Answer, Body, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// The schedules, by name.
    pub async fn list_schedules(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/schedules")).await
    }

    /// Makes one, or replaces the one of that name.
    pub async fn put_schedule(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/schedules").text(body.text())).await
    }

    /// What an expression means, and when it would be due.
    pub async fn preview_schedule(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/schedules/preview").text(body.text())).await
    }

    /// One schedule.
    pub async fn get_schedule(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/schedules/{}", segment(id)))).await
    }

    /// Changes some of it.
    pub async fn patch_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::patch(format!("/schedules/{}", segment(id))).text(body.text())).await
    }

    /// It starts nothing any more.
    pub async fn delete_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/schedules/{}", segment(id))).text(body.text())).await
    }

    /// When it is due next.
    pub async fn next_of_schedule(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/schedules/{}/next", segment(id))).pairs(pairs)).await
    }

    /// What became of its due times, newest first.
    pub async fn schedule_ticks(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/schedules/{}/ticks", segment(id))).pairs(pairs)).await
    }

    /// Starts it now.
    pub async fn run_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/schedules/{}/run", segment(id))).text(body.text())).await
    }

    /// Starts nothing by itself until it is resumed.
    pub async fn pause_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/schedules/{}/pause", segment(id))).text(body.text())).await
    }

    /// Starts what is due from now on.
    pub async fn resume_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/schedules/{}/resume", segment(id))).text(body.text())).await
    }

    /// Makes up for the due times of a span.
    pub async fn backfill_schedule(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/schedules/{}/backfill", segment(id))).text(body.text())).await
    }
}
