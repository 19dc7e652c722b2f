//! `/limits`.

use super::{Answer, Body, Client, ClientError, Request, segment};

impl Client {
    /// The limits, and how much of each is used now.
    pub async fn list_limits(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/limits")).await
    }

    /// Lets it hold from now on; the same name again changes it.
    pub async fn put_limit(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/limits").text(body.text())).await
    }

    /// One limit.
    pub async fn get_limit(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/limits/{}", segment(id)))).await
    }

    /// It holds no longer.
    pub async fn delete_limit(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/limits/{}", segment(id))).text(body.text())).await
    }
}
