//! Helpers for declaring routes.

use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::{Resource, Route, web};

use crate::web::error;

/// A path and its methods. Other methods get a 405 response that lists the allowed ones.
pub fn resource<const N: usize>(path: &str, allowed: &'static [&'static str], routes: [Route; N]) -> Resource {
    let resource = routes.into_iter().fold(web::resource(path), |resource, route| resource.route(route));
    resource.default_service(web::to(move || error::method_not_allowed(allowed)))
}

/// A method that HTTP itself does not define, such as `LOCK`.
pub fn method(name: &'static str) -> Route {
    web::route().guard(guard::fn_guard(move |context| context.head().method.as_str() == name))
}

/// GET and HEAD.
pub fn get() -> Route {
    web::route().guard(guard::fn_guard(|context| {
        guard::Method(Method::GET).check(context) || guard::Method(Method::HEAD).check(context)
    }))
}
