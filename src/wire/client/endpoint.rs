//! A table of simple endpoints: one line per method of [`Client`](super::Client).

/// Declares methods that send one request and return its answer. The arguments are named `id`, `pairs` (query parameters), `body` or
/// `text` (JSON text), `bulk` or `bulk_text` for a request on many jobs; a path is a sequence of literals and `id`.
macro_rules! endpoints {
    ($($(#[$($doc:tt)*])* $name:ident($($arg:ident),*) $method:ident $base:literal $($path_id:ident $($suffix:literal)?)?);+ $(;)?) => {
        impl $crate::wire::client::Client {$(
            $(#[$($doc)*])*
            pub async fn $name(&self $(, $arg: endpoints!(@type $arg))*)
                -> Result<$crate::wire::client::Answer, $crate::wire::client::ClientError> {
                let path = $base.to_owned() $(+ $crate::wire::segment($path_id).as_str() $(+ $suffix)?)?;
                let request = $crate::wire::client::Request::new(reqwest::Method::$method, path);
                $(let request = endpoints!(@apply $arg, request, $arg);)*
                self.answer(request).await
            }
        )+}
    };
    (@type id) => { &str };
    (@type pairs) => { $crate::wire::client::Pairs<'_> };
    (@type body) => { &$crate::wire::client::Body };
    (@type bulk) => { &$crate::wire::client::Body };
    (@type bulk_text) => { &str };
    (@type key) => { Option<&str> };
    (@type text) => { &str };
    (@apply id, $request:ident, $id:ident) => { $request };
    (@apply pairs, $request:ident, $pairs:ident) => { $request.pairs($pairs) };
    (@apply body, $request:ident, $body:ident) => { $request.text($body.text()) };
    (@apply bulk, $request:ident, $body:ident) => {
        $request.text($body.text()).timeout($crate::wire::client::BULK_TIMEOUT)
    };
    (@apply bulk_text, $request:ident, $text:ident) => {
        $request.text($text).timeout($crate::wire::client::BULK_TIMEOUT)
    };
    (@apply key, $request:ident, $key:ident) => { $request.key($key) };
    (@apply text, $request:ident, $text:ident) => { $request.text($text) };
}
